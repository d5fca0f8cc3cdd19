import { type Colour, colourName, css, lch, mix, readableOn } from '../../drawing/colour.ts';
import { type Palette, paletteOf } from '../../drawing/palettes.ts';
import { Path } from '../../drawing/path.ts';
import type { Family, Sketch } from '../../drawing/sketch.ts';
import { Drawing } from '../../drawing/svg.ts';
import type { Font } from '../../type/font.ts';
import { bold, plain, serif } from '../../type/fonts.ts';
import { cut, headline, label, sizeFor } from '../../type/set.ts';
import { sentence } from '../../words/sentence.ts';
import { painters, type Shape } from './shapes.ts';
import { type Billing, billingOf } from './words.ts';

const [width, height] = [800, 1000];
const margin = 56;
type Plan = 'foot' | 'head' | 'band' | 'tower';

/** One loud shape, one headline, and the small print on the same margins. */
export const poster: Family = ({ draws, prompt }) => {
  const palette = paletteOf(prompt, draws, { bright: 5, dark: 4, warm: 4 });
  const billing = billingOf(prompt, draws, [bold, serif]);
  const drawing = new Drawing(width, height);
  const ground = draws.weighted({ paper: 5, tint: 3, ink: 2 });
  const on: Colour =
    ground === 'paper'
      ? palette.paper
      : ground === 'tint'
        ? draws.pick(palette.inks)
        : palette.mood === 'dark'
          ? palette.paper
          : palette.ink;
  const shape = shapeOf(
    billing,
    draws.weighted<Shape>({
      rings: 3,
      sunburst: 3,
      blocks: 3,
      waves: 3,
      halftone: 2,
      arches: 3,
      vinyl: 1,
      stripes: 2,
    }) ?? 'rings',
    draws.chance(0.55),
  );
  const plan =
    shape === 'blocks' || shape === 'halftone'
      ? draws.pick(['foot', 'band', 'head'] as const)
      : draws.pick(['foot', 'head', 'foot', 'tower'] as const);
  drawing.add('rect', { width, height, fill: css(on) });
  const type = typeOf(billing, plan, draws.chance(0.6) ? bold : serif);
  const clip = drawing.id();
  const [top, bottom] = type.field;
  drawing.within('clipPath', { id: clip }, () => drawing.add('rect', { x: 0, y: top, width, height: bottom - top }));
  let thing = '';
  drawing.within('g', { 'clip-path': `url(#${clip})` }, () => {
    thing = painters[shape]({ drawing, draws, palette, ground: on, x: 0, y: top, width, height: bottom - top });
  });
  const words = setWords(drawing, palette, on, billing, plan, type);
  return {
    drawing,
    facts: [
      { kind: 'word', text: billing.title },
      { kind: 'thing', text: thing },
      { kind: 'word', text: billing.line.toLowerCase() },
      { kind: 'place', text: billing.where },
      { kind: 'time', text: billing.when },
      ...(billing.soldOut ? ([{ kind: 'word', text: 'sold out' }] as const) : []),
      { kind: 'colour', text: `${colourName(on)} ground` },
    ],
    alt: sentence(`A poster for ${billing.title}: ${thing} on ${colourName(on)}, ${billing.when.split(',')[0] ?? ''}`),
    palette: [on, ...palette.inks, palette.ink],
    words,
  } satisfies Sketch;
};

function shapeOf(billing: Billing, chance: Shape, follow: boolean): Shape {
  if (billing.event === 'supper' && follow) return 'steam';
  if (billing.event === 'concert' && follow && chance === 'stripes') return 'vinyl';
  return chance;
}

