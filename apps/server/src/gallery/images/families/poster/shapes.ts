import type { Draws } from '#gallery/model';
import { type Colour, css, mix } from '../../drawing/colour.ts';
import { between, turn } from '../../drawing/numbers.ts';
import type { Palette } from '../../drawing/palettes.ts';
import { Path, type Point } from '../../drawing/path.ts';
import type { Drawing } from '../../drawing/svg.ts';

/** A field to be filled with shapes, and what to call what was drawn there. */
type Field = {
  drawing: Drawing;
  draws: Draws;
  palette: Palette;
  ground: Colour;
  x: number;
  y: number;
  width: number;
  height: number;
};
type Painter = (field: Field) => string;

const put = ({ drawing }: Field, path: Path, colour: Colour, opacity = 1): void =>
  drawing.add('path', { d: path.d, fill: css(colour), ...(opacity < 1 ? { 'fill-opacity': opacity } : undefined) });
/** The four colours, those that vanish on the ground left out. */
const seen = ({ palette, ground, draws }: Field): Colour[] =>
  draws.shuffled(
    [...palette.inks, palette.ink, palette.paper].filter(
      ({ l, c, h }) =>
        Math.abs(l - ground.l) + Math.abs(c - ground.c) + Math.abs(((h - ground.h + 540) % 360) - 180) / 720 > 0.2,
    ),
  );

const rings: Painter = (field) => {
  const { x, y, width, height, draws } = field;
  const colours = seen(field);
  const [cx, cy] = [x + width * draws.pick([0.22, 0.5, 0.78, 0.66]), y + height * draws.pick([0.4, 0.5, 0.62])];
  const count = draws.whole(5, 9);
  const most = Math.max(width, height) * between(0.5, 0.78, draws.next());
  for (let i = 0; i < count; i++)
    put(
      field,
      new Path().circle(cx, cy, most * (1 - i / count)),
      i % 2 === 0 ? (colours[(i / 2) % 3] ?? colours[0] ?? field.palette.ink) : field.ground,
    );
  put(field, new Path().circle(cx, cy, most * 0.09), colours[3] ?? field.palette.ink);
  return 'concentric rings';
};

const sunburst: Painter = (field) => {
  const { x, y, width, height, draws } = field;
  const colours = seen(field);
  const [cx, cy] = [x + width * draws.pick([0.5, 0.5, 0.2, 0.8]), y + height * draws.pick([0.62, 0.8, 1])];
  const count = draws.pick([18, 24, 32]);
  const path = new Path();
  for (let i = 0; i < count; i++) {
    const [from, to] = [(i / count) * turn, ((i + 0.5) / count) * turn];
    path.polygon([
      [cx, cy],
      [cx + Math.cos(from) * 1400, cy + Math.sin(from) * 1400],
      [cx + Math.cos(to) * 1400, cy + Math.sin(to) * 1400],
    ]);
  }
  put(field, path, colours[0] ?? field.palette.ink);
  const r = width * between(0.2, 0.3, draws.next());
  put(field, new Path().circle(cx, cy, r * 1.22), field.ground);
  put(field, new Path().circle(cx, cy, r), colours[1] ?? field.palette.ink);
  put(field, new Path().circle(cx, cy, r * 0.62), colours[2] ?? field.palette.ink);
  return 'sunburst';
};

const blocks: Painter = (field) => {
  const { x, y, width, height, draws } = field;
  const colours = seen(field);
  const columns = draws.whole(3, 5);
  const s = width / columns;
  const rows = Math.ceil(height / s);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const [bx, by] = [x + column * s, y + row * s];
      const [a, b] = draws.shuffled(colours) as [Colour, Colour];
      const kind = draws.whole(0, 7);
      if (kind < 6) put(field, new Path().box(bx, by, s + 0.5, s + 0.5), a);
      if (kind === 0)
        put(
          field,
          new Path()
            .to(bx, by)
            .line(bx + s, by)
            .arc(s, s, bx, by + s, 0, 1)
            .close(),
          b,
        );
      else if (kind === 1)
        put(
          field,
          new Path()
            .to(bx + s, by + s)
            .line(bx, by + s)
            .arc(s, s, bx + s, by, 0, 1)
            .close(),
          b,
        );
      else if (kind === 2) put(field, new Path().circle(bx + s / 2, by + s / 2, s * 0.42), b);
      else if (kind === 3)
        put(
          field,
          new Path().polygon([
            [bx, by + s],
            [bx + s, by],
            [bx + s, by + s],
          ]),
          b,
        );
      else if (kind === 4)
        put(
          field,
          new Path()
            .to(bx, by + s / 2)
            .arc(s / 2, s / 2, bx + s, by + s / 2, 0, 1)
            .close()
            .to(bx, by + s)
            .arc(s / 2, s / 2, bx + s, by + s, 0, 1)
            .close(),
          b,
        );
      else if (kind === 5) for (let i = 0; i < 4; i++) put(field, new Path().box(bx, by + (i * s) / 4, s, s / 8), b);
      else if (kind === 6)
        for (let i = 0; i < 9; i++)
          put(
            field,
            new Path().circle(bx + s * (0.2 + 0.3 * (i % 3)), by + s * (0.2 + 0.3 * Math.floor(i / 3)), s * 0.07),
            a,
          );
    }
  return 'grid of blocks';
};

