import type { Draws } from '#gallery/model';
import { type Colour, css } from '../../drawing/colour.ts';
import { between } from '../../drawing/numbers.ts';
import { Path, type Point } from '../../drawing/path.ts';
import type { Drawing } from '../../drawing/svg.ts';
import { lexicon } from '../../words/prompt.ts';

export type Motif = 'star' | 'knot' | 'leaf' | 'wave' | 'petal' | 'flag' | 'shard' | 'dot';
export const motifs = lexicon<Motif>({
  star: 'star stars zellige mosaic rosette broken_star girih compass snowflake',
  knot: 'knot border_knot knot_border strap weave woven braid rope lattice',
  leaf: 'leaf leaves fern vine plant botanical garden moss branch olive',
  wave: 'wave waves scallop sea fish_scale scale ripple tide shell',
  petal: 'petal flower floral bloom blossom tulip daisy lily',
  flag: 'flag flags signal semaphore code sign bracket hatch hatch_mark chevron',
  shard: 'shard fragment half chip chipped broken tile triangle floor geometric angle',
  dot: 'dot dots bubble circle ring orbit bead pebble seed crumbs',
});

/** What a motif draws with: a domain of `size` by `size`, or the triangle below its diagonal when `angle` is given. */
export type Domain = {
  drawing: Drawing;
  draws: Draws;
  size: number;
  inks: readonly Colour[];
  ink: Colour;
  paper: Colour;
};

const put = (domain: Domain, path: Path, colour: Colour, opacity = 1): void =>
  domain.drawing.add('path', {
    d: path.d,
    fill: css(colour),
    ...(opacity < 1 ? { 'fill-opacity': opacity } : undefined),
  });
const trace = (domain: Domain, path: Path, colour: Colour, width: number): void =>
  domain.drawing.add('path', {
    d: path.d,
    fill: 'none',
    stroke: css(colour),
    'stroke-width': width,
    'stroke-linejoin': 'round',
    'stroke-linecap': 'round',
  });

/**
 * In a triangle with the angle `angle` (radians) at the origin, one leg along x: everything is hung on the two mirrors
 * through a corner, so that the copies close into stars, rosettes and flowers around it.
 */
export function rosette(domain: Domain, motif: Motif, angle: number): void {
  const { draws, size, inks, ink, paper } = domain;
  const far: Point = [size, size * Math.tan(angle)];
  const order = draws.shuffled([...inks, paper]);
  const layers = draws.whole(4, 6);
  const colourOf = (i: number): Colour => order[i % order.length] ?? ink;
  corner(domain, motif, [0, 0], 0, angle, size * 1.02, layers, colourOf);
  // The far corner is a centre of its own, of lower order: angle to the vertical leg there.
  const reach = size * between(0.34, 0.5, draws.next());
  corner(domain, motif, far, angle - Math.PI, -Math.PI / 2, reach, 3, (i) => colourOf(i + 2));
  corner(domain, motif, [size, 0], Math.PI / 2, Math.PI, size * between(0.16, 0.3, draws.next()), 2, (i) =>
    colourOf(i + 1),
  );
}

function corner(
  domain: Domain,
  motif: Motif,
  at: Point,
  from: number,
  to: number,
  reach: number,
  layers: number,
  colourOf: (i: number) => Colour,
): void {
  const { draws, ink, size } = domain;
  const polar = (angle: number, r: number): Point => [at[0] + Math.cos(angle) * r, at[1] + Math.sin(angle) * r];
  const middle = (from + to) / 2;
  const line = size * 0.016;
  let outer = reach;
  for (let layer = 0; layer < layers; layer++) {
    const r = outer;
    outer *= between(0.56, 0.8, draws.next());
    const path = new Path();
    if (motif === 'dot' || (motif === 'wave' && layer % 2 === 0)) {
      path
        .to(...at)
        .line(...polar(from, r))
        .arc(r, r, ...polar(to, r), 0, from < to ? 1 : 0)
        .close();
    } else if (motif === 'petal' || motif === 'leaf') {
      const lean = layer % 2 === 0 ? from : to;
      const wide = (to - from) * (motif === 'leaf' ? 0.62 : 0.95);
      const side = lean === from ? wide : -wide;
      path
        .to(...at)
        .quad(...polar(lean + side, r * 0.72), ...polar(lean, r))
        .close();
    } else {
      const dip = between(0.42, 0.82, draws.next());
      const first = layer % 2 === 0;
      path
        .to(...at)
        .line(...polar(from, first ? r : r * dip))
        .line(...polar(middle, motif === 'star' ? r * between(0.6, 0.92, dip) : r * dip))
        .line(...polar(to, first ? r * dip : r))
        .close();
    }
    put(domain, path, colourOf(layer));
    if (motif === 'knot' || motif === 'star')
      trace(domain, path, motif === 'knot' ? domain.paper : ink, line * (motif === 'knot' ? 2.2 : 0.8));
    if (motif === 'leaf')
      trace(domain, new Path().to(...at).line(...polar(layer % 2 === 0 ? from : to, r * 0.8)), domain.paper, line);
  }
}

