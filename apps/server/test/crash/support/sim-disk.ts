/**
 * A disk in memory that does what real ones may: loses, tears and reorders sectors that were not synced, forgets names that
 * were not synced, fails any call, stops in the middle of one. It survives the processes that use it: each life opens a
 * `SimProcess`, and after its end the disk is what a kill or a power cut left.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Random } from '#kernel/base';
import type { Disk, DiskFile } from '#kernel/log';

const sector = 512;

class Inode {
  /** What processes see. */
  bytes = Buffer.alloc(0);
  /** What is on the device. */
  durable = Buffer.alloc(0);
  readonly dirty = new Set<number>();

  grow(size: number): void {
    if (size <= this.bytes.length) return;
    this.bytes = Buffer.concat([this.bytes, Buffer.alloc(size - this.bytes.length)]);
  }

  put(from: number, source: Uint8Array): void {
    this.grow(from + source.length);
    this.bytes.set(source, from);
    for (let at = Math.floor(from / sector); at * sector < from + source.length; at++) this.dirty.add(at);
  }

  persist(sectors: Iterable<number>): void {
    if (this.durable.length < this.bytes.length) {
      this.durable = Buffer.concat([this.durable, Buffer.alloc(this.bytes.length - this.durable.length)]);
    }
    for (const at of Array.from(sectors)) {
      this.bytes.copy(this.durable, at * sector, at * sector, Math.min((at + 1) * sector, this.bytes.length));
      this.dirty.delete(at);
    }
  }

  /** The device after a power cut: of what was not synced, some sectors arrived. */
  cutPower(random: Random): void {
    const share = [0, 0.5, 1][Math.floor(random() * 3)] as number;
    const arrived = [...this.dirty].filter(() => random() < share);
    if (arrived.length > 0) this.persist(arrived);
    this.dirty.clear();
    this.bytes = Buffer.from(this.durable);
  }
}

type NameChange = { dir: string; apply: (names: Map<string, Inode>) => void };
type Fault = { code: string; short?: boolean };

export class SimDisk {
  readonly random: Random;
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #changes: NameChange[] = [];
  #process: SimProcess | undefined;
  freeBytes = 2 ** 50;
  /** Says that it synced, and does not. */
  lies = false;

  constructor(random: Random) {
    this.random = random;
  }

