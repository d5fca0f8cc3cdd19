import { type Colour, colourName, css, lch, mix } from '../../drawing/colour.ts';
import { between, fixed } from '../../drawing/numbers.ts';
import { type Palette, paletteOf } from '../../drawing/palettes.ts';
import { Path, type Point } from '../../drawing/path.ts';
import type { Family, Order } from '../../drawing/sketch.ts';
import { Drawing } from '../../drawing/svg.ts';
import { lexicon } from '../../words/prompt.ts';
import { counted, sentence } from '../../words/sentence.ts';
import { type Domain, flag, type Motif, motifs, plain, rosette } from './motifs.ts';

type Group = 'p1' | 'p2' | 'pm' | 'p4' | 'p4m' | 'p6m';
const groups = lexicon<Group>({
  p1: 'p1 repeat rows row',
  p2: 'p2 turned half_turn',
  pm: 'pm mirror mirrored reflected',
  p4: 'p4 pinwheel spin rotating quarter_turn',
  p4m: 'p4m square eightfold tile kaleidoscope',
  p6m: 'p6m hexagon hex sixfold honeycomb snowflake',
});
const scales = lexicon({ small: 'small tiny fine dense delicate', large: 'large big huge bold single' });
const groupWords: Readonly<Record<Group, string>> = {
  p1: 'repeated in rows',
  p2: 'turned by half',
  pm: 'mirrored across',
  p4: 'turned by quarters',
  p4m: 'mirrored eight ways',
  p6m: 'mirrored twelve ways',
};
const favourites: Readonly<Record<Motif, readonly Group[]>> = {
  star: ['p4m', 'p6m', 'p4m', 'p6m', 'p4'],
  knot: ['p4', 'p4m', 'p6m', 'p2'],
  leaf: ['pm', 'p2', 'p6m', 'p4m'],
  wave: ['p1', 'p4m', 'p6m', 'p1'],
  petal: ['p4', 'p6m', 'p4m', 'p2'],
  flag: ['p1', 'p1', 'p2'],
  shard: ['p4', 'p2', 'pm', 'p4m', 'p6m'],
  dot: ['p4m', 'p6m', 'p2', 'pm'],
};

/** One motif, and one of six wallpaper groups that repeats it to the edge. */
export const pattern: Family = ({ draws, prompt }) => {
  const palette = paletteOf(prompt, draws);
  const chance =
    draws.weighted<Motif>({ star: 4, knot: 2, leaf: 3, wave: 2, petal: 3, flag: 1, shard: 3, dot: 2 }) ?? 'star';
  const motif = prompt.find(motifs) ?? chance;
  const group = prompt.find(groups) ?? draws.pick(favourites[motif]);
  const drawing = new Drawing(1000, 1000);
  const order = { draws, prompt, seed: 0 };
  const size = sizeOf(order, group);
  const ground =
    palette.mood === 'dark' || draws.chance(0.6) ? palette.paper : lch(0.27, 0.055, draws.pick(palette.inks).h);
  const shown: Palette = ground === palette.paper ? palette : { ...palette, paper: ground, ink: palette.paper };
  drawing.add('rect', { width: 1000, height: 1000, fill: css(ground) });
  const across = motif === 'flag' ? paintFlags(drawing, order, shown) : tile(drawing, order, shown, motif, group, size);
  const broken = prompt.has('broken', 'fragment', 'missing', 'half', 'lost', 'chipped', 'rebuilt', 'rebuild');
  if (broken) paintLoss(drawing, order, shown);
  const named = colourName(shown.inks[0]);
  return {
    drawing,
    facts: [
      { kind: 'thing', text: `${motif} motif` },
      { kind: 'colour', text: `${named} ${motif}`.replace(/^(\S+ )?(.*)$/, '$1$2') },
      { kind: 'thing', text: groupWords[group] },
      { kind: 'number', text: counted('tile', across).replace(/^an? /, 'one ').concat(' across') },
      ...(broken ? ([{ kind: 'thing', text: 'missing corner' }] as const) : []),
      { kind: 'colour', text: `${colourName(ground)} ground` },
    ],
    alt: sentence(
      `A pattern of ${named} ${motif} motifs on ${colourName(ground)}, ${groupWords[group]}${broken ? ', with a corner missing' : ''}`,
    ),
    palette: [ground, ...shown.inks, shown.ink],
    words: [],
  };
};

function sizeOf({ draws, prompt }: Order, group: Group): number {
  const scale = prompt.find(scales);
  const counts = scale === 'small' ? [6, 8] : scale === 'large' ? [2, 3] : group === 'p6m' ? [2, 3, 4] : [3, 4, 5];
  return 1000 / draws.pick(counts);
}

