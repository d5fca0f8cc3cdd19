/**
 * A QR code in byte mode with error correction M, versions 1 to 10 (ISO/IEC 18004:2015). Our addresses are short; what
 * does not fit into version 10, 213 bytes, has no code.
 */

/** Per version: codewords of correction in each block, then blocks and data codewords of each, in one or two groups (table 9). */
const versions: readonly (readonly [correction: number, ...groups: (readonly [blocks: number, data: number])[]])[] = [
  [10, [1, 16]],
  [16, [1, 28]],
  [26, [1, 44]],
  [18, [2, 32]],
  [24, [2, 43]],
  [16, [4, 27]],
  [18, [4, 31]],
  [22, [2, 38], [2, 39]],
  [22, [3, 36], [2, 37]],
  [26, [4, 43], [1, 44]],
];
/** Middles of the alignment patterns (annex E). */
const alignments: readonly (readonly number[])[] = [
  [],
  [6, 18],
  [6, 22],
  [6, 26],
  [6, 30],
  [6, 34],
  [6, 22, 38],
  [6, 24, 42],
  [6, 26, 46],
  [6, 28, 50],
];

const capacity = (version: number): number =>
  (versions[version - 1] ?? [0])
    .slice(1)
    .reduce<number>(
      (sum, group) => sum + (group as readonly [number, number])[0] * (group as readonly [number, number])[1],
      0,
    );
const headerBytes = (version: number): number => (version < 10 ? 2 : 3);

/** The smallest version that holds so many bytes; `undefined` past version 10. */
export function versionFor(bytes: number): number | undefined {
  for (let version = 1; version <= 10; version++) if (bytes + headerBytes(version) <= capacity(version)) return version;
  return undefined;
}

export type Code = {
  version: number;
  side: number;
  mask: number;
  dark(x: number, y: number): boolean /** One of the three finders. */;
  isFinder(x: number, y: number): boolean;
};

/** `undefined` when the text is empty or too long. */
export function codeOf(text: string): Code | undefined {
  const bytes = Buffer.from(text, 'utf8');
  const version = bytes.length === 0 ? undefined : versionFor(bytes.length);
  if (version === undefined) return undefined;
  const side = 17 + 4 * version;
  const fixed = new Grid(side);
  paintFixed(fixed, version);
  const best = new Grid(side);
  let chosen = 0;
  let least = Number.POSITIVE_INFINITY;
  const words = interleaved(dataWords(bytes, version), version);
  for (let mask = 0; mask < 8; mask++) {
    const grid = new Grid(side, fixed);
    paintWords(grid, fixed, words, mask);
    paintFormat(grid, mask);
    const cost = penalty(grid);
    if (cost >= least) continue;
    least = cost;
    chosen = mask;
    best.copy(grid);
  }
  const isFinder = (x: number, y: number): boolean =>
    (x < 7 && y < 7) || (x >= side - 7 && y < 7) || (x < 7 && y >= side - 7);
  return { version, side, mask: chosen, dark: (x, y) => best.get(x, y) === 1, isFinder };
}

/** Modules: 0 light, 1 dark, −1 not yet decided. */
class Grid {
  readonly side: number;
  readonly #cells: Int8Array;

  constructor(side: number, from?: Grid) {
    this.side = side;
    this.#cells = from ? from.#cells.slice() : new Int8Array(side * side).fill(-1);
  }

  get(x: number, y: number): number {
    return this.#cells[y * this.side + x] ?? 0;
  }

  set(x: number, y: number, dark: boolean): void {
    this.#cells[y * this.side + x] = dark ? 1 : 0;
  }

  copy(from: Grid): void {
    this.#cells.set(from.#cells);
  }
}

function dataWords(bytes: Uint8Array, version: number): number[] {
  const bits: number[] = [];
  const put = (value: number, count: number): void => {
    for (let i = count - 1; i >= 0; i--) bits.push((value >> i) & 1);
  };
  put(0b0100, 4);
  put(bytes.length, version < 10 ? 8 : 16);
  for (const byte of bytes) put(byte, 8);
  const room = capacity(version) * 8;
  put(0, Math.min(4, room - bits.length));
  while (bits.length % 8 !== 0) bits.push(0);
  const words: number[] = [];
  for (let i = 0; i < bits.length; i += 8) words.push(bits.slice(i, i + 8).reduce((value, bit) => value * 2 + bit, 0));
  for (let i = 0; words.length < room / 8; i++) words.push(i % 2 === 0 ? 0xec : 0x11);
  return words;
}

const exp = new Uint8Array(512);
const log = new Uint8Array(256);
for (let i = 0, value = 1; i < 255; i++) {
  exp[i] = exp[i + 255] = value;
  log[value] = i;
  value = value & 0x80 ? (value << 1) ^ 0x11d : value << 1;
}
const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : (exp[(log[a] ?? 0) + (log[b] ?? 0)] ?? 0));

/** Reed-Solomon over GF(256), polynomial x⁸+x⁴+x³+x²+1: the remainder of the data by the generator. */
export function correctionOf(data: readonly number[], count: number): number[] {
  let generator = [1];
  for (let i = 0; i < count; i++) {
    const next = [...generator, 0];
    for (const [k, factor] of generator.entries()) next[k + 1] = (next[k + 1] ?? 0) ^ times(factor, exp[i] ?? 0);
    generator = next;
  }
  const rest = [...data, ...Array.from({ length: count }, () => 0)];
  for (let i = 0; i < data.length; i++) {
    const lead = rest[i] ?? 0;
    if (lead !== 0)
      for (const [k, factor] of generator.entries()) rest[i + k] = (rest[i + k] ?? 0) ^ times(factor, lead);
  }
  return rest.slice(data.length);
}

