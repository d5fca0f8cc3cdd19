import { fixed } from '../drawing/numbers.ts';

type Glyph = { advance: number; contours: readonly Contour[] /** By size. */; outlines: Map<number, string> };
/** Past so many sizes of one glyph its memory starts anew. */
const sizesMax = 64;

/**
 * A TrueType font, read far enough to measure words and to draw them as outlines, so that a headline is the same shapes
 * in a browser, which has not got our fonts, and in a PNG. (OpenType specification 1.9: head, hhea, maxp, cmap 4, loca,
 * glyf, hmtx.) Sizes are in hundredths of the em.
 */
export class Font {
  readonly family: string;
  readonly weight: number;
  readonly #data: DataView;
  readonly #tables = new Map<string, number>();
  readonly #unit: number;
  readonly #wide: number;
  readonly #longLoca: boolean;
  readonly #indexOf = new Map<number, number>();
  readonly #glyphs = new Map<number, Glyph>();

  constructor(family: string, weight: number, bytes: Uint8Array) {
    this.family = family;
    this.weight = weight;
    this.#data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const count = this.#data.getUint16(4);
    for (let i = 0; i < count; i++) {
      const at = 12 + 16 * i;
      const tag = String.fromCharCode(...bytes.subarray(at, at + 4));
      this.#tables.set(tag, this.#data.getUint32(at + 8));
    }
    this.#unit = 100 / this.#data.getUint16(this.#table('head') + 18);
    this.#longLoca = this.#data.getInt16(this.#table('head') + 50) === 1;
    this.#wide = this.#data.getUint16(this.#table('hhea') + 34);
    this.#readCharacters();
  }

  has(character: string): boolean {
    return this.#indexOf.has(character.codePointAt(0) ?? 0);
  }

  /** Whether every character of the words can be drawn. */
  covers(words: string): boolean {
    for (const character of words) if (!this.has(character)) return false;
    return true;
  }

  /** How wide the words are at this size, with `spacing` after each character. */
  width(words: string, size: number, spacing = 0): number {
    let sum = 0;
    for (const character of words) sum += (this.#glyph(character)?.advance ?? 60) * (size / 100) + spacing;
    return sum;
  }

  /** One path for the words, their baseline starting at (x, y). Characters the font has not got are left out. */
  outline(words: string, x: number, y: number, size: number, spacing = 0): string {
    let d = '';
    let at = x;
    for (const character of words) {
      const glyph = this.#glyph(character);
      if (glyph && glyph.contours.length > 0)
        d += `M${fixed(Math.round(at * 10) / 10)} ${fixed(y)}${outlineAt(glyph, size)}`;
      at += (glyph?.advance ?? 60) * (size / 100) + spacing;
    }
    return d;
  }

  #table(tag: string): number {
    const at = this.#tables.get(tag);
    if (at === undefined) throw new Error(`the font ${this.family} has no table ${tag}`);
    return at;
  }

