import { join } from 'node:path';
import { crcWords } from './crc32c.ts';
import type { Disk, DiskFile } from './disk.ts';
import { type Memory, memoryOf, readU64, writeU64 } from './frame.ts';
import type { FramePlace, SealedIndex, SegmentIndex } from './frame-index.ts';
import { lsnOf, sideFileName } from './segment.ts';

/*
 * `<segmentNo>.idx`: where the frames of a finished segment stand, sorted by stream and seq. It can always be made again
 * from its segment, so it is written without a sync and trusted only by its checksums.
 *
 *   header 512 B: "MSTRIDX\0" · u32 version · u32 entries · u64 segmentNo · 8 B salt of the segment · u64 first batchNo · u32 crc at 508
 *   pages 4 KiB:  127 entries of 32 B (u64 streamNo, u64 firstSeq, u32 position, u32 bytes, u32 batch - first, u32 zero)
 *                 · 28 zeros · u32 crc
 */
const magic = Buffer.from('MSTRIDX\0', 'latin1');
const version = 1;
const headerBytes = 512;
const pageBytes = 4096;
const entryBytes = 32;
const perPage = 127;
/** Entries put down, and pages signed, before the thread is given up: under a millisecond each. */
const stepEntries = 4096;
const stepPages = 256;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const high = 2 ** 32;

const crcAt = (memory: Memory, from: number, length: number): number =>
  crcWords(-1, memory.words, from >>> 2, (from + length) >>> 2) >>> 0;

/** Writes the side file of a finished segment, in steps that never hold the thread for long, and opens it. */
export async function writeSideFile(disk: Disk, dir: string, index: SegmentIndex): Promise<SideFile> {
  const pages = Math.ceil(index.size / perPage);
  const memory = memoryOf(headerBytes + pages * pageBytes);
  const { bytes, words } = memory;
  bytes.fill(0);
  let entry = 0;
  for (const [streamNo, ordinals] of index.streams()) {
    for (const ordinal of ordinals) {
      const place = index.placeOf(ordinal);
      const at = headerBytes + Math.floor(entry / perPage) * pageBytes + (entry % perPage) * entryBytes;
      const word = at >>> 2;
      words[word] = streamNo >>> 0;
      words[word + 1] = streamNo / high;
      words[word + 2] = place.firstSeq >>> 0;
      words[word + 3] = place.firstSeq / high;
      words[word + 4] = place.lsn - lsnOf(index.no, 0);
      words[word + 5] = place.bytes;
      words[word + 6] = place.batchNo - index.firstBatchNo;
      entry += 1;
      if (entry % stepEntries === 0) await turn();
    }
  }
  for (let page = 0; page < pages; page++) {
    const at = headerBytes + page * pageBytes;
    words[(at + pageBytes - 4) >>> 2] = crcAt(memory, at, pageBytes - 8);
    if (page % stepPages === stepPages - 1) await turn();
  }
  magic.copy(bytes, 0);
  bytes.writeUInt32LE(version, 8);
  bytes.writeUInt32LE(index.size, 12);
  writeU64(bytes, 16, index.no);
  bytes.set(index.salt, 24);
  writeU64(bytes, 32, index.firstBatchNo);
  words[508 >>> 2] = crcAt(memory, 0, 504);
  const name = join(dir, sideFileName(index.no));
  await disk.remove(`${name}.new`).catch(() => undefined);
  const file = await disk.open(`${name}.new`, 'create');
  try {
    await file.write(bytes, 0, bytes.length, 0);
  } finally {
    await file.close();
  }
  await disk.rename(`${name}.new`, name);
  return SideFile.over(disk, dir, index.no, memory);
}

/** A side file in use: of each page the first key is in memory, the page itself is read when asked. */
export class SideFile implements SealedIndex {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #no: number;
  readonly #entries: number;
  readonly #firstBatchNo: number;
  readonly #firstStreams: Float64Array;
  readonly #firstSeqs: Float64Array;
  #file: Promise<DiskFile> | undefined;

