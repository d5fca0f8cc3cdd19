import { join } from 'node:path';
import { asError, type Clock } from '#kernel/base';
import type { Disk } from './disk.ts';
import type { LogEvents } from './events.ts';
import type { LogLimits } from './limits.ts';

const stepBytes = 4 * 1024 * 1024;
const suffix = '.spare';

/**
 * Zero-filled files of a segment's size, made ahead: writing into blocks that exist needs no change of file size, so one
 * synced write is one device write. Finished segments come back here instead of being deleted. The last one is kept for
 * recovery, which therefore works on a full disk. Only failing to prepare one may go without ending the process.
 */
export class Spares {
  readonly #disk: Disk;
  readonly #dir: string;
  readonly #clock: Clock;
  readonly #limits: LogLimits;
  readonly #events: LogEvents;
  readonly #ready: string[] = [];
  /** Of those, the ones made here, all zeros; the others hold what a segment held. */
  readonly #blank = new Set<string>();
  /** Finished segments come back; not while they may hold what was erased. */
  recycling = true;
  #made = 0;
  #preparing: Promise<void> | undefined;
  readonly #stop = new AbortController();

  constructor(parts: { disk: Disk; dir: string; clock: Clock; limits: LogLimits; events: LogEvents }) {
    this.#disk = parts.disk;
    this.#dir = parts.dir;
    this.#clock = parts.clock;
    this.#limits = parts.limits;
    this.#events = parts.events;
  }

  get ready(): number {
    return this.#ready.length;
  }

  /** Looks what is there. Files of another size, and ones whose preparation was cut off, are given back to the disk. */
  async find(): Promise<void> {
    for (const name of await this.#disk.list(this.#dir)) {
      const path = join(this.#dir, name);
      if (name.endsWith(`${suffix}.new`)) await this.#disk.remove(path);
      if (!name.endsWith(suffix)) continue;
      const file = await this.#disk.open(path, 'read');
      const size = await file.size();
      await file.close();
      if (size === this.#limits.segmentBytes && this.#ready.length < this.#limits.sparesMax) this.#ready.push(path);
      else await this.#disk.remove(path);
    }
  }

  /** A file for the next segment, but never the last one. */
  take(): string | undefined {
    return this.#ready.length > 1 ? this.takeForRecovery() : undefined;
  }

  takeForRecovery(): string | undefined {
    const path = this.#ready.shift();
    if (path !== undefined) this.#blank.delete(path);
    return path;
  }

  /** A segment nobody needs any more becomes a spare, or is removed when it has another size or there are enough. */
  async recycle(path: string): Promise<void> {
    const file = await this.#disk.open(path, 'read');
    const size = await file.size();
    await file.close();
    if (!this.recycling || size !== this.#limits.segmentBytes || this.#ready.length >= this.#limits.sparesMax) {
      await this.#disk.remove(path);
      return;
    }
    const spare = `${path.replace(/\.wal$/, '')}${suffix}`;
    await this.#disk.rename(path, spare);
    await this.#disk.syncDir(this.#dir);
    this.#ready.push(spare);
  }

  /** Files that hold what segments held go; new ones are made in the background. */
  async dropUsed(): Promise<void> {
    for (const path of this.#ready.filter((ready) => !this.#blank.has(ready))) {
      // Taken into use while the one before it was removed.
      const at = this.#ready.indexOf(path);
      if (at < 0) continue;
      this.#ready.splice(at, 1);
      await this.#disk.remove(path);
    }
    await this.#disk.syncDir(this.#dir);
    this.prepare();
  }

  /** Fills up in the background. */
  prepare(): void {
    if (this.#preparing || this.#isStopped()) return;
    this.#preparing = this.#prepare().then(
      () => {
        this.#preparing = undefined;
      },
      (error: unknown) => {
        this.#preparing = undefined;
        if (!this.#isStopped()) this.#events.segment('spareFailed', { error: asError(error) });
      },
    );
  }

  #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#preparing;
  }

  async #prepare(): Promise<void> {
    while (!this.#isStopped() && this.#ready.length < this.#limits.sparesMax) {
      const path = join(this.#dir, `${this.#clock.now()}-${this.#made++}${suffix}`);
      await this.#fill(`${path}.new`);
      if (this.#isStopped()) return;
      await this.#disk.rename(`${path}.new`, path);
      await this.#disk.syncDir(this.#dir);
      this.#blank.add(path);
      this.#ready.push(path);
      this.#events.segment('spare', {});
    }
  }

  async #fill(path: string): Promise<void> {
    const { segmentBytes, spareFillBytesPerSecond } = this.#limits;
    const zeros = Buffer.alloc(Math.min(stepBytes, segmentBytes));
    const pauseMs = (zeros.length / spareFillBytesPerSecond) * 1000;
    const file = await this.#disk.open(path, 'create');
    try {
      for (let at = 0; at < segmentBytes && !this.#isStopped(); at += zeros.length) {
        const step = Math.min(zeros.length, segmentBytes - at);
        await file.write(zeros, 0, step, at);
        // Syncing each step keeps the amount the next commit may have to wait behind small.
        await file.sync();
        if (at + step < segmentBytes) await this.#clock.sleep(pauseMs, this.#stop.signal);
      }
    } finally {
      await file.close();
    }
  }
}
