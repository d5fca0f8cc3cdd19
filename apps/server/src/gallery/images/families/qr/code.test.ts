import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Code, codeOf, correctionOf, versionFor } from './code.ts';

/* A reader written the other way round: from the modules to the text, with the checks a scanner makes. */

const blocksOf: readonly (readonly [number, readonly number[]])[] = [
  [10, [16]],
  [16, [28]],
  [26, [44]],
  [18, [32, 32]],
  [24, [43, 43]],
  [16, [27, 27, 27, 27]],
  [18, [31, 31, 31, 31]],
  [22, [38, 38, 39, 39]],
  [22, [36, 36, 36, 37, 37]],
  [26, [43, 43, 43, 43, 44]],
];
const middles = ['', '', '18', '22', '26', '30', '34', '22 38', '24 42', '26 46', '28 50'].map((text) =>
  text === '' ? [] : [6, ...text.split(' ').map(Number)],
);

const double = (value: number): number => (value & 0x80 ? (value << 1) ^ 0x11d : value << 1) & 0xff;
function times(a: number, b: number): number {
  let sum = 0;
  for (let [left, factor] = [a, b]; factor > 0; [left, factor] = [double(left), factor >> 1])
    if (factor & 1) sum ^= left;
  return sum;
}

/** Fifteen bits beside the upper left finder: error level and mask. */
function formatOf(code: Code): { level: number; mask: number } {
  const places = [
    [0, 8],
    [1, 8],
    [2, 8],
    [3, 8],
    [4, 8],
    [5, 8],
    [7, 8],
    [8, 8],
    [8, 7],
    [8, 5],
    [8, 4],
    [8, 3],
    [8, 2],
    [8, 1],
    [8, 0],
  ] as const;
  const bits = places.reduce((value, [x, y]) => value * 2 + (code.dark(x, y) ? 1 : 0), 0) ^ 0x5412;
  // The whole word is a multiple of the generator of its BCH code.
  let rest = bits;
  for (let i = 14; i >= 10; i--) if ((rest >> i) & 1) rest ^= 0x537 << (i - 10);
  expect(rest).toBe(0);
  return { level: bits >> 13, mask: (bits >> 10) & 7 };
}

function isData(version: number, side: number, x: number, y: number): boolean {
  if ((x < 9 && y < 9) || (x >= side - 8 && y < 9) || (x < 9 && y >= side - 8) || x === 6 || y === 6) return false;
  if (version >= 7 && ((x >= side - 11 && y < 6) || (y >= side - 11 && x < 6))) return false;
  const all = middles[version] ?? [];
  const last = all.at(-1) ?? 0;
  return !all.some((cx) =>
    all.some(
      (cy) =>
        !((cx === 6 && cy === 6) || (cx === 6 && cy === last) || (cx === last && cy === 6)) &&
        Math.abs(x - cx) <= 2 &&
        Math.abs(y - cy) <= 2,
    ),
  );
}

function read(code: Code): string {
  const { side, version } = code;
  const { level, mask } = formatOf(code);
  expect(level).toBe(0);
  expect(mask).toBe(code.mask);
  const flips = [
    (x: number, y: number) => (x + y) % 2,
    (_: number, y: number) => y % 2,
    (x: number) => x % 3,
    (x: number, y: number) => (x + y) % 3,
    (x: number, y: number) => ((y >> 1) + Math.floor(x / 3)) % 2,
    (x: number, y: number) => ((x * y) % 2) + ((x * y) % 3),
    (x: number, y: number) => (((x * y) % 2) + ((x * y) % 3)) % 2,
    (x: number, y: number) => (((x + y) % 2) + ((x * y) % 3)) % 2,
  ];
  const bits: number[] = [];
  let up = true;
  for (let column = side - 1; column > 0; column -= 2) {
    if (column === 6) column--;
    for (let i = 0; i < side; i++) {
      const y = up ? side - 1 - i : i;
      for (const x of [column, column - 1])
        if (isData(version, side, x, y)) bits.push(Number(code.dark(x, y)) ^ (flips[mask]!(x, y) === 0 ? 1 : 0));
    }
    up = !up;
  }
  const [correction, sizes] = blocksOf[version - 1]!;
  const words = Array.from({ length: Math.floor(bits.length / 8) }, (_, i) =>
    bits.slice(8 * i, 8 * i + 8).reduce((value, bit) => value * 2 + bit, 0),
  );
  const blocks: number[][] = sizes.map(() => []);
  let at = 0;
  for (let i = 0; i < Math.max(...sizes); i++)
    for (const [b, size] of sizes.entries()) if (i < size) blocks[b]!.push(words[at++]!);
  for (let i = 0; i < correction; i++) for (const block of blocks) block.push(words[at++]!);
  for (const block of blocks)
    for (let root = 1, i = 0; i < correction; i++, root = double(root))
      expect(block.reduce((value, word) => times(value, root) ^ word, 0)).toBe(0);
  const data = blocks.flatMap((block, b) => block.slice(0, sizes[b]));
  const stream = data.flatMap((word) => Array.from({ length: 8 }, (_, i) => (word >> (7 - i)) & 1));
  const take = (from: number, count: number): number =>
    stream.slice(from, from + count).reduce((value, bit) => value * 2 + bit, 0);
  expect(take(0, 4)).toBe(4);
  const long = version < 10 ? 8 : 16;
  const count = take(4, long);
  return Buffer.from(Array.from({ length: count }, (_, i) => take(4 + long + 8 * i, 8))).toString('utf8');
}

test('whatever was said is read again, in every version', () => {
  const seen = new Set<number>();
  for (let length = 1; length <= 213; length++) {
    const text = `https://gallery.example/${'aB3-_/é'.repeat(30)}`.slice(0, length);
    if (Buffer.byteLength(text) > 213) continue;
    const code = codeOf(text)!;
    seen.add(code.version);
    expect(read(code)).toBe(text);
  }
  expect([...seen]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('any text of up to 213 bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 120 }), (raw) => {
      const text = raw.toWellFormed();
      const code = codeOf(text);
      if (!code) return Buffer.byteLength(text) > 213;
      return read(code) === text;
    }),
    { numRuns: 60 },
  );
});

test('nothing, or too much, has no code', () => {
  expect(codeOf('')).toBeUndefined();
  expect(codeOf('x'.repeat(214))).toBeUndefined();
  expect([versionFor(14), versionFor(15), versionFor(213), versionFor(214)]).toEqual([1, 2, 10, undefined]);
});

test('the correction words of the standard’s own example', () => {
  // ISO/IEC 18004, annex I: `01234567` in version 1-M.
  const data = [0x10, 0x20, 0x0c, 0x56, 0x61, 0x80, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11];
  expect(correctionOf(data, 10)).toEqual([0xa5, 0x24, 0xd4, 0xc1, 0xed, 0x36, 0xc7, 0x87, 0x2c, 0x55]);
});
