import { expect, test } from 'vitest';
import { correctionOf, withCorrection } from './qr-correction.ts';
import { qrMatrix } from './qr-matrix.ts';

test('correction is that of the example of the standard: version 1-M, HELLO WORLD', () => {
  const data = [32, 91, 11, 120, 209, 114, 220, 77, 67, 64, 236, 17, 236, 17, 236, 17];
  expect([...correctionOf(Uint8Array.from(data), 10)]).toEqual([196, 35, 39, 119, 235, 215, 231, 226, 93, 23]);
});

test('the smallest version is taken that holds the text; what is too long is refused', () => {
  const versionOf = (length: number): number => withCorrection(Buffer.alloc(length, 'a')).version;
  expect([1, 17, 18, 32, 33, 106, 107, 230, 231, 858].map(versionOf)).toEqual([1, 1, 2, 2, 3, 5, 6, 9, 10, 20]);
  expect(() => versionOf(859)).toThrow('too many');
});

/** Reads a matrix back by the standard, from its own words about mask and level, and without correction. */
function readBack(rows: boolean[][]): string {
  const size = rows.length;
  const version = (size - 17) / 4;
  const at = (x: number, y: number): number => (rows[y]?.[x] === true ? 1 : 0);
  const said = [0, 1, 2, 3, 4, 5, 7, 8].map((y) => at(8, y)).concat([7, 5, 4, 3, 2, 1, 0].map((x) => at(x, 8)));
  const format = said.reduce((value, bit, i) => value | (bit << i), 0) ^ 0x5412;
  expect(format >> 13).toBe(0b01);
  const mask = (format >> 10) & 7;
  const conditions: ((r: number, c: number) => boolean)[] = [
    (r, c) => (r + c) % 2 === 0,
    (r) => r % 2 === 0,
    (_, c) => c % 3 === 0,
    (r, c) => (r + c) % 3 === 0,
    (r, c) => (Math.floor(r / 2) + Math.floor(c / 3)) % 2 === 0,
    (r, c) => ((r * c) % 2) + ((r * c) % 3) === 0,
    (r, c) => (((r * c) % 2) + ((r * c) % 3)) % 2 === 0,
    (r, c) => (((r + c) % 2) + ((r * c) % 3)) % 2 === 0,
  ];
  const isMasked = conditions[mask] ?? (() => false);
  // What the data leaves out, from two patterns of other text: functional modules are alike in all of one version and mask.
  const centres: Record<number, number[]> = { 1: [], 2: [6, 18], 6: [6, 34], 8: [6, 24, 42] };
  const aligned = centres[version] ?? [];
  const isFunction = (x: number, y: number): boolean =>
    (x < 9 && y < 9) ||
    (x >= size - 8 && y < 9) ||
    (x < 9 && y >= size - 8) ||
    x === 6 ||
    y === 6 ||
    (version >= 7 && ((x >= size - 11 && y < 6) || (y >= size - 11 && x < 6))) ||
    aligned.some((cx) =>
      aligned.some(
        (cy) =>
          !(cx === 6 && cy === 6) &&
          !(cx === 6 && cy === size - 7) &&
          !(cx === size - 7 && cy === 6) &&
          Math.abs(x - cx) <= 2 &&
          Math.abs(y - cy) <= 2,
      ),
    );
  const bits: number[] = [];
  let up = true;
  for (let right = size - 1; right > 0; right -= right === 8 ? 3 : 2) {
    for (let i = 0; i < size; i++) {
      const y = up ? size - 1 - i : i;
      for (const x of [right, right - 1]) if (!isFunction(x, y)) bits.push(at(x, y) ^ (isMasked(y, x) ? 1 : 0));
    }
    up = !up;
  }
  const codewords = Array.from({ length: Math.floor(bits.length / 8) }, (_, i) =>
    bits.slice(i * 8, i * 8 + 8).reduce((byte, bit) => byte * 2 + bit, 0),
  );
  const blocks = version < 6 ? 1 : 2;
  const perBlock: Record<number, number> = { 1: 19, 2: 34, 6: 68, 8: 97 };
  const length = perBlock[version] ?? 0;
  const data = Array.from({ length: blocks }, (_, block) =>
    Array.from({ length }, (__, i) => codewords[i * blocks + block] ?? 0),
  ).flat();
  const hex = Buffer.from(data).toString('hex');
  expect(hex.startsWith('4')).toBe(true);
  const count = Number.parseInt(hex.slice(1, 3), 16);
  return Buffer.from(hex.slice(3, 3 + count * 2), 'hex').toString();
}

test.each([1, 2, 6, 8])('what is drawn reads back, version %i', (version) => {
  const length = { 1: 17, 2: 30, 6: 130, 8: 190 }[version] ?? 0;
  const text = Array.from({ length }, (_, i) => 'otpauth://totp/Muster'.charAt((i * 7) % 21)).join('');
  const rows = qrMatrix(text);
  expect(rows).toHaveLength(17 + 4 * version);
  expect(readBack(rows)).toBe(text);
  // Timing, and the module that is always dark.
  expect(rows[6]?.slice(8, -8).every((dark, i) => dark === (i % 2 === 0))).toBe(true);
  expect(rows[rows.length - 8]?.[8]).toBe(true);
});

test('the version is written with the correction of the standard: 7 is 000111110010010100', () => {
  const rows = qrMatrix('x'.repeat(140));
  expect(rows).toHaveLength(45);
  const size = rows.length;
  const bits = Array.from({ length: 18 }, (_, i) =>
    rows[Math.floor(i / 3)]?.[size - 11 + (i % 3)] === true ? '1' : '0',
  );
  expect(bits.toReversed().join('')).toBe('000111110010010100');
});