const waves: Painter = (field) => {
  const { x, y, width, height, draws } = field;
  const colours = seen(field);
  const sun = Math.min(width, height) * between(0.2, 0.3, draws.next());
  put(
    field,
    new Path().circle(x + width * draws.pick([0.3, 0.5, 0.7]), y + height * 0.34, sun),
    colours[3] ?? field.palette.ink,
  );
  const bands = draws.whole(5, 8);
  const phase = draws.next() * 6;
  const long = draws.pick([150, 200, 266]);
  for (let i = 0; i < bands; i++) {
    const top = y + height * between(0.38, 0.94, i / bands);
    const swing = between(16, 44, draws.next());
    const line = Array.from(
      { length: 19 },
      (_, k): Point => [
        x - 20 + (k / 18) * (width + 40),
        top + Math.sin(((k / 18) * width) / long + phase + i * 0.8) * swing,
      ],
    );
    put(
      field,
      new Path()
        .through(line)
        .line(x + width + 20, y + height)
        .line(x - 20, y + height)
        .close(),
      i % 2 === 0
        ? (colours[(i / 2) % 3] ?? field.palette.ink)
        : mix(colours[((i - 1) / 2) % 3] ?? field.palette.ink, field.palette.paper, 0.35),
    );
  }
  return 'rolling waves';
};

const halftone: Painter = (field) => {
  const { x, y, width, height, draws, drawing, ground } = field;
  const colours = seen(field).toSorted((a, b) => Math.abs(b.l - ground.l) - Math.abs(a.l - ground.l));
  const step = draws.pick([40, 50, 57]);
  const [fx, fy] = [x + width * draws.pick([0.2, 0.5, 0.8]), y + height * draws.pick([0.25, 0.5, 0.75])];
  const reach = Math.hypot(width, height) * between(0.5, 0.75, draws.next());
  // Dots of one size are one path of points with round ends: a tenth of the bytes of circles.
  const sizes = 14;
  const paths = Array.from({ length: sizes }, () => new Path());
  for (let row = 0; row * step < height + step; row++)
    for (let column = 0; column * step < width + step; column++) {
      const [px, py] = [x + column * step + (row % 2) * step * 0.5, y + row * step];
      const share = 1 - Math.hypot(px - fx, py - fy) / reach;
      if (share > 0.06) paths[Math.min(sizes - 1, Math.floor(share * sizes))]?.to(px, py).right(0.1);
    }
  for (const [i, path] of paths.entries())
    if (path.d !== '')
      drawing.add('path', {
        d: path.d,
        fill: 'none',
        stroke: css(mix(colours[1] ?? field.palette.ink, colours[0] ?? field.palette.ink, i / sizes)),
        'stroke-width': (step * 1.16 * (i + 1)) / sizes,
        'stroke-linecap': 'round',
      });
  return 'halftone dots';
};

const arches: Painter = (field) => {
  const { x, y, width, height, draws } = field;
  const colours = seen(field);
  const count = draws.whole(1, 3);
  for (let i = 0; i < count; i++) {
    const w = (width / count) * 0.94;
    const left = x + (width / count) * (i + 0.03);
    const layers = 5;
    const rise = between(0, height * 0.3, count === 1 ? 0.1 : draws.next());
    for (let k = 0; k < layers; k++) {
      const inset = (w / 2) * (k / layers);
      const r = w / 2 - inset;
      const top = y + rise + inset + r;
      put(
        field,
        new Path()
          .to(left + inset, y + height)
          .line(left + inset, top)
          .arc(r, r, left + w - inset, top, 0, 1)
          .line(left + w - inset, y + height)
          .close(),
        k === layers - 1 ? field.ground : (colours[(k + i) % Math.min(4, colours.length)] ?? field.palette.ink),
      );
    }
  }
  return count === 1 ? 'nested arch' : 'nested arches';
};