  private constructor(disk: Disk, dir: string, no: number, memory: Memory) {
    this.#disk = disk;
    this.#path = join(dir, sideFileName(no));
    this.#no = no;
    this.#entries = memory.bytes.readUInt32LE(12);
    this.#firstBatchNo = readU64(memory.bytes, 32);
    const pages = Math.ceil(this.#entries / perPage);
    this.#firstStreams = new Float64Array(pages);
    this.#firstSeqs = new Float64Array(pages);
    for (let page = 0; page < pages; page++) {
      this.#firstStreams[page] = readU64(memory.bytes, headerBytes + page * pageBytes);
      this.#firstSeqs[page] = readU64(memory.bytes, headerBytes + page * pageBytes + 8);
    }
  }

  static over(disk: Disk, dir: string, no: number, memory: Memory): SideFile {
    return new SideFile(disk, dir, no, memory);
  }

  /** Opens the side file of a segment; `undefined` when it is missing, damaged, or of another life of that segment. */
  static async open(disk: Disk, dir: string, no: number, salt: Uint8Array): Promise<SideFile | undefined> {
    let file: DiskFile | undefined;
    try {
      file = await disk.open(join(dir, sideFileName(no)), 'read');
      const memory = memoryOf(await file.size());
      const { bytes } = memory;
      if (
        (await file.read(bytes, 0)) !== bytes.length ||
        bytes.length < headerBytes ||
        !bytes.subarray(0, 8).equals(magic)
      )
        return undefined;
      const pages = Math.ceil(bytes.readUInt32LE(12) / perPage);
      if (bytes.readUInt32LE(508) !== crcAt(memory, 0, 504) || bytes.readUInt32LE(8) !== version) return undefined;
      if (
        readU64(bytes, 16) !== no ||
        !bytes.subarray(24, 32).equals(salt) ||
        bytes.length !== headerBytes + pages * pageBytes
      )
        return undefined;
      for (let at = headerBytes; at < bytes.length; at += pageBytes) {
        if (bytes.readUInt32LE(at + pageBytes - 4) !== crcAt(memory, at, pageBytes - 8)) return undefined;
      }
      return new SideFile(disk, dir, no, memory);
    } catch {
      // Missing or unreadable is the same: the caller makes it again from the segment.
      return undefined;
    } finally {
      await file?.close();
    }
  }

  async find(streamNo: number, seq: number, limit: number): Promise<FramePlace[] | undefined> {
    const page = this.#pageBefore(streamNo, seq);
    if (page < 0) return undefined;
    const found: FramePlace[] = [];
    const memory = memoryOf(pageBytes);
    for (let n = page; n < this.#firstStreams.length && found.length <= limit; n++) {
      await this.#load(n, memory);
      const inPage = Math.min(perPage, this.#entries - n * perPage);
      for (let i = 0; i < inPage && found.length <= limit; i++) {
        const at = i * entryBytes;
        const no = readU64(memory.bytes, at);
        if (no < streamNo) continue;
        if (no > streamNo) return found.length > 0 ? found.slice(0, limit) : undefined;
        const firstSeq = readU64(memory.bytes, at + 8);
        // The last entry at or below `seq` is the one that may hold it; until a later one shows up it is only a candidate.
        if (firstSeq <= seq) found.length = 0;
        else if (found.length === 0) return undefined;
        found.push({
          firstSeq,
          lsn: lsnOf(this.#no, memory.bytes.readUInt32LE(at + 16)),
          bytes: memory.bytes.readUInt32LE(at + 20),
          batchNo: this.#firstBatchNo + memory.bytes.readUInt32LE(at + 24),
        });
      }
    }
    return found.length > 0 ? found.slice(0, limit) : undefined;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await (await file)?.close();
  }

  /** The last page whose first key is at or below (streamNo, seq). */
  #pageBefore(streamNo: number, seq: number): number {
    let low = -1;
    let high = this.#firstStreams.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const no = this.#firstStreams[middle] as number;
      if (no < streamNo || (no === streamNo && (this.#firstSeqs[middle] as number) <= seq)) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  async #load(page: number, memory: Memory): Promise<void> {
    this.#file ??= this.#disk.open(this.#path, 'read');
    const file = await this.#file;
    const got = await file.read(memory.bytes, headerBytes + page * pageBytes);
    if (got !== pageBytes || memory.bytes.readUInt32LE(pageBytes - 4) !== crcAt(memory, 0, pageBytes - 8)) {
      throw new Error(`page ${page} of ${this.#path} is damaged`);
    }
  }
}
