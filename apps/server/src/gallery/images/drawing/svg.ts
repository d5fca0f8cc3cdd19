import { fixed } from './numbers.ts';

/** All that a drawing may be made of. Nothing here can load, run, animate or style anything outside itself. */
export const elementNames = [
  'svg',
  'g',
  'defs',
  'linearGradient',
  'radialGradient',
  'stop',
  'clipPath',
  'path',
  'rect',
  'circle',
  'ellipse',
  'line',
  'polygon',
  'polyline',
  'text',
  'use',
] as const;
type ElementName = (typeof elementNames)[number];

/** Presentation and geometry. `href` leads into the drawing itself only; references are `url(#…)` of the same. */
export const attributeNames = [
  'xmlns',
  'viewBox',
  'width',
  'height',
  'id',
  'href',
  'd',
  'points',
  'x',
  'y',
  'x1',
  'y1',
  'x2',
  'y2',
  'cx',
  'cy',
  'r',
  'rx',
  'ry',
  'fx',
  'fy',
  'offset',
  'transform',
  'gradientUnits',
  'gradientTransform',
  'clip-path',
  'clip-rule',
  'fill',
  'fill-rule',
  'fill-opacity',
  'stroke',
  'stroke-width',
  'stroke-opacity',
  'stroke-linecap',
  'stroke-linejoin',
  'stroke-dasharray',
  'stop-color',
  'stop-opacity',
  'opacity',
  'shape-rendering',
  'font-family',
  'font-size',
  'font-weight',
  'letter-spacing',
  'text-anchor',
  'textLength',
  'lengthAdjust',
] as const;
type AttributeName = (typeof attributeNames)[number];
export type Attributes = Readonly<Partial<Record<AttributeName, string | number>>>;

const known: ReadonlySet<string> = new Set(attributeNames);

/** Characters that XML 1.0 has no place for, escaped or not: controls, lone halves of pairs, two non-characters. */
// oxlint-disable-next-line no-control-regex -- these are what must not get through
const unfit = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\uFFFE\uFFFF]|\p{Cs}/gu;
const special = /[&<>"']/g;
const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
export const escaped = (text: string): string =>
  text.replaceAll(unfit, '').replaceAll(special, (character) => entities[character] ?? '');

/** One drawing, written front to back. What is defined on the way (gradients, clips, symbols) may be used at once. */
export class Drawing {
  readonly width: number;
  readonly height: number;
  elements = 1;
  #out: string;
  #ids = 0;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.#out = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${fixed(width)} ${fixed(height)}" width="${fixed(width)}" height="${fixed(height)}">`;
  }

  /** An element without children. */
  add(name: ElementName, attributes: Attributes): void {
    this.#open(name, attributes);
    this.#out += '/>';
  }

  /** An element around what `inner` draws. */
  within(name: ElementName, attributes: Attributes, inner: () => void): void {
    this.#open(name, attributes);
    this.#out += '>';
    inner();
    this.#out += `</${name}>`;
  }

  text(words: string, attributes: Attributes): void {
    this.#open('text', attributes);
    this.#out += `>${escaped(words)}</text>`;
  }

  /** A name that nothing else in this drawing has. */
  id(): string {
    return `i${(this.#ids++).toString(36)}`;
  }

  /** The whole file. */
  end(): string {
    return `${this.#out}</svg>`;
  }

  #open(name: ElementName, attributes: Attributes): void {
    this.elements++;
    let tag = `<${name}`;
    for (const key in attributes) {
      const value = attributes[key as AttributeName];
      if (value === undefined) continue;
      if (!known.has(key)) throw new TypeError(`${key} is not an attribute of a drawing`);
      // Path data are the bulk of a drawing and made of numbers only.
      const text =
        typeof value === 'number' ? fixed(value) : key === 'd' || value.search(special) === -1 ? value : escaped(value);
      tag += ` ${key}="${text}"`;
    }
    this.#out += tag;
  }
}