const vinyl: Painter = (field) => {
  const { x, y, width, height, draws, drawing, palette } = field;
  const colours = seen(field);
  const [cx, cy, r] = [x + width * draws.pick([0.5, 0.86, 0.14]), y + height * 0.52, Math.min(width, height) * 0.58];
  const black = palette.mood === 'dark' ? (colours[0] ?? palette.ink) : palette.ink;
  put(field, new Path().circle(cx, cy, r), black);
  const grooves = new Path();
  for (let i = 0; i < 11; i++) grooves.circle(cx, cy, r * (0.42 + i * 0.052));
  drawing.add('path', { d: grooves.d, fill: 'none', stroke: css(mix(black, field.ground, 0.35)), 'stroke-width': 1.6 });
  for (const angle of [0.6, 3.74])
    put(
      field,
      new Path()
        .to(cx, cy)
        .line(cx + Math.cos(angle) * r, cy + Math.sin(angle) * r)
        .arc(r, r, cx + Math.cos(angle + 0.34) * r, cy + Math.sin(angle + 0.34) * r, 0, 1)
        .close(),
      mix(black, palette.mood === 'dark' ? palette.ink : palette.paper, 0.5),
      0.3,
    );
  put(field, new Path().circle(cx, cy, r * 0.36), colours[1] ?? field.ground);
  put(field, new Path().circle(cx, cy, r * 0.24), colours[2] ?? field.ground);
  put(field, new Path().circle(cx, cy, r * 0.035), field.ground);
  return 'vinyl record';
};

const stripes: Painter = (field) => {
  const { x, y, width, height, draws, drawing } = field;
  const colours = seen(field);
  const id = drawing.id();
  const [cx, cy, r] = [
    x + width * between(0.4, 0.6, draws.next()),
    y + height * 0.5,
    Math.min(width, height) * between(0.38, 0.47, draws.next()),
  ];
  drawing.within('clipPath', { id }, () => drawing.add('circle', { cx, cy, r }));
  put(field, new Path().circle(cx + r * 0.22, cy + r * 0.2, r), colours[2] ?? field.palette.ink);
  drawing.within('g', { 'clip-path': `url(#${id})` }, () => {
    drawing.add('rect', {
      x: cx - r,
      y: cy - r,
      width: 2 * r,
      height: 2 * r,
      fill: css(colours[0] ?? field.palette.ink),
    });
    const path = new Path();
    for (let i = 0; i < 9; i++)
      path.polygon([
        [cx - r, cy - r + i * r * 0.44 - r],
        [cx + r, cy - r + i * r * 0.44],
        [cx + r, cy - r + i * r * 0.44 + r * 0.2],
        [cx - r, cy - r + i * r * 0.44 - r * 0.8],
      ]);
    put(field, path, colours[1] ?? field.ground);
  });
  return 'striped disc';
};

const steam: Painter = (field) => {
  const { x, y, width, height, draws, drawing } = field;
  const colours = seen(field);
  const [cx, base] = [x + width * 0.5, y + height * 0.92];
  const w = width * 0.36;
  for (let i = 0; i < 5; i++) {
    const sx = cx + (i - 2) * w * 0.34;
    const tall = height * between(0.36, 0.56, draws.next());
    const line = Array.from(
      { length: 7 },
      (_, k): Point => [sx + Math.sin(k * 1.25 + i) * 30, base - w * 0.56 - (k / 6) * tall],
    );
    drawing.add('path', {
      d: new Path().through(line).d,
      fill: 'none',
      stroke: css(colours[1 + (i % 2)] ?? field.palette.ink),
      'stroke-width': 24,
      'stroke-linecap': 'round',
    });
  }
  put(
    field,
    new Path()
      .to(cx - w, base - w * 0.5)
      .line(cx + w, base - w * 0.5)
      .cubic(cx + w * 0.92, base + w * 0.1, cx + w * 0.5, base + w * 0.16, cx, base + w * 0.16)
      .cubic(cx - w * 0.5, base + w * 0.16, cx - w * 0.92, base + w * 0.1, cx - w, base - w * 0.5)
      .close(),
    colours[0] ?? field.palette.ink,
  );
  put(field, new Path().box(cx - w * 1.1, base - w * 0.56, w * 2.2, w * 0.12), colours[3] ?? field.palette.ink);
  return 'steaming bowl';
};

export const painters = { rings, sunburst, blocks, waves, halftone, arches, vinyl, stripes, steam } satisfies Record<
  string,
  Painter
>;
export type Shape = keyof typeof painters;