/** For square domains without mirrors: shapes that swing from edge to edge. */
export function plain(domain: Domain, motif: Motif): void {
  const { size: s, draws, inks, ink, paper } = domain;
  const [a, b, c, d] = draws.shuffled(inks) as [Colour, Colour, Colour, Colour];
  if (motif === 'wave') {
    for (const [y, shift] of [
      [1.5, 0],
      [1, 0.5],
      [0.5, 0],
      [0, 0.5],
    ] as const)
      for (const x of [shift - 0.5, shift + 0.5]) {
        for (const [i, r] of [0.5, 0.39, 0.28, 0.17, 0.08].entries())
          put(domain, new Path().circle(x * s, (y - 0.01) * s, r * s), [a, paper, b, paper, c][i] ?? a);
      }
    return;
  }
  if (motif === 'leaf') {
    trace(domain, new Path().to(0, s).cubic(s * 0.3, s * 0.7, s * 0.7, s * 0.3, s, 0), ink, s * 0.018);
    for (let i = 0; i < 6; i++) {
      const at = (i + 0.6) / 6.6;
      const [x, y] = [at * s, (1 - at) * s];
      const side = i % 2 === 0 ? 1 : -1;
      const r = s * between(0.2, 0.32, draws.next());
      const [tx, ty] = [x + side * r * 0.95 + r * 0.2, y + side * r * 0.62 - r * 0.34];
      const leaf = new Path()
        .to(x, y)
        .quad(x + side * r * 0.1 + r * 0.4, y - r * 0.5, tx, ty)
        .quad(x + side * r * 0.9 - r * 0.1, y + side * r * 0.8, x, y)
        .close();
      put(domain, leaf, [a, b, c][i % 3] ?? a);
      trace(domain, new Path().to(x, y).line(x + (tx - x) * 0.75, y + (ty - y) * 0.75), paper, s * 0.01);
    }
    put(
      domain,
      new Path()
        .circle(s * 0.16, s * 0.2, s * 0.05)
        .circle(s * 0.84, s * 0.82, s * 0.05)
        .circle(s * 0.27, s * 0.11, s * 0.026)
        .circle(s * 0.73, s * 0.9, s * 0.026),
      d,
    );
    return;
  }
  if (motif === 'knot') {
    for (const [wide, colour] of [
      [0.26, ink],
      [0.215, a],
      [0.1, paper],
      [0.065, b],
    ] as const)
      trace(
        domain,
        new Path()
          .to(0, s * 0.5)
          .quad(s * 0.5, s * 0.5, s * 0.5, 0)
          .to(s, s * 0.5)
          .quad(s * 0.5, s * 0.5, s * 0.5, s),
        colour,
        s * wide,
      );
    put(domain, new Path().circle(s * 0.02, s * 0.02, s * 0.14).circle(s * 0.98, s * 0.98, s * 0.14), c);
    put(domain, new Path().circle(s * 0.02, s * 0.02, s * 0.06).circle(s * 0.98, s * 0.98, s * 0.06), paper);
    return;
  }
  if (motif === 'flag') return flag(domain, draws.whole(0, 8));
  if (motif === 'dot') {
    for (const [x, y, r] of [
      [0.28, 0.3, 0.22],
      [0.76, 0.7, 0.18],
      [0.78, 0.22, 0.1],
      [0.22, 0.8, 0.12],
    ] as const) {
      put(domain, new Path().circle(x * s, y * s, r * s), [a, b, c, d][Math.round(r * 100) % 4] ?? a);
      put(domain, new Path().circle(x * s, y * s, r * s * 0.62), paper);
      put(domain, new Path().circle(x * s, y * s, r * s * 0.34), [b, c, d, a][Math.round(r * 100) % 4] ?? b);
    }
    return;
  }
  if (motif === 'petal') {
    for (const [i, colour] of [a, b].entries()) {
      const r = i === 0 ? 1 : 0.62;
      put(
        domain,
        new Path()
          .to(0, 0)
          .arc(s * r, s * r, s * r, s * r, 0, 1)
          .arc(s * r, s * r, 0, 0, 0, 1)
          .close(),
        colour,
      );
    }
    put(
      domain,
      new Path()
        .to(s, 0)
        .arc(s * 0.42, s * 0.42, s * 0.58, s * 0.42, 0, 0)
        .arc(s * 0.42, s * 0.42, s, 0, 0, 0)
        .close(),
      c,
    );
    put(domain, new Path().circle(0, 0, s * 0.17).circle(s, s, s * 0.12), d);
    return;
  }
  // Shards, and stars without mirrors: the square cut by a few straight lines.
  const x = s * between(0.3, 0.7, draws.next());
  const y = s * between(0.3, 0.7, draws.next());
  const rim: readonly Point[] = [
    [0, 0],
    [s * between(0.3, 0.7, draws.next()), 0],
    [s, 0],
    [s, s * between(0.3, 0.7, draws.next())],
    [s, s],
    [s * between(0.3, 0.7, draws.next()), s],
    [0, s],
    [0, s * between(0.3, 0.7, draws.next())],
  ];
  const order = [a, paper, b, c, paper, d, a, b];
  for (const [i, point] of rim.entries()) {
    const next = rim[(i + 1) % rim.length] ?? point;
    put(domain, new Path().polygon([point, next, [x, y]]), order[i] ?? a);
  }
  const inner = rim.map(([px, py]): Point => [x + (px - x) * 0.36, y + (py - y) * 0.36]);
  put(domain, new Path().polygon(inner), motif === 'star' ? ink : c);
  put(domain, new Path().circle(x, y, s * 0.07), paper);
}

