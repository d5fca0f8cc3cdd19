import { crcWord, crcWords } from './crc32c.ts';

/*
 * One frame: little-endian, 8-byte aligned, zero-padded. `bytes` is the length without the padding.
 *
 *   0 u32 bytes · 4 u32 crc · 8 u8 version · 9 u8 type · 10 u16 flags · 12 u32 count · 16 u64 streamNo · 24 u64 firstSeq
 *   32 u64 ms · 40 u64 era · 48 [producer: u32 idBytes, u64 epoch, u64 seq, id] · [u32 bytes, writerSeq] · [u32 bytes, note]
 *   · [count - 1 lengths u32] · payload
 *
 * The checksum covers salt and batchNo (by the batch's seed), `bytes`, and everything from offset 8 to the padded end. The
 * note is JSON, for what is not data: the configuration of a `create`, a retention rule, a term.
 */
export const frameVersion = 1;
export const frameHeaderBytes = 48;

export const frameTypes = {
  append: 1,
  create: 2,
  close: 3,
  remove: 4,
  ref: 5,
  trim: 6,
  supersede: 7,
  erase: 8,
  retain: 9,
  takeover: 10,
  gap: 11,
  hole: 12,
  seal: 13,
} as const;
export type FrameType = (typeof frameTypes)[keyof typeof frameTypes];

/** What this server writes and understands; the other numbers are taken by the design and stop recovery. */
const understood: ReadonlySet<number> = new Set([
  frameTypes.append,
  frameTypes.create,
  frameTypes.close,
  frameTypes.remove,
  frameTypes.ref,
  frameTypes.trim,
  frameTypes.supersede,
  frameTypes.erase,
  frameTypes.retain,
  frameTypes.takeover,
  frameTypes.gap,
  frameTypes.hole,
  frameTypes.seal,
]);

export const flags = { closes: 1, producer: 2, writerSeq: 4, many: 8, note: 16 } as const;

const high = 2 ** 32;
export const padded = (bytes: number): number => (bytes + 7) & ~7;

/** A piece of memory that holds stored bytes, seen as bytes and as aligned words. */
export type Memory = { readonly bytes: Buffer; readonly words: Uint32Array };

export function memoryOf(size: number): Memory {
  const bytes = Buffer.allocUnsafeSlow(padded(size));
  return { bytes, words: new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4) };
}

/** A new piece of memory with a copy of `source`. */
export function memoryFrom(source: Uint8Array): Memory {
  const memory = memoryOf(source.length);
  memory.bytes.set(source);
  memory.bytes.fill(0, source.length);
  return memory;
}

export type FrameInput = {
  type: FrameType;
  streamNo: number;
  firstSeq: number;
  ms: number;
  era: number;
  messages: readonly Uint8Array[];
  closes: boolean;
  producer: { id: string; epoch: number; seq: number } | undefined;
  /** The producer's id in UTF-8, where it is known already. */
  producerId?: Uint8Array | undefined;
  writerSeq: string | undefined;
  note: string | undefined;
};

/** The length `encodeFrame` will need, without padding. */
export function frameBytes(
  frame: Pick<FrameInput, 'messages' | 'producer' | 'producerId' | 'writerSeq' | 'note'>,
): number {
  const { messages, producer, producerId, writerSeq, note } = frame;
  let bytes = frameHeaderBytes;
  if (producer !== undefined) {
    bytes += 20 + (producerId === undefined ? Buffer.byteLength(producer.id) : producerId.length);
  }
  if (writerSeq !== undefined) bytes += 4 + Buffer.byteLength(writerSeq);
  if (note !== undefined) bytes += 4 + Buffer.byteLength(note);
  if (messages.length > 1) bytes += 4 * (messages.length - 1);
  for (let i = 0; i < messages.length; i++) bytes += (messages[i] as Uint8Array).length;
  return bytes;
}

