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
/** Pages put down before the thread is given up: under a millisecond. */
const stepPages = 64;
const high = 2 ** 32;

const crcAt = (memory: Memory, from: number, length: number): number =>
  crcWords(-1, memory.words, from >>> 2, (from + length) >>> 2) >>> 0;

/** Writes the side file of a finished segment, in steps that never hold the thread for long, and opens it. */
export async function writeSideFile(disk: Disk, dir: string, index: SegmentIndex): Promise<SideFile> {
  const name = join(dir, sideFileName(index.no));
  await disk.remove(`${name}.new`).catch(() => undefined);
  const file = await disk.open(`${name}.new`, 'create');
  let keys: PageKeys;
  try {
    keys = await writePages(file, index);
    await file.write(headerOf(index).bytes, 0, headerBytes, 0);
  } finally {
    await file.close();
  }
  await disk.rename(`${name}.new`, name);
  return new SideFile(disk, dir, index.no, index.firstBatchNo, keys);
}

async function writePages(file: DiskFile, index: SegmentIndex): Promise<PageKeys> {
  const keys = new PageKeys(index.size);
  const memory = memoryOf(stepPages * pageBytes);
  memory.bytes.fill(0);
  let written = headerBytes;
  let at = 0;
  let inPage = 0;
  const write = async (): Promise<void> => {
    for (let page = 0; page < at; page += pageBytes) sign(memory, page);
    await file.write(memory.bytes, 0, at, written);
    written += at;
    memory.bytes.fill(0);
    at = 0;
  };
  for (const [streamNo, ordinals] of index.streams()) {
    for (const ordinal of ordinals) {
      if (inPage === perPage) {
        inPage = 0;
        at += pageBytes;
        if (at === memory.bytes.length) await write();
      }
      if (inPage === 0) keys.add(streamNo, index.firstSeqOf(ordinal));
      putEntry(memory.words, (at + inPage * entryBytes) >>> 2, streamNo, index, ordinal);
      inPage += 1;
    }
  }
  if (inPage > 0) {
    at += pageBytes;
    await write();
  }
  return keys;
}

function putEntry(words: Uint32Array, word: number, streamNo: number, index: SegmentIndex, ordinal: number): void {
  const firstSeq = index.firstSeqOf(ordinal);
  words[word] = streamNo >>> 0;
  words[word + 1] = streamNo / high;
  words[word + 2] = firstSeq >>> 0;
  words[word + 3] = firstSeq / high;
  words[word + 4] = index.positionOf(ordinal);
  words[word + 5] = index.bytesOf(ordinal);
  words[word + 6] = index.batchOf(ordinal);
}

function sign(memory: Memory, page: number): void {
  memory.words[(page + pageBytes - 4) >>> 2] = crcAt(memory, page, pageBytes - 8);
}

function headerOf(index: SegmentIndex): Memory {
  const memory = memoryOf(headerBytes);
  const { bytes, words } = memory;
  bytes.fill(0);
  magic.copy(bytes, 0);
  bytes.writeUInt32LE(version, 8);
  bytes.writeUInt32LE(index.size, 12);
  writeU64(bytes, 16, index.no);
  bytes.set(index.salt, 24);
  writeU64(bytes, 32, index.firstBatchNo);
  words[508 >>> 2] = crcAt(memory, 0, 504);
  return memory;
}

/** The first key of each page. */
class PageKeys {
  readonly entries: number;
  readonly streams: Float64Array;
  readonly seqs: Float64Array;
  #pages = 0;

  constructor(entries: number) {
    this.entries = entries;
    this.streams = new Float64Array(Math.ceil(entries / perPage));
    this.seqs = new Float64Array(this.streams.length);
  }

  add(streamNo: number, seq: number): void {
    this.streams[this.#pages] = streamNo;
    this.seqs[this.#pages] = seq;
    this.#pages += 1;
  }

  static in(memory: Memory): PageKeys {
    const keys = new PageKeys(memory.bytes.readUInt32LE(12));
    for (let at = headerBytes; at < memory.bytes.length; at += pageBytes)
      keys.add(readU64(memory.bytes, at), readU64(memory.bytes, at + 8));
    return keys;
  }
}

/** A side file in use: of each page the first key is in memory, the page itself is read when asked. */
export class SideFile implements SealedIndex {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #no: number;
  readonly #firstBatchNo: number;
  readonly #keys: PageKeys;
  #file: Promise<DiskFile> | undefined;

  constructor(disk: Disk, dir: string, no: number, firstBatchNo: number, keys: PageKeys) {
    this.#disk = disk;
    this.#path = join(dir, sideFileName(no));
    this.#no = no;
    this.#firstBatchNo = firstBatchNo;
    this.#keys = keys;
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
      return new SideFile(disk, dir, no, readU64(bytes, 32), PageKeys.in(memory));
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
    for (let n = page; n < this.#keys.streams.length && found.length <= limit; n++) {
      await this.#load(n, memory);
      const inPage = Math.min(perPage, this.#keys.entries - n * perPage);
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
    const { streams, seqs } = this.#keys;
    let low = -1;
    let high = streams.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const no = streams[middle] as number;
      if (no < streamNo || (no === streamNo && (seqs[middle] as number) <= seq)) low = middle;
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
