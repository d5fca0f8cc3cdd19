import { type Colour, colourName, css, lch, mix } from '../../drawing/colour.ts';
import { linearAcross } from '../../drawing/paint.ts';
import { type Palette, paletteOf } from '../../drawing/palettes.ts';
import { Path } from '../../drawing/path.ts';
import type { Family } from '../../drawing/sketch.ts';
import { Drawing } from '../../drawing/svg.ts';
import { lexicon } from '../../words/prompt.ts';
import { sentence } from '../../words/sentence.ts';
import { type Code, codeOf, versionFor } from './code.ts';

const size = 1000;
type Frame = 'flags' | 'dots' | 'stars' | 'waves' | 'bricks';
const frames = lexicon<Frame>({
  flags: 'flag signal semaphore triangle bunting hatch',
  dots: 'dot bead seed bubble',
  stars: 'star tile zellige broken_star',
  waves: 'wave tide sea scallop',
  bricks: 'brick bracket block square',
});
const cells = lexicon<'round' | 'square' | 'linked'>({
  round: 'round dot soft bead',
  square: 'square hard plain',
  linked: 'linked line ribbon knot',
});
/** Blank modules around a code: without them no reader finds it. */
const quietModules = 4;

/** Whether a code can say it: something, and no more than version 10 holds. */
export const fitsCode = (url: string | undefined): url is string =>
  url !== undefined && url !== '' && versionFor(Buffer.byteLength(url)) !== undefined;

/** A code that says one address, on a light ground that readers need, framed by a pattern. */
export const qr: Family = ({ draws, prompt, url }) => {
  const code = codeOf(url ?? '');
  if (!code) throw new RangeError('a code needs an address of 1 to 213 bytes');
  const palette = paletteOf(prompt, draws, { dark: 1 });
  const drawing = new Drawing(size, size);
  const ground = mix(palette.mood === 'dark' ? palette.ink : palette.paper, lch(0.985, 0.008, 90), 0.5);
  const frame = prompt.find(frames) ?? draws.pick(['flags', 'dots', 'stars', 'waves', 'bricks'] as const);
  const cell = prompt.find(cells) ?? draws.pick(['round', 'square', 'linked'] as const);
  const inks = [deep(palette.inks[0]), deep(palette.inks[draws.whole(1, 3)] ?? palette.ink)] as const;
  const edge = Math.floor(760 / (code.side + 2 * quietModules));
  const wide = edge * (code.side + 2 * quietModules);
  const left = Math.round((size - wide) / 2);
  drawing.add('rect', {
    width: size,
    height: size,
    fill: css(mix(palette.inks[3], palette.mood === 'dark' ? palette.paper : palette.ink, 0.25)),
  });
  paintFrame(drawing, frame, palette, left);
  drawing.add('rect', { x: left, y: left, width: wide, height: wide, rx: edge * 2, fill: css(ground) });
  const at = left + quietModules * edge;
  const end = at + code.side * edge;
  const paint = linearAcross(
    drawing,
    [
      [0, inks[0]],
      [1, inks[1]],
    ],
    [at, at, end, end],
  );
  const d = modules(code, cell, at, edge).d;
  if (cell !== 'square')
    drawing.add('path', {
      d,
      fill: 'none',
      stroke: paint,
      'stroke-width': edge * (cell === 'round' ? 1.04 : 1),
      'stroke-linecap': 'round',
    });
  else drawing.add('path', { d, fill: paint });
  finders(drawing, code, at, edge, paint, ground, cell !== 'square');
  const tint = colourName(inks[0]);
  return {
    drawing,
    facts: [
      { kind: 'thing', text: 'scannable code' },
      { kind: 'thing', text: `${frameWords[frame]} frame` },
      { kind: 'colour', text: `${tint} modules` },
      { kind: 'number', text: `${code.side} modules a side` },
      { kind: 'thing', text: `${cell} modules` },
    ],
    alt: sentence(`A scannable code in ${tint}, drawn with ${cell} modules in a ${frameWords[frame]} frame`),
    palette: [ground, ...inks, ...palette.inks],
    words: [],
  };
};

const frameWords: Readonly<Record<Frame, string>> = {
  flags: 'signal flag',
  dots: 'dotted',
  stars: 'star tile',
  waves: 'wave',
  bricks: 'brick',
};

/** Dark enough for any reader: at least five times as dark as the ground. */
const deep = (ink: Colour): Colour => ({ ...ink, l: Math.min(ink.l, 0.38), c: Math.min(ink.c, 0.13) });