/** One to three lines of about the same weight. */
function linesOf(title: string): string[] {
  const words = title.split(/\s+/u);
  if (words.length === 1) return words;
  const lines = Math.min(3, words.length, title.length > 22 ? 3 : 2);
  const target = title.length / lines;
  const out: string[] = [''];
  for (const [i, word] of words.entries()) {
    const last = out.at(-1) ?? '';
    const left = words.length - i;
    const full = last.length > 0 && last.length + word.length / 2 > target;
    if (last !== '' && (full || left < lines - out.length + 1) && out.length < lines) out.push(word);
    else out[out.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return out;
}

/** The headline in its lines, and the stretch of the sheet that it leaves to the shapes. */
type Type = {
  face: Font;
  lines: readonly string[];
  size: number;
  step: number;
  first: number;
  field: readonly [number, number];
};
const wide = width - 2 * margin;
const footTop = height - 104;

function typeOf(billing: Billing, plan: Plan, face: Font): Type {
  const title = face === bold ? billing.title.toUpperCase() : billing.title;
  const tower = plan === 'tower';
  const lines = tower ? [title] : linesOf(title);
  const most = tower ? 92 : plan === 'band' ? 122 : 150;
  const size = Math.min(...lines.map((line) => sizeFor(face, line, wide, most, 16)), Math.floor(330 / lines.length));
  const step = Math.round(size * (face === bold ? 0.96 : 1.02));
  const block = step * (lines.length - 1);
  const cap = size * 0.72;
  if (plan === 'foot') {
    const first = footTop - 44 - block;
    return { face, lines, size, step, first, field: [0, first - cap - 40] };
  }
  if (plan === 'band') {
    const first = 480 - block / 2;
    return { face, lines, size, step, first, field: [0, footTop] };
  }
  const first = margin + cap + 6;
  return { face, lines, size, step, first, field: [first + block + 78, tower ? footTop - 14 : footTop] };
}

function setWords(drawing: Drawing, palette: Palette, on: Colour, billing: Billing, plan: Plan, type: Type): string[] {
  const { face, lines, size, step, first } = type;
  const light = palette.mood === 'dark' ? palette.ink : palette.paper;
  const dark = palette.mood === 'dark' ? palette.paper : palette.ink;
  const ink = readableOn(on, mix(light, lch(0.99, 0.005, light.h), 0.3), dark);
  const last = first + step * (lines.length - 1);
  const said: string[] = [];
  if (plan === 'band')
    drawing.add('rect', {
      x: 0,
      y: first - size * 0.72 - 56,
      width,
      height: last - first + size * 0.72 + 144,
      fill: css(on),
    });
  for (const [i, line] of lines.entries()) {
    const spacing = face === bold ? Math.round(size * -1.5) / 100 : 0;
    headline(drawing, face, cut(face, line, size, wide + 4), {
      x: margin - size * 0.04,
      y: first + i * step,
      size,
      fill: ink,
      spacing,
    });
    said.push(line);
  }
  const small = (words: string, x: number, y: number, anchor: 'start' | 'end'): void => {
    label(drawing, plain, words, { x, y, size: 24, fill: ink, anchor });
    said.push(words);
  };
  drawing.add('path', { d: new Path().box(margin, footTop + 4, wide, 3).d, fill: css(ink) });
  if (plan === 'foot') small(billing.line, margin, footTop + 40, 'start');
  else small(billing.line, margin, last + 46, 'start');
  small(billing.when, margin, footTop + (plan === 'foot' ? 72 : 52), 'start');
  small(billing.where, width - margin, footTop + (plan === 'foot' ? 72 : 52), 'end');
  if (billing.soldOut) stamp(drawing, on, palette, plan === 'foot' ? 110 : footTop - 110, said);
  return said;
}

function stamp(drawing: Drawing, on: Colour, palette: Palette, y: number, said: string[]): void {
  const red = mix(palette.inks[0], lch(0.6, 0.22, 28), 0.7);
  drawing.within('g', { transform: `rotate(-12 640 ${Math.round(y)})` }, () => {
    drawing.add('rect', {
      x: 520,
      y: y - 38,
      width: 236,
      height: 76,
      fill: css(red),
      stroke: css(on),
      'stroke-width': 6,
      rx: 8,
    });
    headline(drawing, bold, 'SOLD OUT', {
      x: 638,
      y: y + 15,
      size: 40,
      fill: readableOn(red, lch(0.99, 0.01, 90), lch(0.15, 0.02, 90)),
      anchor: 'middle',
      spacing: 1,
    });
  });
  said.push('SOLD OUT');
}
