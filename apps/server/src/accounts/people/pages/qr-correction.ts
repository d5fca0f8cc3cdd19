/* Codewords of a QR code with their Reed-Solomon correction (ISO/IEC 18004 §8.4-8.6), at level L. */

/** By version from 1 on: codewords in all, correction codewords of a block, blocks. */
const versions: readonly (readonly [all: number, correction: number, blocks: number])[] = [
  [26, 7, 1],
  [44, 10, 1],
  [70, 15, 1],
  [100, 20, 1],
  [134, 26, 1],
  [172, 18, 2],
  [196, 20, 2],
  [242, 24, 2],
  [292, 30, 2],
  [346, 18, 4],
  [404, 20, 4],
  [466, 24, 4],
  [532, 26, 4],
  [581, 30, 4],
  [655, 22, 6],
  [733, 24, 6],
  [815, 28, 6],
  [901, 30, 6],
  [991, 28, 7],
  [1085, 28, 8],
];

/** The smallest version that holds the bytes, and everything that is drawn of them, in order. Throws when none does. */
export function withCorrection(bytes: Uint8Array): { version: number; codewords: Uint8Array } {
  for (const [i, [all, correction, blocks]] of versions.entries()) {
    const room = all - correction * blocks;
    const countBytes = i + 1 < 10 ? 1 : 2;
    // Mode and terminator are half a byte each.
    if (bytes.length + countBytes + 1 > room) continue;
    const data = dataOf(bytes, countBytes, room);
    return { version: i + 1, codewords: interleaved(data, correction, blocks) };
  }
  throw new Error(`${bytes.length} bytes are too many for a QR code of ours`);
}

function dataOf(bytes: Uint8Array, countBytes: number, room: number): Uint8Array {
  const byteMode = 0b0100;
  const count = bytes.length.toString(16).padStart(countBytes * 2, '0');
  const body = Buffer.from(`${byteMode.toString(16)}${count}${Buffer.from(bytes).toString('hex')}0`, 'hex');
  const padding = Array.from({ length: room - body.length }, (_, i) => (i % 2 === 0 ? 0xec : 0x11));
  return Buffer.concat([body, Buffer.from(padding)]);
}

/** Blocks of nearly one length, the shorter ones first; then the first codewords of all, the second ones, and so on. */
function interleaved(data: Uint8Array, correction: number, blocks: number): Uint8Array {
  const short = Math.floor(data.length / blocks);
  const longer = data.length % blocks;
  const parts: Uint8Array[] = [];
  for (let i = 0, at = 0; i < blocks; i++) {
    const length = i < blocks - longer ? short : short + 1;
    parts.push(data.subarray(at, at + length));
    at += length;
  }
  const corrections = parts.map((part) => correctionOf(part, correction));
  return Uint8Array.from([...inTurn(parts), ...inTurn(corrections)]);
}

function* inTurn(parts: readonly Uint8Array[]): Generator<number> {
  const longest = Math.max(...parts.map(({ length }) => length));
  for (let i = 0; i < longest; i++) {
    for (const part of parts) {
      const byte = part[i];
      if (byte !== undefined) yield byte;
    }
  }
}

/** The remainder of the data by the generator polynomial with the roots 2^0 … 2^(length-1), over GF(2^8) modulo 0x11d. */
export function correctionOf(data: Uint8Array, length: number): Uint8Array {
  const generator = generatorOf(length);
  const rest = new Uint8Array(length);
  for (const byte of data) {
    const factor = byte ^ (rest[0] ?? 0);
    rest.copyWithin(0, 1);
    rest[length - 1] = 0;
    for (let i = 0; i < length; i++) rest[i] = (rest[i] ?? 0) ^ times(generator[i] ?? 0, factor);
  }
  return rest;
}

/** Coefficients below the leading one, highest first. */
function generatorOf(length: number): Uint8Array {
  const generator = new Uint8Array(length);
  generator[length - 1] = 1;
  for (let i = 0, root = 1; i < length; i++, root = times(root, 2)) {
    for (let j = 0; j < length; j++) generator[j] = times(generator[j] ?? 0, root) ^ (generator[j + 1] ?? 0);
  }
  return generator;
}

function times(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    if (((b >> bit) & 1) === 1) product ^= a;
  }
  return product;
}
