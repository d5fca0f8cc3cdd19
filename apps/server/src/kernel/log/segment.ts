import { crcBytes, crcWord, crcWords } from './crc32c.ts';
import { type Memory, readU64, writeU64 } from './frame.ts';

/*
 * The file form around frames. A segment starts with a header sector; then batches follow each other, each on a sector
 * boundary, so that a sector that holds acknowledged bytes is never written again; the last batch of a finished segment
 * is a `seal`. `previous` names the segment before this one, which is `no - 1` unless an operator accepted a loss.
 *
 *   segment header, 512 B: "MSTRLOG\0" · u32 version · u32 checksum (1 = CRC32C) · 16 B walId · u64 no · u64 first lsn
 *                          · 8 B salt · u64 previous · u64 first batchNo · u64 end of previous · … zeros … · u32 crc at 508
 *   batch header, 40 B:    u32 crc (salt, rest) · u32 bytes · u64 batchNo · u32 frames · u32 zero · u64 term · u64 wallMs
 */
export const sectorBytes = 512;
export const segmentHeaderBytes = sectorBytes;
export const batchHeaderBytes = 40;
/** What a seal takes at the end of a segment: one frame in one sector. */
export const sealBytes = sectorBytes;
const formatVersion = 1;
const checksumCrc32c = 1;
const magic = Buffer.from('MSTRLOG\0', 'latin1');

/** An lsn is `segmentNo × 2²⁸ + byte in segment`. */
export const lsnStep = 2 ** 28;
export const lsnOf = (segmentNo: number, position: number): number => segmentNo * lsnStep + position;
export const segmentOf = (lsn: number): number => Math.floor(lsn / lsnStep);
export const positionOf = (lsn: number): number => lsn % lsnStep;
export const toSector = (bytes: number): number => Math.ceil(bytes / sectorBytes) * sectorBytes;

export const segmentName = (no: number): string => `${String(no).padStart(16, '0')}.wal`;
export const sideFileName = (no: number): string => `${String(no).padStart(16, '0')}.idx`;
/** The number in a segment's file name, `undefined` for every other name. */
export function segmentNoOf(name: string): number | undefined {
  const match = /^(\d{16})\.wal$/.exec(name);
  return match ? Number(match[1]) : undefined;
}

export type SegmentHeader = {
  walId: string;
  no: number;
  previous: number;
  /** Where in its file the segment before this one ends, seal included; 0 when there is none. */
  previousEnd: number;
  firstBatchNo: number;
  salt: Uint8Array;
};

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(segmentHeaderBytes);
  magic.copy(bytes, 0);
  bytes.writeUInt32LE(formatVersion, 8);
  bytes.writeUInt32LE(checksumCrc32c, 12);
  Buffer.from(header.walId.replaceAll('-', ''), 'hex').copy(bytes, 16);
  writeU64(bytes, 32, header.no);
  writeU64(bytes, 40, lsnOf(header.no, segmentHeaderBytes));
  bytes.set(header.salt, 48);
  writeU64(bytes, 56, header.previous);
  writeU64(bytes, 64, header.firstBatchNo);
  writeU64(bytes, 72, header.previousEnd);
  bytes.writeInt32LE(crcBytes(-1, bytes, 0, 508), 508);
  return bytes;
}

export type ReadHeader = { kind: 'good'; header: SegmentHeader } | { kind: 'bad' } | { kind: 'foreign'; why: string };

export function decodeSegmentHeader(bytes: Buffer): ReadHeader {
  if (bytes.length < segmentHeaderBytes || !bytes.subarray(0, 8).equals(magic)) return { kind: 'bad' };
  if (bytes.readInt32LE(508) !== (crcBytes(-1, bytes, 0, 508) | 0)) return { kind: 'bad' };
  const version = bytes.readUInt32LE(8);
  const checksum = bytes.readUInt32LE(12);
  if (version !== formatVersion)
    return { kind: 'foreign', why: `segment format ${version} (this server knows ${formatVersion})` };
  if (checksum !== checksumCrc32c)
    return { kind: 'foreign', why: `checksum algorithm ${checksum}, which this server does not know` };
  const hex = bytes.toString('hex', 16, 32);
  return {
    kind: 'good',
    header: {
      walId: [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-'),
      no: readU64(bytes, 32),
      previous: readU64(bytes, 56),
      previousEnd: readU64(bytes, 72),
      firstBatchNo: readU64(bytes, 64),
      salt: Uint8Array.from(bytes.subarray(48, 56)),
    },
  };
}

export type BatchHeader = { bytes: number; batchNo: number; frames: number; term: number; wallMs: number };

const saltCrc = (salt: Uint8Array): number => crcBytes(-1, salt, 0, 8);

export function writeBatchHeader(memory: Memory, at: number, salt: Uint8Array, header: BatchHeader): void {
  const { bytes } = memory;
  bytes.writeUInt32LE(header.bytes, at + 4);
  writeU64(bytes, at + 8, header.batchNo);
  bytes.writeUInt32LE(header.frames, at + 16);
  bytes.writeUInt32LE(0, at + 20);
  writeU64(bytes, at + 24, header.term);
  writeU64(bytes, at + 32, header.wallMs);
  memory.words[at >>> 2] = headerCrc(memory, at, saltCrc(salt));
}

function headerCrc(memory: Memory, at: number, start: number): number {
  const first = at >>> 2;
  return crcWords(crcWord(start, memory.words[first + 1] as number), memory.words, first + 2, first + 10);
}

/** Reads batch headers written under one salt. */
export class BatchHeaders {
  readonly #start: number;

  constructor(salt: Uint8Array) {
    this.#start = saltCrc(salt);
  }

  /** The batch header at `at`, when one of this salt stands there and its batch ends at or before `limit`. */
  at(memory: Memory, at: number, limit: number): BatchHeader | undefined {
    if (at + batchHeaderBytes > limit) return undefined;
    const bytes = memory.words[(at >>> 2) + 1] as number;
    if (bytes <= batchHeaderBytes || at + bytes > limit) return undefined;
    if ((memory.words[at >>> 2] as number) !== headerCrc(memory, at, this.#start) >>> 0) return undefined;
    const source = memory.bytes;
    return {
      bytes,
      batchNo: readU64(source, at + 8),
      frames: source.readUInt32LE(at + 16),
      term: readU64(source, at + 24),
      wallMs: readU64(source, at + 32),
    };
  }
}