function interleaved(words: readonly number[], version: number): number[] {
  const [correction, ...groups] = versions[version - 1] ?? [0];
  const blocks: number[][] = [];
  let at = 0;
  for (const [count, size] of groups)
    for (let i = 0; i < count; i++) {
      blocks.push(words.slice(at, at + size));
      at += size;
    }
  const parities = blocks.map((block) => correctionOf(block, correction));
  const out: number[] = [];
  const longest = Math.max(...blocks.map(({ length }) => length));
  for (let i = 0; i < longest; i++) for (const block of blocks) if (i < block.length) out.push(block[i] ?? 0);
  for (let i = 0; i < correction; i++) for (const parity of parities) out.push(parity[i] ?? 0);
  return out;
}

function paintFixed(grid: Grid, version: number): void {
  const { side } = grid;
  for (const [fx, fy] of [
    [0, 0],
    [side - 7, 0],
    [0, side - 7],
  ] as const)
    for (let y = -1; y <= 7; y++)
      for (let x = -1; x <= 7; x++) {
        if (fx + x < 0 || fy + y < 0 || fx + x >= side || fy + y >= side) continue;
        const ring = Math.max(Math.abs(x - 3), Math.abs(y - 3));
        grid.set(fx + x, fy + y, ring !== 2 && ring !== 4);
      }
  const middles = alignments[version - 1] ?? [];
  const last = middles.at(-1) ?? 0;
  for (const cy of middles)
    for (const cx of middles) {
      if ((cx === 6 && (cy === 6 || cy === last)) || (cx === last && cy === 6)) continue;
      for (let y = -2; y <= 2; y++)
        for (let x = -2; x <= 2; x++) grid.set(cx + x, cy + y, Math.max(Math.abs(x), Math.abs(y)) !== 1);
    }
  for (let i = 8; i < side - 8; i++) {
    grid.set(i, 6, i % 2 === 0);
    grid.set(6, i, i % 2 === 0);
  }
  grid.set(8, side - 8, true);
  paintFormat(grid, 0);
  if (version < 7) return;
  let rest = version;
  for (let i = 0; i < 12; i++) rest = (rest << 1) ^ ((rest >> 11) * 0x1f25);
  const bits = (version << 12) | rest;
  for (let i = 0; i < 18; i++) {
    const [a, b] = [side - 11 + (i % 3), Math.floor(i / 3)];
    grid.set(a, b, ((bits >> i) & 1) === 1);
    grid.set(b, a, ((bits >> i) & 1) === 1);
  }
}

/** Level M is 00; fifteen bits with BCH correction, twice. */
function paintFormat(grid: Grid, mask: number): void {
  const { side } = grid;
  let rest = mask;
  for (let i = 0; i < 10; i++) rest = (rest << 1) ^ ((rest >> 9) * 0x537);
  const bits = ((mask << 10) | rest) ^ 0x5412;
  const bit = (i: number): boolean => ((bits >> i) & 1) === 1;
  for (let i = 0; i <= 5; i++) grid.set(8, i, bit(i));
  grid.set(8, 7, bit(6));
  grid.set(8, 8, bit(7));
  grid.set(7, 8, bit(8));
  for (let i = 9; i < 15; i++) grid.set(14 - i, 8, bit(i));
  for (let i = 0; i < 8; i++) grid.set(side - 1 - i, 8, bit(i));
  for (let i = 8; i < 15; i++) grid.set(8, side - 15 + i, bit(i));
  grid.set(8, side - 8, true);
}

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

/** In two columns at a time from the right, up and down in turn, leaving out the upright timing line. */
function paintWords(grid: Grid, fixed: Grid, words: readonly number[], mask: number): void {
  const { side } = grid;
  const flip = masks[mask] ?? (() => false);
  let i = 0;
  for (let right = side - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < side; step++)
      for (const x of [right, right - 1]) {
        const up = ((right + 1) & 2) === 0;
        const y = up ? side - 1 - step : step;
        if (fixed.get(x, y) !== -1) continue;
        const bit = i < words.length * 8 && (((words[i >> 3] ?? 0) >> (7 - (i & 7))) & 1) === 1;
        i++;
        grid.set(x, y, bit !== flip(x, y));
      }
  }
}

/** The four rules by which a mask is judged (§7.8.3). */
function penalty(grid: Grid): number {
  const { side } = grid;
  let cost = 0;
  let darks = 0;
  for (const across of [true, false])
    for (let line = 0; line < side; line++) {
      let run = 0;
      let last = -1;
      let window = 0;
      for (let i = 0; i < side; i++) {
        const cell = across ? grid.get(i, line) : grid.get(line, i);
        if (across && cell === 1) darks++;
        run = cell === last ? run + 1 : 1;
        last = cell;
        if (run === 5) cost += 3;
        else if (run > 5) cost++;
        window = ((window << 1) | cell) & 0x7ff;
        if (i >= 10 && (window === 0b10111010000 || window === 0b00001011101)) cost += 40;
      }
    }
  for (let y = 0; y + 1 < side; y++)
    for (let x = 0; x + 1 < side; x++) {
      const cell = grid.get(x, y);
      if (cell === grid.get(x + 1, y) && cell === grid.get(x, y + 1) && cell === grid.get(x + 1, y + 1)) cost += 3;
    }
  return cost + Math.floor(Math.abs((darks * 20) / (side * side) - 10)) * 10;
}
