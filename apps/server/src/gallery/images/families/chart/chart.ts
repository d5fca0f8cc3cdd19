import { type Colour, css, lch, mix, readableOn } from '../../drawing/colour.ts';
import { paletteOf } from '../../drawing/palettes.ts';
import type { Family } from '../../drawing/sketch.ts';
import { Drawing } from '../../drawing/svg.ts';
import type { Font } from '../../type/font.ts';
import { bold, plain, serif } from '../../type/fonts.ts';
import { headline, label, wrapped } from '../../type/set.ts';
import { sentence } from '../../words/sentence.ts';
import { type Figures, figuresOf, type Kind, wholeNames } from './figures.ts';
import { margin, painters, type Sheet, size } from './marks.ts';

const kindWords: Readonly<Record<Kind, string>> = {
  bar: 'bar chart',
  rows: 'ranked bars',
  line: 'line chart',
  area: 'stacked areas',
  dot: 'dot chart',
  donut: 'donut chart',
};

/** One chart with a title that says what is counted, and one thing in it that the eye should find first. */
export const chart: Family = ({ draws, prompt }) => {
  const palette = paletteOf(prompt, draws);
  const figures = figuresOf(prompt, draws, [plain, bold, serif]);
  const drawing = new Drawing(size, size);
  const ground =
    draws.chance(0.25) && palette.mood !== 'dark'
      ? mix(palette.ink, lch(0.2, 0.05, palette.inks[0].h), 0.3)
      : palette.paper;
  const ink = readableOn(
    ground,
    palette.mood === 'dark' ? palette.ink : palette.paper,
    palette.mood === 'dark' ? palette.paper : palette.ink,
  );
  const strong =
    [...palette.inks].toSorted((a, b) => Math.abs(b.l - ground.l) + b.c * 2 - Math.abs(a.l - ground.l) - a.c * 2)[0] ??
    ink;
  drawing.add('rect', { width: size, height: size, fill: css(ground) });
  const face = draws.chance(0.5) ? serif : bold;
  const said: string[] = [];
  const top = head(drawing, figures, face, ink, strong, said);
  const sheet: Sheet = {
    drawing,
    palette,
    figures,
    ground,
    ink,
    quiet: mix(ground, ink, 0.3),
    strong,
    left: margin + 26,
    right: size - margin,
    top: top + 50,
    bottom: size - 140,
    said,
  };
  const first = painters[figures.kind](sheet);
  label(drawing, plain, 'All figures are invented', {
    x: margin,
    y: size - 48,
    size: 19,
    fill: mix(ground, ink, 0.62),
  });
  said.push('All figures are invented');
  return {
    drawing,
    facts: [
      { kind: 'word', text: figures.title.toLowerCase() },
      { kind: 'thing', text: kindWords[figures.kind] },
      {
        kind: Object.values(wholeNames).includes(first.name) || first.name.endsWith("o'clock") ? 'time' : 'word',
        text: first.name.toLowerCase(),
      },
      { kind: 'number', text: first.value },
      ...figures.series
        .slice(0, figures.series.length > 1 ? 3 : 0)
        .map(({ name }) => ({ kind: 'word' as const, text: name })),
    ],
    alt: sentence(
      `A ${kindWords[figures.kind]} of ${figures.title.toLowerCase()} ${figures.span}; ${first.name} stands out at ${first.value}`,
    ),
    palette: [ground, strong, ink, ...palette.inks],
    words: said,
  };
};

function head(
  drawing: Drawing,
  { title, span }: Figures,
  face: Font,
  ink: Colour,
  strong: Colour,
  said: string[],
): number {
  drawing.add('rect', { x: margin, y: 70, width: 72, height: 10, fill: css(strong) });
  const lines = wrapped(face, title, 56, size - 2 * margin, 2);
  for (const [i, line] of lines.entries())
    headline(drawing, face, line, { x: margin, y: 146 + i * 62, size: 56, fill: ink });
  const y = 146 + (lines.length - 1) * 62 + 46;
  label(drawing, plain, span, { x: margin, y, size: 27, fill: ink, opacity: 0.72 });
  said.push(...lines, span);
  return y;
}
