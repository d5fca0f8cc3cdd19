import { type Colour, css } from '../drawing/colour.ts';
import type { Drawing } from '../drawing/svg.ts';
import type { Font } from './font.ts';
import { familyOf } from './fonts.ts';

type Where = {
  x: number;
  y: number;
  size: number;
  fill: Colour;
  anchor?: 'start' | 'middle' | 'end';
  spacing?: number;
  opacity?: number;
};

/**
 * A label as text: small in bytes, selectable, and as wide as we measured also where another font stands in for ours.
 * Words must be covered by the font.
 */
export function label(drawing: Drawing, font: Font, words: string, where: Where): void {
  if (words === '') return;
  const { x, y, size, fill, anchor = 'start', spacing = 0, opacity = 1 } = where;
  const wide = font.width(words, size, spacing);
  drawing.text(words, {
    x,
    y,
    fill: css(fill),
    ...(opacity < 1 ? { 'fill-opacity': opacity } : undefined),
    'font-family': familyOf(font),
    'font-weight': font.weight,
    'font-size': size,
    ...(anchor === 'start' ? undefined : { 'text-anchor': anchor }),
    ...(spacing === 0 ? undefined : { 'letter-spacing': spacing }),
    ...(words.length > 1 ? { textLength: wide, lengthAdjust: 'spacingAndGlyphs' } : undefined),
  });
}

/** Words as shapes, for what carries the picture: the same for every reader. */
export function headline(drawing: Drawing, font: Font, words: string, where: Where & { transform?: string }): void {
  const { x, y, size, fill, anchor = 'start', spacing = 0, opacity = 1, transform } = where;
  const wide = font.width(words, size, spacing) - spacing;
  const left = anchor === 'start' ? x : anchor === 'middle' ? x - wide / 2 : x - wide;
  const d = font.outline(words, left, y, size, spacing);
  if (d === '') return;
  drawing.add('path', {
    d,
    fill: css(fill),
    ...(opacity < 1 ? { 'fill-opacity': opacity } : undefined),
    ...(transform === undefined ? undefined : { transform }),
  });
}

/** The largest size, within both bounds, at which the words are no wider than `width`. */
export const sizeFor = (font: Font, words: string, width: number, most: number, least = 8): number =>
  Math.max(least, Math.min(most, Math.floor((100 * width) / Math.max(1, font.width(words, 100)))));

/** Words in lines no wider than `width`; at most `lines`, the last one cut with an ellipsis where it must be. */
export function wrapped(font: Font, words: string, size: number, width: number, lines: number): string[] {
  const out: string[] = [];
  let line = '';
  const parts = words.split(/\s+/u).filter((part) => part !== '');
  for (const [i, part] of parts.entries()) {
    const longer = line === '' ? part : `${line} ${part}`;
    if (font.width(longer, size) <= width) {
      line = longer;
      continue;
    }
    if (line !== '') out.push(line);
    if (out.length === lines) {
      out[lines - 1] = cut(font, `${out[lines - 1] ?? ''} ${parts.slice(i).join(' ')}`, size, width);
      return out;
    }
    line = font.width(part, size) <= width ? part : cut(font, part, size, width);
  }
  if (line !== '') out.push(line);
  return out.slice(0, lines);
}

/** As many characters as fit, with an ellipsis when some did not. */
export function cut(font: Font, words: string, size: number, width: number): string {
  if (font.width(words, size) <= width) return words;
  let kept = '';
  const room = width - font.width('…', size);
  let used = 0;
  for (const character of words) {
    used += font.width(character, size);
    if (used > room) break;
    kept += character;
  }
  return `${kept.trimEnd()}…`;
}
