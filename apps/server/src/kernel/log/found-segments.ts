import { join } from 'node:path';
import { asError, unavailable } from '#kernel/base';
import type { Disk } from './disk.ts';
import type { LogEvents } from './events.ts';
import { type Memory, memoryOf } from './frame.ts';
import { decodeSegmentHeader, type SegmentHeader, segmentHeaderBytes, segmentName, segmentNoOf } from './segment.ts';

/** A segment file as recovery finds it. Without a header nothing in it can be verified. */
export type FoundSegment = { no: number; header: SegmentHeader | undefined };

export type FoundLog = {
  /** Oldest first. */
  segments: FoundSegment[];
  /** Of the readable headers; `undefined` when there is none. */
  walId: string | undefined;
};

/** Lists the segments of a folder and reads their headers. Touches nothing. */
export async function findSegments(disk: Disk, dir: string): Promise<FoundLog> {
  const numbers = (await disk.list(dir)).map(segmentNoOf).filter((no) => no !== undefined);
  const segments: FoundSegment[] = [];
  const ids = new Set<string>();
  for (const no of numbers.sort((a, b) => a - b)) {
    const memory = await readSegment(disk, dir, no, memoryOf(segmentHeaderBytes));
    const read = decodeSegmentHeader(memory.bytes);
    if (read.kind === 'foreign') throw foreign(no, read.why);
    const header = read.kind === 'good' && read.header.no === no ? read.header : undefined;
    if (header) ids.add(header.walId);
    segments.push({ no, header });
  }
  if (ids.size > 1) {
    throw unavailable(
      'log_mixed',
      `The log folder ${dir} holds segments of ${ids.size} different logs. Put back the folder as it was.`,
      { extra: { walIds: [...ids] } },
    );
  }
  return { segments, walId: [...ids][0] };
}

export const foreign = (no: number, why: string): Error =>
  unavailable(
    'log_newer',
    `Segment ${no} was written by a newer server: ${why}. Start that version; this one will not guess.`,
  );

/** The start of a segment, as much as `into` holds. What the file does not have is zero. */
export async function readSegment(disk: Disk, dir: string, no: number, into: Memory): Promise<Memory> {
  const file = await disk.open(join(dir, segmentName(no)), 'read');
  try {
    const got = await file.read(into.bytes, 0);
    into.bytes.fill(0, got);
    return into;
  } finally {
    await file.close();
  }
}

const folder = 'quarantine';
/** Unfinished, never acknowledged writes are kept for study, but not without end. */
const tornKeptMax = 4;

/** Keeps files that recovery replaces or leaves out, by name, for a person to look at. Nothing is ever deleted. */
export class Quarantine {
  readonly #disk: Disk;
  readonly #dir: string;
  readonly #path: string;
  readonly #events: LogEvents;
  /** All files, and those among them that held acknowledged bytes. */
  count = 0;
  damaged = 0;

  constructor(disk: Disk, dir: string, events: LogEvents) {
    this.#disk = disk;
    this.#dir = dir;
    this.#path = join(dir, folder);
    this.#events = events;
  }

  async open(): Promise<void> {
    await this.#disk.makeDir(this.#path);
    this.#recount(await this.#disk.list(this.#path));
  }

  #recount(names: readonly string[]): void {
    this.count = names.length;
    this.damaged = names.filter((name) => !name.includes('.torn')).length;
  }

  /** Its salt makes each life of a segment's file another one. */
  async #headerOf(path: string): Promise<Buffer> {
    const file = await this.#disk.open(path, 'read');
    try {
      const header = Buffer.alloc(segmentHeaderBytes);
      await file.read(header, 0);
      return header;
    } finally {
      await file.close();
    }
  }

  /** Links a segment; it stays where it is. */
  async keep(no: number, why: 'torn' | 'damaged' | 'replaced'): Promise<void> {
    const names = await this.#disk.list(this.#path);
    if (why === 'torn' && names.filter((name) => name.includes('.torn')).length >= tornKeptMax) return;
    const header = await this.#headerOf(join(this.#dir, segmentName(no)));
    for (let copy = 0; ; copy++) {
      const name = `${segmentName(no)}.${why}${copy === 0 ? '' : `-${copy}`}`;
      if (names.includes(name)) {
        // The same file again: a start that is refused comes back.
        if (header.equals(await this.#headerOf(join(this.#path, name)))) return;
        continue;
      }
      try {
        await this.#disk.link(join(this.#dir, segmentName(no)), join(this.#path, name));
        await this.#disk.syncDir(this.#path);
        this.count += 1;
        if (why !== 'torn') this.damaged += 1;
      } catch (error) {
        // A file system without links must not keep a log from starting; a torn tail was never acknowledged.
        if (why !== 'torn') throw error;
        this.#events.backgroundFailed('keeping a torn segment', asError(error));
      }
      return;
    }
  }

  /**
   * What was erased must not stay here: files of these segments go, and unfinished writes, whose unused ends may hold
   * anything that was written before.
   */
  async forget(segments: ReadonlySet<number>): Promise<void> {
    const names = await this.#disk.list(this.#path);
    const going = names.filter((name) => name.includes('.torn') || segments.has(Number.parseInt(name, 10)));
    for (const name of going) await this.#disk.remove(join(this.#path, name));
    if (going.length > 0) await this.#disk.syncDir(this.#path);
    this.#recount(names.filter((name) => !going.includes(name)));
  }

  /** Moves a segment out of the log. */
  async moveOut(no: number): Promise<void> {
    await this.keep(no, 'replaced');
    await this.#disk.remove(join(this.#dir, segmentName(no)));
    await this.#disk.syncDir(this.#dir);
  }
}