  #readCharacters(): void {
    const cmap = this.#table('cmap');
    const data = this.#data;
    for (let i = 0; i < data.getUint16(cmap + 2); i++) {
      const at = cmap + data.getUint32(cmap + 4 + 8 * i + 4);
      if (data.getUint16(at) !== 4) continue;
      const doubled = data.getUint16(at + 6);
      for (let segment = 0; segment < doubled; segment += 2) {
        const end = data.getUint16(at + 14 + segment);
        const startAt = at + 16 + doubled + segment;
        const start = data.getUint16(startAt);
        const delta = data.getUint16(startAt + doubled);
        const rangeAt = startAt + 2 * doubled;
        const range = data.getUint16(rangeAt);
        for (let code = start; code <= end && code < 0xffff; code++) {
          const raw = range === 0 ? code : data.getUint16(rangeAt + range + 2 * (code - start));
          const index = raw === 0 && range !== 0 ? 0 : (raw + delta) & 0xffff;
          if (index !== 0) this.#indexOf.set(code, index);
        }
      }
      return;
    }
    throw new Error(`the font ${this.family} has no character map of format 4`);
  }

  #glyph(character: string): Glyph | undefined {
    const index = this.#indexOf.get(character.codePointAt(0) ?? 0);
    if (index === undefined) return undefined;
    let glyph = this.#glyphs.get(index);
    if (!glyph) {
      const metric = this.#table('hmtx') + 4 * Math.min(index, this.#wide - 1);
      glyph = {
        advance: this.#data.getUint16(metric) * this.#unit,
        contours: this.#contours(index, 0),
        outlines: new Map(),
      };
      // As many as the font has characters, at most.
      this.#glyphs.set(index, glyph);
    }
    return glyph;
  }

  #contours(index: number, depth: number): Contour[] {
    const data = this.#data;
    const loca = this.#table('loca');
    const [from, to] = this.#longLoca
      ? [data.getUint32(loca + 4 * index), data.getUint32(loca + 4 * index + 4)]
      : [2 * data.getUint16(loca + 2 * index), 2 * data.getUint16(loca + 2 * index + 2)];
    if (from === to || depth > 4) return [];
    const at = this.#table('glyf') + from;
    const count = data.getInt16(at);
    return count >= 0 ? this.#simple(at, count) : this.#compound(at, depth);
  }

  #simple(start: number, count: number): Contour[] {
    const data = this.#data;
    let at = start + 10;
    const ends = Array.from({ length: count }, (_, i) => data.getUint16(at + 2 * i));
    const points = (ends.at(-1) ?? -1) + 1;
    at += 2 * count;
    at += 2 + data.getUint16(at);
    const flags: number[] = [];
    while (flags.length < points) {
      const flag = data.getUint8(at++);
      flags.push(flag);
      if (flag & 8) for (let again = data.getUint8(at++); again > 0; again--) flags.push(flag);
    }
    const read = (short: number, same: number): number[] => {
      let value = 0;
      return flags.map((flag) => {
        if (flag & short) value += flag & same ? data.getUint8(at++) : -data.getUint8(at++);
        else if (!(flag & same)) {
          value += data.getInt16(at);
          at += 2;
        }
        return value;
      });
    };
    const xs = read(2, 16);
    const ys = read(4, 32);
    return ends.map((end, i) => {
      const first = i === 0 ? 0 : (ends[i - 1] ?? 0) + 1;
      return Array.from({ length: end - first + 1 }, (_, k) => ({
        x: (xs[first + k] ?? 0) * this.#unit,
        y: -(ys[first + k] ?? 0) * this.#unit,
        on: ((flags[first + k] ?? 0) & 1) === 1,
      }));
    });
  }

  #compound(start: number, depth: number): Contour[] {
    const data = this.#data;
    const all: Contour[] = [];
    let at = start + 10;
    for (let more = true; more; ) {
      const flags = data.getUint16(at);
      const index = data.getUint16(at + 2);
      const words = (flags & 1) !== 0;
      const dx = (words ? data.getInt16(at + 4) : data.getInt8(at + 4)) * this.#unit;
      const dy = (words ? data.getInt16(at + 6) : data.getInt8(at + 5)) * this.#unit;
      at += words ? 8 : 6;
      let [xx, xy, yx, yy] = [1, 0, 0, 1];
      const f2 = (): number => {
        at += 2;
        return data.getInt16(at - 2) / 16384;
      };
      if (flags & 8) xx = yy = f2();
      else if (flags & 64) [xx, yy] = [f2(), f2()];
      else if (flags & 128) [xx, xy, yx, yy] = [f2(), f2(), f2(), f2()];
      for (const contour of this.#contours(index, depth + 1))
        all.push(contour.map(({ x, y, on }) => ({ x: x * xx - y * yx + dx, y: y * yy - x * xy - dy, on })));
      more = (flags & 32) !== 0;
    }
    return all;
  }
}

type Contour = { x: number; y: number; on: boolean }[];

function outlineAt({ contours, outlines }: Glyph, size: number): string {
  const found = outlines.get(size);
  if (found !== undefined) return found;
  if (outlines.size >= sizesMax) outlines.clear();
  const made = outlined(contours, size / 100);
  outlines.set(size, made);
  return made;
}

/**
 * An outline at one size, as relative steps, so that it is written once and then only put somewhere. One decimal is a
 * tenth of a unit in a drawing of a thousand: less than any screen shows. Steps are differences of rounded places, so
 * roundings do not add up. Quadratic splines: between two control points in a row lies a point of the line.
 */
function outlined(contours: readonly Contour[], scale: number): string {
  let d = '';
  let [atX, atY] = [0, 0];
  const tenths = (value: number): number => Math.round(value * scale * 10);
  const step = (letter: string, ...points: readonly { x: number; y: number }[]): void => {
    d += letter;
    let [endX, endY] = [atX, atY];
    for (const [i, { x, y }] of points.entries()) {
      [endX, endY] = [tenths(x), tenths(y)];
      const [dx, dy] = [fixed((endX - atX) / 10), fixed((endY - atY) / 10)];
      d += `${i === 0 || dx.startsWith('-') ? '' : ' '}${dx}${dy.startsWith('-') ? '' : ' '}${dy}`;
    }
    [atX, atY] = [endX, endY];
  };
  for (const contour of contours) {
    const first = contour.findIndex(({ on }) => on);
    const ring = first <= 0 ? contour : [...contour.slice(first), ...contour.slice(0, first)];
    const [start] = ring;
    if (!start) continue;
    step('m', start);
    for (let i = 1; i <= ring.length; i++) {
      const point = ring[i % ring.length];
      if (!point) continue;
      if (point.on) {
        if (i < ring.length) step('l', point);
        continue;
      }
      const next = ring[(i + 1) % ring.length] ?? start;
      const end = next.on ? next : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
      step('q', point, end);
      if (next.on) i++;
    }
    d += 'z';
    [atX, atY] = [tenths(start.x), tenths(start.y)];
  }
  return d;
}