/** Signal flags of our own invention: bars, crosses, borders, quarters. */
export function flag(domain: Domain, kind: number): void {
  const { size: s, draws, inks, ink, paper } = domain;
  const [a, b, c] = draws.shuffled([...inks, ink]) as [Colour, Colour, Colour];
  const [x, y, w, h] = [s * 0.1, s * 0.14, s * 0.8, s * 0.72];
  const box = (fx: number, fy: number, fw: number, fh: number): Path =>
    new Path().box(x + fx * w, y + fy * h, fw * w, fh * h);
  put(domain, box(0, 0, 1, 1), a);
  if (kind === 0) put(domain, box(0, 0, 0.5, 1), b);
  else if (kind === 1) put(domain, box(0, 1 / 3, 1, 1 / 3), paper);
  else if (kind === 2)
    put(
      domain,
      new Path().polygon([
        [x, y],
        [x + w, y],
        [x, y + h],
      ]),
      b,
    );
  else if (kind === 3) put(domain, box(0.28, 0.28, 0.44, 0.44), paper);
  else if (kind === 4) put(domain, box(0.4, 0, 0.2, 1).box(x, y + h * 0.4, w, h * 0.2), paper);
  else if (kind === 5) put(domain, box(0, 0, 0.5, 0.5).box(x + w / 2, y + h / 2, w / 2, h / 2), b);
  else if (kind === 6) put(domain, new Path().circle(x + w / 2, y + h / 2, h * 0.28), paper);
  else if (kind === 7) {
    put(
      domain,
      new Path().polygon([
        [x, y],
        [x + w, y + h / 2],
        [x, y + h],
      ]),
      b,
    );
    put(
      domain,
      new Path().polygon([
        [x, y + h * 0.3],
        [x + w * 0.42, y + h / 2],
        [x, y + h * 0.7],
      ]),
      c,
    );
  } else for (const i of [0, 1, 2]) put(domain, box(i / 3, 0, 1 / 6, 1), paper);
}