  open(): SimProcess {
    if (this.#process && !this.#process.ended) throw new Error('two processes on one simulated disk');
    this.#process = new SimProcess(this);
    return this.#process;
  }

  /** Ends the life on this disk. A kill keeps what the kernel had; a power cut only what was synced, and some of the rest. */
  end(how: 'kill' | 'power'): void {
    this.#process?.stop();
    if (how === 'kill') return;
    const kept = Math.floor(this.random() * (this.#changes.length + 1));
    for (const change of this.#changes.slice(0, kept)) change.apply(this.#durableNames);
    this.#changes = [];
    for (const inode of new Set([...this.#names.values(), ...this.#durableNames.values()])) inode.cutPower(this.random);
    this.#names = new Map(this.#durableNames);
  }

  names(dir: string): string[] {
    const inside = [...this.#names.keys()]
      .filter((path) => path.startsWith(`${dir}/`))
      .map((path) => path.slice(dir.length + 1));
    return [...new Set(inside.map((path) => path.split('/')[0] as string))];
  }

  inode(path: string): Inode | undefined {
    return this.#names.get(path);
  }

  /** The bytes of a file, to look at or to damage behind everyone's back (also on the device). */
  damage(path: string, act: (bytes: Buffer) => void): void {
    const inode = this.#names.get(path);
    if (!inode) throw new Error(`no file ${path}`);
    act(inode.bytes);
    inode.durable = Buffer.from(inode.bytes);
    inode.dirty.clear();
  }

  drop(path: string): void {
    this.#names.delete(path);
    this.#durableNames.delete(path);
  }

  copy(): Map<string, Buffer> {
    return new Map([...this.#names].map(([path, inode]) => [path, Buffer.from(inode.bytes)]));
  }

  restore(files: ReadonlyMap<string, Buffer>): void {
    this.#names = new Map();
    for (const [path, bytes] of files) {
      const inode = new Inode();
      inode.bytes = Buffer.from(bytes);
      inode.durable = Buffer.from(bytes);
      this.#names.set(path, inode);
    }
    this.#durableNames = new Map(this.#names);
    this.#changes = [];
  }

  change(dir: string, apply: (names: Map<string, Inode>) => void): void {
    apply(this.#names);
    this.#changes.push({ dir, apply });
  }

  syncNames(dir: string): void {
    if (this.lies) return;
    // As journaling file systems do: what came before, also elsewhere, is ordered before.
    const last = this.#changes.findLastIndex((change) => change.dir === dir);
    for (const change of this.#changes.splice(0, last + 1)) change.apply(this.#durableNames);
  }
}

const dirOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
const never = new Promise<never>(() => undefined);

/** The disk as one process sees it. Counts calls; may be told to end the process, or to fail, at one of them. */
export class SimProcess implements Disk {
  readonly #disk: SimDisk;
  calls = 0;
  ended = false;
  /** At this call: stop in the middle of it. */
  endAt = Number.POSITIVE_INFINITY;
  /** At this call: this error. */
  failAt = Number.POSITIVE_INFINITY;
  fault: Fault = { code: 'EIO' };
  /** Whether reads may be what fails; else the failure waits for the next call that changes something. */
  failReads = false;
  onEnd: () => void = () => undefined;

  constructor(disk: SimDisk) {
    this.#disk = disk;
  }

  stop(): void {
    this.ended = true;
  }

  /** Every call passes here. `partly` is what may have happened when the process ends in the middle. */
  async #call<T>(act: () => T, partly: () => void = () => undefined, reads = false): Promise<T> {
    if (this.ended) return never;
    this.calls += 1;
    const mine = this.calls;
    if (mine === this.endAt) {
      const how = this.#disk.random();
      if (how < 0.5) partly();
      else if (how < 0.75) act();
      this.ended = true;
      this.onEnd();
      return never;
    }
    if (mine === this.failAt && reads) this.failAt += 1;
    if (mine === this.failAt) {
      if (this.#disk.random() < 0.5) partly();
      throw Object.assign(new Error(this.fault.short ? 'short write' : `${this.fault.code}: simulated`), {
        code: this.fault.code,
      });
    }
    const waits = Math.floor(this.#disk.random() * 3);
    for (let i = 0; i < waits; i++) await turn();
    if (this.ended) {
      // Handed to the kernel before the end: it may still arrive.
      if (this.#disk.random() < 0.3) partly();
      return never;
    }
    return act();
  }

  lock(): Promise<AsyncDisposable> {
    return this.#call(() => ({ [Symbol.asyncDispose]: () => Promise.resolve() }));
  }

  makeDir(): Promise<void> {
    return this.#call(() => undefined);
  }

  list(dir: string): Promise<string[]> {
    return this.#call(() => this.#disk.names(dir));
  }

  open(path: string, mode: 'read' | 'write' | 'create', { synced = false } = {}): Promise<DiskFile> {
    return this.#call(
      () => {
        const found = this.#disk.inode(path);
        if (mode === 'create') {
          if (found) throw Object.assign(new Error(`EEXIST: ${path}`), { code: 'EEXIST' });
          const inode = new Inode();
          this.#disk.change(dirOf(path), (names) => names.set(path, inode));
          return this.#file(inode, synced);
        }
        if (!found) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
        return this.#file(found, synced);
      },
      undefined,
      mode === 'read' && !this.failReads,
    );
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call(() => {
      const inode = this.#must(from);
      this.#disk.change(dirOf(to), (names) => {
        names.delete(from);
        names.set(to, inode);
      });
    });
  }

  link(from: string, to: string): Promise<void> {
    return this.#call(() => {
      const inode = this.#must(from);
      this.#disk.change(dirOf(to), (names) => names.set(to, inode));
    });
  }

  remove(path: string): Promise<void> {
    return this.#call(() => {
      this.#must(path);
      this.#disk.change(dirOf(path), (names) => names.delete(path));
    });
  }

  syncDir(dir: string): Promise<void> {
    return this.#call(() => this.#disk.syncNames(dir));
  }

  free(): Promise<number> {
    return this.#call(() => this.#disk.freeBytes);
  }

  #must(path: string): Inode {
    const inode = this.#disk.inode(path);
    if (!inode) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
    return inode;
  }

  #file(inode: Inode, synced: boolean): DiskFile {
    const { random } = this.#disk;
    const sync = (sectors: Iterable<number>): void => {
      if (!this.#disk.lies) inode.persist(sectors);
    };
    const sectorsOf = (from: number, to: number): number[] => {
      const first = Math.floor(from / sector);
      return Array.from({ length: Math.ceil(to / sector) - first }, (_, i) => first + i);
    };
    return {
      write: (bytes, from, to, position) =>
        this.#call(
          () => {
            inode.put(position, bytes.subarray(from, to));
            if (synced) sync(sectorsOf(position, position + to - from));
          },
          () => {
            // Torn: any of its sectors, in any order, some of them on the device already.
            for (const at of sectorsOf(position, position + to - from)) {
              if (random() < 0.5) continue;
              const start = at * sector - position;
              inode.put(position + start, bytes.subarray(from + start, Math.min(to, from + start + sector)));
              if (synced && random() < 0.5) sync([at]);
            }
          },
        ),
      read: (into, position) =>
        this.#call(
          () => {
            const part = inode.bytes.subarray(position, position + into.length);
            into.set(part);
            return part.length;
          },
          undefined,
          !this.failReads,
        ),
      sync: () =>
        this.#call(
          () => sync(inode.dirty),
          () => sync([...inode.dirty].filter(() => random() < 0.5)),
        ),
      size: () => this.#call(() => inode.bytes.length),
      close: () => this.#call(() => undefined),
    };
  }
}

/** A generator from a seed (mulberry32), so that a life can be lived again. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