/** All dark modules but the finders: boxes, or lines to be drawn with round ends. */
function modules(code: Code, cell: 'round' | 'square' | 'linked', at: number, edge: number): Path {
  const path = new Path();
  const free = (x: number, y: number): boolean => code.dark(x, y) && !code.isFinder(x, y);
  for (let y = 0; y < code.side; y++)
    for (let x = 0; x < code.side; x++) {
      if (!free(x, y)) continue;
      let run = 1;
      if (cell !== 'round') while (x + run < code.side && free(x + run, y)) run++;
      const [px, py] = [at + x * edge, at + y * edge];
      if (cell === 'square') path.box(px, py, run * edge, edge);
      // A line with round ends is a dot when it has hardly any length; far fewer bytes than circles.
      else path.to(px + edge / 2, py + edge / 2).right((run - 1) * edge + 0.1);
      x += run - 1;
    }
  return path;
}

function finders(
  drawing: Drawing,
  { side }: Code,
  at: number,
  edge: number,
  paint: string,
  ground: Colour,
  soft: boolean,
): void {
  for (const [fx, fy] of [
    [0, 0],
    [side - 7, 0],
    [0, side - 7],
  ] as const) {
    const [x, y] = [at + fx * edge, at + fy * edge];
    const rx = (k: number): { rx?: number } => (soft ? { rx: edge * k } : {});
    // A gradient over the whole code would begin anew in each box, so these are cut from the same cloth.
    drawing.add('rect', { x, y, width: 7 * edge, height: 7 * edge, ...rx(1.2), fill: paint });
    drawing.add('rect', { x: x + edge, y: y + edge, width: 5 * edge, height: 5 * edge, ...rx(0.7), fill: css(ground) });
    drawing.add('rect', {
      x: x + 2 * edge,
      y: y + 2 * edge,
      width: 3 * edge,
      height: 3 * edge,
      ...rx(0.5),
      fill: paint,
    });
  }
}

function paintFrame(drawing: Drawing, frame: Frame, palette: Palette, band: number): void {
  const step = 1000 / Math.round(1000 / (band * 0.9));
  const paper = palette.mood === 'dark' ? palette.ink : palette.paper;
  const paths = [new Path(), new Path(), new Path()] as const;
  const count = Math.round(1000 / step);
  for (let row = 0; row < count; row++)
    for (let column = 0; column < count; column++) {
      if (row > 0 && row < count - 1 && column > 0 && column < count - 1) continue;
      const [x, y] = [column * step, row * step];
      const path = paths[(row + column) % 2] ?? paths[0];
      const [cx, cy, h] = [x + step / 2, y + step / 2, step * 0.42];
      if (frame === 'flags') {
        path.polygon([
          [x + step * 0.08, y + step * 0.08],
          [x + step * 0.92, y + step * 0.08],
          [x + step * 0.08, y + step * 0.92],
        ]);
        paths[2].polygon([
          [x + step * 0.92, y + step * 0.24],
          [x + step * 0.92, y + step * 0.92],
          [x + step * 0.24, y + step * 0.92],
        ]);
      } else if (frame === 'dots') {
        path.circle(cx, cy, h);
        paths[2].circle(cx, cy, h * 0.44);
      } else if (frame === 'stars') {
        path.polygon(
          Array.from(
            { length: 16 },
            (_, i) =>
              [
                cx + Math.cos((i * Math.PI) / 8) * h * (i % 2 === 0 ? 1.12 : 0.8),
                cy + Math.sin((i * Math.PI) / 8) * h * (i % 2 === 0 ? 1.12 : 0.8),
              ] as const,
          ),
        );
        paths[2].circle(cx, cy, h * 0.36);
      } else if (frame === 'waves') {
        path
          .to(x, y + step)
          .arc(step / 2, step / 2, x + step, y + step, 0, 1)
          .close();
        paths[2]
          .to(x + step * 0.26, y + step)
          .arc(step * 0.24, step * 0.24, x + step * 0.74, y + step, 0, 1)
          .close();
      } else {
        path.box(x + step * 0.06, y + step * 0.06, step * 0.88, step * 0.88);
        paths[2].box(x + step * 0.32, y + step * 0.32, step * 0.36, step * 0.36);
      }
    }
  // Rings of light in dark look like finders to a reader, so the marks inside are no lighter than what is around them.
  const inks = [
    palette.inks[0],
    palette.inks[1],
    frame === 'flags' || frame === 'waves' ? paper : mix(palette.inks[2], palette.inks[0], 0.35),
  ];
  for (const [i, path] of paths.entries()) drawing.add('path', { d: path.d, fill: css(inks[i] ?? paper) });
}