/** Defines the tile once from copies of one domain, then lays it out over the sheet. */
function tile(drawing: Drawing, { draws }: Order, palette: Palette, motif: Motif, group: Group, size: number): number {
  const [domainId, tileId, clip] = [drawing.id(), drawing.id(), drawing.id()];
  const half = size / 2;
  const hex = group === 'p6m';
  const sector = hex ? Math.PI / 6 : Math.PI / 4;
  const domainSize = group === 'p1' || group === 'p2' || group === 'pm' ? size : half;
  const domain: Domain = {
    drawing,
    draws,
    size: domainSize,
    inks: palette.inks,
    ink: palette.ink,
    paper: palette.paper,
  };
  const mirrored = group === 'p4m' || hex;
  // Half a unit over the edge, so that no hairline of the ground shows between two copies.
  const edge: readonly Point[] = mirrored
    ? [
        [-0.6, -0.6],
        [half + 0.6, -0.6],
        [half + 0.6, half * Math.tan(sector) + 1],
      ]
    : group === 'p1' || group === 'p2' || group === 'pm'
      ? [
          [-0.4, -0.4],
          [size + 0.4, -0.4],
          [size + 0.4, size + 0.4],
          [-0.4, size + 0.4],
        ]
      : [
          [-0.4, -0.4],
          [half + 0.4, -0.4],
          [half + 0.4, half + 0.4],
          [-0.4, half + 0.4],
        ];
  drawing.within('defs', {}, () => {
    drawing.within('clipPath', { id: clip }, () => drawing.add('path', { d: new Path().polygon(edge).d }));
    drawing.within('g', { id: domainId, 'clip-path': `url(#${clip})` }, () => {
      if (mirrored) rosette(domain, motif, sector);
      else plain(domain, motif);
    });
    drawing.within('g', { id: tileId }, () => {
      for (const transform of copies(group, size))
        drawing.add('use', { href: `#${domainId}`, ...(transform === '' ? undefined : { transform }) });
    });
  });
  const use = (x: number, y: number): void => drawing.add('use', { href: `#${tileId}`, x, y });
  if (!hex) {
    const cells = Math.round(1000 / size);
    // The turned and mirrored ones have their centre in the middle of the tile.
    const shift = mirrored || group === 'p4' ? half : 0;
    const wide = group === 'p2' || group === 'pm' ? 2 : 1;
    for (let row = 0; row < cells + (shift > 0 ? 1 : 0); row++)
      for (let column = 0; column < cells / wide + (shift > 0 ? 1 : 0); column++) use(column * size * wide, row * size);
    return cells;
  }
  // Hexagons with flat sides left and right: their inradius is half a tile.
  const rise = half * Math.sqrt(3);
  let across = 0;
  for (let row = 0; row * rise < 1000 + size; row++)
    for (let column = 0; column * size < 1000 + size; column++) {
      use(column * size + (row % 2 === 0 ? 0 : half), row * rise);
      if (row === 0) across++;
    }
  return Math.min(across, Math.round(1000 / size));
}

/** Where the copies of the domain go, so that together they are one tile; mirrored groups lie around their centre. */
function copies(group: Group, size: number): string[] {
  if (group === 'p1') return [''];
  if (group === 'p2') return ['', `rotate(180) translate(${fixed(-2 * size)} ${fixed(-size)})`];
  if (group === 'pm') return ['', `translate(${fixed(2 * size)} 0) scale(-1 1)`];
  if (group === 'p4') return ['', 'rotate(90)', 'rotate(180)', 'rotate(270)'];
  const turns = group === 'p4m' ? 4 : 6;
  return Array.from({ length: turns }, (_, i) => `rotate(${(i * 360) / turns})`).flatMap((turn) => [
    turn,
    `${turn} scale(1 -1)`,
  ]);
}

function paintFlags(drawing: Drawing, { draws }: Order, palette: Palette): number {
  const cells = draws.whole(4, 6);
  const size = 1000 / (cells + 0.6);
  for (let row = 0; row < cells; row++)
    for (let column = 0; column < cells; column++)
      drawing.within(
        'g',
        { transform: `translate(${Math.round(size * (column + 0.3))} ${Math.round(size * (row + 0.3))})` },
        () =>
          flag({ drawing, draws, size, inks: palette.inks, ink: palette.ink, paper: palette.paper }, draws.whole(0, 8)),
      );
  return cells;
}

/** A corner that nobody has found yet: only its outline is drawn. */
function paintLoss(drawing: Drawing, { draws }: Order, palette: Palette): void {
  const points: Point[] = [];
  for (let i = 0; i <= 9; i++) {
    const share = i / 9;
    points.push([
      between(1000, 380, share) + (draws.next() - 0.5) * 110 * (i % 9 === 0 ? 0 : 1),
      between(330, 1000, share) + (draws.next() - 0.5) * 90 * (i % 9 === 0 ? 0 : 1),
    ]);
  }
  const path = new Path().polygon([...points, [1000, 1000]]);
  const blank: Colour = mix(palette.paper, palette.ink, 0.06);
  drawing.add('path', {
    d: path.d,
    fill: css(blank),
    'fill-opacity': 0.93,
    stroke: css(palette.ink),
    'stroke-width': 5,
    'stroke-linejoin': 'round',
  });
  const grid = new Path();
  for (let i = 0; i < 9; i++) grid.to(1000, 500 + i * 60).line(640 - i * 20, 1000);
  drawing.add('path', {
    d: grid.d,
    fill: 'none',
    stroke: css(palette.ink),
    'stroke-width': 1.6,
    'stroke-opacity': 0.22,
    'stroke-dasharray': '6 10',
  });
}