/** Writes one frame of `bytes` (from `frameBytes`) at the 8-byte aligned `at`; returns the position after its padding. */
export function encodeFrame(memory: Memory, at: number, bytes: number, frame: FrameInput, seed: number): number {
  const { messages, producer, producerId, writerSeq, note } = frame;
  const target = memory.bytes;
  const words = memory.words;
  const count = messages.length;
  const first = at >>> 2;
  const end = at + padded(bytes);
  let flag = frame.closes ? flags.closes : 0;
  let cursor = at + frameHeaderBytes;
  if (producer !== undefined) {
    flag |= flags.producer;
    const word = cursor >>> 2;
    const idBytes = producerId === undefined ? target.write(producer.id, cursor + 20) : producerId.length;
    if (producerId !== undefined) target.set(producerId, cursor + 20);
    words[word] = idBytes;
    words[word + 1] = producer.epoch >>> 0;
    words[word + 2] = producer.epoch / high;
    words[word + 3] = producer.seq >>> 0;
    words[word + 4] = producer.seq / high;
    cursor += 20 + idBytes;
  }
  if (writerSeq !== undefined) {
    flag |= flags.writerSeq;
    cursor = writeText(target, cursor, writerSeq);
  }
  if (note !== undefined) {
    flag |= flags.note;
    cursor = writeText(target, cursor, note);
  }
  if (count > 1) {
    flag |= flags.many;
    for (let i = 0; i < count - 1; i++, cursor += 4) target.writeUInt32LE((messages[i] as Uint8Array).length, cursor);
  }
  for (let i = 0; i < count; i++) {
    const message = messages[i] as Uint8Array;
    target.set(message, cursor);
    cursor += message.length;
  }
  while (cursor < end) target[cursor++] = 0;
  words[first] = bytes;
  words[first + 2] = frameVersion | (frame.type << 8) | (flag << 16);
  words[first + 3] = count;
  words[first + 4] = frame.streamNo >>> 0;
  words[first + 5] = frame.streamNo / high;
  words[first + 6] = frame.firstSeq >>> 0;
  words[first + 7] = frame.firstSeq / high;
  words[first + 8] = frame.ms >>> 0;
  words[first + 9] = frame.ms / high;
  words[first + 10] = frame.era >>> 0;
  words[first + 11] = frame.era / high;
  words[first + 1] = frameCrc(words, first, bytes, seed);
  return end;
}

/** The checksum of the frame whose first word is `first`. */
export const frameCrc = (words: Uint32Array, first: number, bytes: number, seed: number): number =>
  crcWords(crcWord(seed, bytes), words, first + 2, first + (padded(bytes) >>> 2));

/** The chained value every frame and header of one batch starts from. */
export function batchSeed(salt: Uint8Array, batchNo: number): number {
  const words = new Uint32Array(4);
  new Uint8Array(words.buffer).set(salt.subarray(0, 8));
  words[2] = batchNo >>> 0;
  words[3] = batchNo / high;
  return crcWords(-1, words, 0, 4);
}

/**
 * A frame in memory, read in place. One object is moved from frame to frame (`look`), so that replaying millions of them
 * allocates nothing; what is kept must be copied out.
 */
export class FrameView {
  memory: Memory;
  at = 0;
  bytes = 0;
  type = 0;
  flag = 0;
  count = 0;
  streamNo = 0;
  firstSeq = 0;
  ms = 0;
  era = 0;

  constructor(memory: Memory) {
    this.memory = memory;
  }

  /** Position after the frame and its padding. */
  get end(): number {
    return this.at + padded(this.bytes);
  }

  get lastSeq(): number {
    return this.firstSeq + this.count - 1;
  }

  get closes(): boolean {
    return (this.flag & flags.closes) !== 0;
  }

  /** Reads the header at `at` without any check; `memory` stays. */
  look(at: number): this {
    const words = this.memory.words;
    const first = at >>> 2;
    const kind = words[first + 2] as number;
    this.at = at;
    this.bytes = words[first] as number;
    this.type = (kind >>> 8) & 255;
    this.flag = kind >>> 16;
    this.count = words[first + 3] as number;
    this.streamNo = (words[first + 4] as number) + (words[first + 5] as number) * high;
    this.firstSeq = (words[first + 6] as number) + (words[first + 7] as number) * high;
    this.ms = (words[first + 8] as number) + (words[first + 9] as number) * high;
    this.era = (words[first + 10] as number) + (words[first + 11] as number) * high;
    return this;
  }

