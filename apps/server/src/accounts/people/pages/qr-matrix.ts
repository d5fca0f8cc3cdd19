import { withCorrection } from './qr-correction.ts';

/*
 * QR codes (ISO/IEC 18004) of bytes, at the lowest level of correction, which a screen does not need more of: versions 1 to 20,
 * up to 858 bytes. Coordinates are (x, y) from the top left.
 */

/** Centres of the alignment patterns besides 6, by version from 2 on (Annex E). */
const alignments: readonly (readonly number[])[] = [
  [18],
  [22],
  [26],
  [30],
  [34],
  [22, 38],
  [24, 42],
  [26, 46],
  [28, 50],
  [30, 54],
  [32, 58],
  [34, 62],
  [26, 46, 66],
  [26, 48, 70],
  [26, 50, 74],
  [30, 54, 78],
  [30, 56, 82],
  [30, 58, 86],
  [34, 62, 90],
];

const masks: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/** Rows of modules, dark ones true, without the quiet zone. Throws when the text is too long. */
export function qrMatrix(text: string): boolean[][] {
  const { version, codewords } = withCorrection(Buffer.from(text));
  const drawn = masks.map((mask, number) => draw(version, codewords, mask, number));
  const scores = drawn.map(penaltyOf);
  return drawn[scores.indexOf(Math.min(...scores))] ?? [];
}

function draw(
  version: number,
  codewords: Uint8Array,
  mask: (x: number, y: number) => boolean,
  number: number,
): boolean[][] {
  const grid = new Grid(17 + 4 * version);
  grid.finders();
  grid.alignments(alignments[version - 2]);
  grid.timing();
  grid.format(number);
  if (version >= 7) grid.version(version);
  grid.data(codewords, mask);
  return grid.rows();
}

class Grid {
  readonly size: number;
  /** `undefined`: free for data. */
  readonly #modules: (boolean | undefined)[][];

  constructor(size: number) {
    this.size = size;
    this.#modules = Array.from({ length: size }, () => Array.from({ length: size }, () => undefined));
  }

  rows(): boolean[][] {
    return this.#modules.map((row) => row.map((dark) => dark === true));
  }

  #set(x: number, y: number, dark: boolean): void {
    const row = this.#modules[y];
    if (row && x >= 0 && x < this.size) row[x] = dark;
  }

  #isFree(x: number, y: number): boolean {
    return this.#modules[y]?.[x] === undefined;
  }

  /** Three squares in the corners, each with its light border. */
  finders(): void {
    const far = this.size - 4;
    for (const [cx, cy] of [
      [3, 3],
      [far, 3],
      [3, far],
    ] as const) {
      this.#rings(cx, cy, 4, (ring) => ring !== 2 && ring !== 4);
    }
  }

  /** Wherever no finder stands. */
  alignments(far: readonly number[] = []): void {
    const centres = far.length === 0 ? [] : [6, ...far];
    const last = this.size - 7;
    for (const cx of centres)
      for (const cy of centres)
        if (!((cx === 6 && cy === 6) || (cx === 6 && cy === last) || (cx === last && cy === 6)))
          this.#rings(cx, cy, 2, (ring) => ring !== 1);
  }

  #rings(cx: number, cy: number, radius: number, isDark: (ring: number) => boolean): void {
    for (let y = -radius; y <= radius; y++)
      for (let x = -radius; x <= radius; x++) this.#set(cx + x, cy + y, isDark(Math.max(Math.abs(x), Math.abs(y))));
  }

  timing(): void {
    for (let at = 8; at < this.size - 8; at++) {
      this.#set(at, 6, at % 2 === 0);
      this.#set(6, at, at % 2 === 0);
    }
  }

  /** Level and mask, twice, with 10 bits of correction. */
  format(mask: number): void {
    const levelL = 0b01;
    const data = (levelL << 3) | mask;
    const bits = ((data << 10) | remainder(data << 10, 0b10100110111)) ^ 0b101010000010010;
    const isDark = (i: number): boolean => ((bits >> i) & 1) === 1;
    for (let i = 0; i < 6; i++) this.#set(8, i, isDark(i));
    this.#set(8, 7, isDark(6));
    this.#set(8, 8, isDark(7));
    this.#set(7, 8, isDark(8));
    for (let i = 9; i < 15; i++) this.#set(14 - i, 8, isDark(i));
    for (let i = 0; i < 8; i++) this.#set(this.size - 1 - i, 8, isDark(i));
    for (let i = 8; i < 15; i++) this.#set(8, this.size - 15 + i, isDark(i));
    this.#set(8, this.size - 8, true);
  }

  /** Six bits of version and twelve of correction, twice. */
  version(version: number): void {
    const bits = (version << 12) | remainder(version << 12, 0b1111100100101);
    for (let i = 0; i < 18; i++) {
      const dark = ((bits >> i) & 1) === 1;
      const near = Math.floor(i / 3);
      const far = this.size - 11 + (i % 3);
      this.#set(near, far, dark);
      this.#set(far, near, dark);
    }
  }

  /** In columns of two from the right, upwards and downwards in turn, past what stands there already. */
  data(codewords: Uint8Array, mask: (x: number, y: number) => boolean): void {
    let bit = 0;
    let upwards = true;
    for (let right = this.size - 1; right > 0; right -= 2) {
      if (right === 6) right = 5;
      for (let step = 0; step < this.size; step++) {
        const y = upwards ? this.size - 1 - step : step;
        for (const x of [right, right - 1]) {
          if (!this.#isFree(x, y)) continue;
          const dark = (((codewords[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
          this.#set(x, y, dark !== mask(x, y));
          bit += 1;
        }
      }
      upwards = !upwards;
    }
  }
}

/** Of a division of polynomials over GF(2). */
function remainder(value: number, divisor: number): number {
  const degree = 31 - Math.clz32(divisor);
  let rest = value;
  while (rest !== 0 && 31 - Math.clz32(rest) >= degree) rest ^= divisor << (31 - Math.clz32(rest) - degree);
  return rest;
}

/** How hard a camera would have it (§8.8.2): long runs, blocks, what looks like a finder, and an uneven share of dark. */
function penaltyOf(rows: readonly (readonly boolean[])[]): number {
  const columns = rows.map((_, x) => rows.map((row) => row[x] === true));
  const lines = [...rows, ...columns].map((line) => line.map((dark) => (dark ? '1' : '0')).join(''));
  let penalty = 0;
  for (const line of lines) {
    for (const [run] of line.matchAll(/0{5,}|1{5,}/g)) penalty += run.length - 2;
    penalty += 40 * Array.from(line.matchAll(/(?=00001011101|10111010000)/g)).length;
  }
  for (let y = 1; y < rows.length; y++) {
    for (let x = 1; x < rows.length; x++) {
      const dark = rows[y]?.[x];
      if (dark === rows[y]?.[x - 1] && dark === rows[y - 1]?.[x] && dark === rows[y - 1]?.[x - 1]) penalty += 3;
    }
  }
  const share = rows.flat().filter(Boolean).length / rows.length ** 2;
  return penalty + 10 * Math.floor(Math.abs(share - 0.5) * 20);
}