  /** Whether a whole frame stands at `at`, ending at or before `limit`, with a right checksum. Moves there when it does. */
  verify(at: number, limit: number, seed: number): boolean {
    if (at + frameHeaderBytes > limit) return false;
    const words = this.memory.words;
    const first = at >>> 2;
    const bytes = words[first] as number;
    // Compared before it is rounded: a damaged length may be beyond what 32-bit arithmetic holds.
    if (bytes < frameHeaderBytes || bytes > limit - at || at + padded(bytes) > limit) return false;
    if ((words[first + 1] as number) !== frameCrc(words, first, bytes, seed) >>> 0) return false;
    this.look(at);
    return true;
  }

  /** A plain sentence when this server must not interpret the frame. */
  foreign(): string | undefined {
    const version = (this.memory.words[(this.at >>> 2) + 2] as number) & 255;
    if (version !== frameVersion) return `frame version ${version} (this server knows ${frameVersion})`;
    return understood.has(this.type) ? undefined : `frame type ${this.type}, which this server does not know`;
  }

  producer(): { id: string; epoch: number; seq: number } | undefined {
    if ((this.flag & flags.producer) === 0) return undefined;
    const source = this.memory.bytes;
    const at = this.at + frameHeaderBytes;
    const idBytes = source.readUInt32LE(at);
    return {
      id: source.toString('utf8', at + 20, at + 20 + idBytes),
      epoch: readU64(source, at + 4),
      seq: readU64(source, at + 12),
    };
  }

  writerSeq(): string | undefined {
    return (this.flag & flags.writerSeq) === 0 ? undefined : readText(this.memory.bytes, this.#writerSeqAt());
  }

  note(): string | undefined {
    return (this.flag & flags.note) === 0 ? undefined : readText(this.memory.bytes, this.#noteAt());
  }

  get payloadBytes(): number {
    return this.at + this.bytes - this.#payloadAt();
  }

  /** The payload in place: valid only until the memory is used again. */
  payload(): Uint8Array {
    return this.memory.bytes.subarray(this.#payloadAt(), this.at + this.bytes);
  }

  /** Lengths of all messages but the last, or `undefined` for one message. */
  lengths(): number[] | undefined {
    if ((this.flag & flags.many) === 0) return undefined;
    const at = this.#lengthsAt();
    return Array.from({ length: this.count - 1 }, (_, i) => this.memory.bytes.readUInt32LE(at + 4 * i));
  }

  #writerSeqAt(): number {
    const at = this.at + frameHeaderBytes;
    return (this.flag & flags.producer) === 0 ? at : at + 20 + this.memory.bytes.readUInt32LE(at);
  }

  #noteAt(): number {
    const at = this.#writerSeqAt();
    return (this.flag & flags.writerSeq) === 0 ? at : at + 4 + this.memory.bytes.readUInt32LE(at);
  }

  #lengthsAt(): number {
    if ((this.flag & ~(flags.closes | flags.many)) === 0) return this.at + frameHeaderBytes;
    const at = this.#noteAt();
    return (this.flag & flags.note) === 0 ? at : at + 4 + this.memory.bytes.readUInt32LE(at);
  }

  #payloadAt(): number {
    const at = this.#lengthsAt();
    return (this.flag & flags.many) === 0 ? at : at + 4 * (this.count - 1);
  }
}

/** Cuts a payload into its `count` messages: `lengths` names all but the last. */
export function cutPayload(
  payload: Uint8Array,
  count: number,
  lengths: readonly number[] | null | undefined,
): Uint8Array[] {
  if (count <= 1) return count === 0 ? [] : [payload];
  const messages: Uint8Array[] = [];
  let at = 0;
  for (const length of lengths ?? []) {
    messages.push(payload.subarray(at, at + length));
    at += length;
  }
  messages.push(payload.subarray(at));
  return messages;
}

export function writeU64(target: Buffer, at: number, value: number): void {
  target.writeUInt32LE(value >>> 0, at);
  target.writeUInt32LE(Math.floor(value / high), at + 4);
}

export const readU64 = (source: Buffer, at: number): number =>
  source.readUInt32LE(at) + source.readUInt32LE(at + 4) * high;

function writeText(target: Buffer, at: number, text: string): number {
  const bytes = target.write(text, at + 4);
  target.writeUInt32LE(bytes, at);
  return at + 4 + bytes;
}

const readText = (source: Buffer, at: number): string =>
  source.toString('utf8', at + 4, at + 4 + source.readUInt32LE(at));
