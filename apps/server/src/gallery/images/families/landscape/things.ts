import { type Colour, colour, css, lighter, mix } from '../../drawing/colour.ts';
import { between } from '../../drawing/numbers.ts';
import { radial } from '../../drawing/paint.ts';
import { Path } from '../../drawing/path.ts';
import { lexicon } from '../../words/prompt.ts';
import type { Biome } from './ground.ts';
import { fill, type Spot, type Stage } from './stage.ts';

export type Thing =
  | 'buoy'
  | 'boat'
  | 'sailboat'
  | 'lighthouse'
  | 'house'
  | 'tent'
  | 'tree'
  | 'cactus'
  | 'bench'
  | 'lamp post'
  | 'balloon'
  | 'kite'
  | 'gull'
  | 'heron'
  | 'signpost'
  | 'windmill'
  | 'deer';
export const things = lexicon<Thing>({
  buoy: 'buoy bell_buoy',
  boat: 'boat rowboat dinghy ferry ship dory',
  sailboat: 'sail sailboat yacht regatta sailing',
  lighthouse: 'lighthouse beacon',
  house: 'house cottage cabin home barn hut',
  tent: 'tent camp camping campsite',
  tree: 'tree oak birch lone_tree apple_tree',
  cactus: 'cactus cacti',
  bench: 'bench seat',
  'lamp post': 'lamp lantern streetlight lamppost lamp_post',
  balloon: 'balloon hot_air',
  kite: 'kite',
  gull: 'gull bird gulls seagull gull_row swallow crow geese',
  heron: 'heron stork crane egret',
  signpost: 'sign signpost semaphore',
  windmill: 'windmill mill turbine',
  deer: 'deer stag elk',
});

/** What may stand there when nobody asked for anything. */
export const naturals: Readonly<Record<Biome, readonly Thing[]>> = {
  mountains: ['tent', 'house', 'deer', 'balloon', 'gull', 'signpost'],
  hills: ['house', 'tree', 'windmill', 'balloon', 'kite', 'bench', 'gull'],
  forest: ['tent', 'deer', 'house', 'gull'],
  desert: ['cactus', 'cactus', 'tent', 'balloon', 'signpost'],
  sea: ['buoy', 'boat', 'sailboat', 'gull', 'lighthouse', 'sailboat'],
  lake: ['boat', 'heron', 'sailboat', 'bench', 'gull'],
  city: ['gull', 'balloon', 'kite'],
  orbit: [],
  room: [],
};
export const airborne: ReadonlySet<Thing> = new Set(['balloon', 'kite', 'gull']);
export const afloat: ReadonlySet<Thing> = new Set(['buoy', 'boat', 'sailboat', 'lighthouse']);

const accents: readonly (readonly [string, string])[] = [
  ['red', '#d6402f'],
  ['orange', '#ee7b30'],
  ['yellow', '#f2b632'],
  ['blue', '#2f6fa8'],
  ['green', '#3f8f5f'],
  ['white', '#f4efe4'],
];

type Painter = (stage: Stage, spot: Spot, accent: Colour, ink: Colour) => void;

const floating = (stage: Stage, { x, y, scale }: Spot, wide: number, ink: Colour): void => {
  const path = new Path();
  for (let i = 0; i < 4; i++)
    path.box(x - wide * (0.5 - i * 0.06) * scale, y + (4 + i * 7) * scale, wide * (1 - i * 0.16) * scale, 2.6 * scale);
  fill(stage, path, ink, { 'fill-opacity': 0.32 });
};

const painters: Readonly<Record<Thing, Painter>> = {
  buoy(stage, spot, accent, ink) {
    const { x, y, scale: s } = spot;
    const lean = (stage.draws.next() - 0.5) * 20;
    stage.drawing.within('g', { transform: `rotate(${Math.round(lean)} ${Math.round(x)} ${Math.round(y)})` }, () => {
      fill(stage, new Path().to(x - 24 * s, y).line(x - 17 * s, y - 24 * s).line(x + 17 * s, y - 24 * s).line(x + 24 * s, y).close(), accent);
      fill(stage, new Path().to(x - 14 * s, y - 24 * s).line(x - 7 * s, y - 74 * s).line(x + 7 * s, y - 74 * s).line(x + 14 * s, y - 24 * s).close(), accent);
      fill(stage, new Path().box(x - 11.5 * s, y - 56 * s, 23 * s, 13 * s), mix(colour('#f7f2e6'), ink, 0.1));
      fill(stage, new Path().circle(x, y - 82 * s, 7 * s), mix(stage.light.sun, colour('#ffe08a'), 0.4));
      fill(stage, new Path().to(x + 4 * s, y).line(x + 2 * s, y - 74 * s).line(x + 7 * s, y - 74 * s).line(x + 24 * s, y).close(), ink, { 'fill-opacity': 0.28 });
    });
    floating(stage, spot, 56, ink);
  },
  boat(stage, spot, accent, ink) {
    const { x, y, scale: s } = spot;
    fill(stage, new Path().to(x - 66 * s, y - 22 * s).quad(x, y - 12 * s, x + 70 * s, y - 27 * s).quad(x + 56 * s, y + 4 * s, x + 34 * s, y + 4 * s).line(x - 40 * s, y + 4 * s).quad(x - 60 * s, y, x - 66 * s, y - 22 * s).close(), mix(accent, ink, 0.12));
    fill(stage, new Path().to(x - 66 * s, y - 22 * s).quad(x, y - 12 * s, x + 70 * s, y - 27 * s).quad(x, y - 3 * s, x - 64 * s, y - 15 * s).close(), mix(colour('#f7f2e6'), ink, 0.12));
    fill(stage, new Path().box(x - 22 * s, y - 46 * s, 38 * s, 29 * s).box(x + 3 * s, y - 66 * s, 4 * s, 22 * s), mix(colour('#f4efe4'), ink, 0.2));
    fill(stage, new Path().box(x - 16 * s, y - 40 * s, 10 * s, 10 * s).box(x, y - 40 * s, 10 * s, 10 * s), mix(stage.light.sun, colour('#ffd27a'), 0.6));
    floating(stage, spot, 120, ink);
  },
  sailboat(stage, spot, accent, ink) {
    const { x, y, scale: s } = spot;
    const cloth = mix(colour('#fbf6ea'), stage.light.sky[3], 0.25);
    fill(stage, new Path().to(x, y - 130 * s).quad(x + 52 * s, y - 64 * s, x + 58 * s, y - 16 * s).line(x + 3 * s, y - 16 * s).close(), cloth);
    fill(stage, new Path().to(x - 4 * s, y - 118 * s).quad(x - 30 * s, y - 60 * s, x - 44 * s, y - 18 * s).line(x - 4 * s, y - 18 * s).close(), accent);
    fill(stage, new Path().box(x - 2 * s, y - 134 * s, 3.4 * s, 124 * s), ink);
    fill(stage, new Path().to(x - 54 * s, y - 11 * s).line(x + 64 * s, y - 11 * s).quad(x + 50 * s, y + 7 * s, x + 34 * s, y + 7 * s).line(x - 36 * s, y + 7 * s).quad(x - 50 * s, y + 5 * s, x - 54 * s, y - 11 * s).close(), mix(ink, accent, 0.25));
    floating(stage, spot, 96, ink);
  },
  lighthouse(stage, spot, accent, ink) {
    const { x, y, scale: s } = spot;
    const white = mix(colour('#f7f2e6'), stage.light.near, 0.3 - stage.light.local * 0.25);
    fill(stage, new Path().blob([[x - 118 * s, y + 6 * s], [x - 70 * s, y - 26 * s], [x - 14 * s, y - 40 * s], [x + 50 * s, y - 30 * s], [x + 116 * s, y + 5 * s], [x, y + 14 * s]]), mix(ink, stage.light.sky[1], 0.16));
    const body = (from: number, to: number): Path => {
      const at = (share: number): number => between(28, 18, share) * s;
      const up = (share: number): number => y - 34 * s - share * 170 * s;
      return new Path().to(x - at(from), up(from)).line(x - at(to), up(to)).line(x + at(to), up(to)).line(x + at(from), up(from)).close();
    };
    fill(stage, body(0, 1), white);
    for (const share of [0.16, 0.5, 0.84]) fill(stage, body(share, share + 0.15), accent);
    fill(stage, new Path().box(x - 24 * s, y - 210 * s, 48 * s, 7 * s).box(x - 14 * s, y - 236 * s, 28 * s, 26 * s), ink);
    fill(stage, new Path().to(x - 19 * s, y - 236 * s).line(x, y - 258 * s).line(x + 19 * s, y - 236 * s).close(), accent);
    fill(stage, new Path().box(x - 9 * s, y - 232 * s, 18 * s, 18 * s), colour('#ffe9a8'));
    fill(stage, new Path().to(x + 6 * s, y - 34 * s).line(x + 4 * s, y - 204 * s).line(x + 18 * s, y - 204 * s).line(x + 28 * s, y - 34 * s).close(), ink, { 'fill-opacity': 0.22 });
    if (stage.light.local < 0.5) {
      const beam = radial(stage.drawing, [[0, colour('#fff0b8'), 0.75], [1, colour('#fff0b8'), 0]]);
      fill(stage, new Path().to(x, y - 223 * s).line(x + 460 * s, y - 300 * s).line(x + 460 * s, y - 176 * s).close(), stage.light.sun, { 'fill-opacity': 0.16 });
      stage.drawing.add('circle', { cx: x, cy: y - 223 * s, r: 80 * s, fill: beam });
    }
  },
  house(stage, { x, y, scale: s }, accent, ink) {
    const wall = mix(colour('#f0e6d2'), stage.light.near, 0.42 - stage.light.local * 0.35);
    fill(stage, new Path().box(x - 44 * s, y - 52 * s, 88 * s, 56 * s), wall);
    fill(stage, new Path().box(x + 14 * s, y - 52 * s, 30 * s, 56 * s), ink, { 'fill-opacity': 0.2 });
    fill(stage, new Path().to(x - 54 * s, y - 50 * s).line(x - 30 * s, y - 92 * s).line(x + 34 * s, y - 92 * s).line(x + 54 * s, y - 50 * s).close(), mix(accent, ink, 0.2));
    fill(stage, new Path().box(x + 16 * s, y - 112 * s, 12 * s, 30 * s), mix(wall, ink, 0.4));
    fill(stage, new Path().box(x - 10 * s, y - 28 * s, 18 * s, 32 * s), mix(ink, accent, 0.2));
    const lit = stage.light.local < 0.5 ? colour('#ffd27a') : mix(stage.light.sky[1], ink, 0.4);
    fill(stage, new Path().box(x - 35 * s, y - 38 * s, 16 * s, 16 * s).box(x + 20 * s, y - 38 * s, 16 * s, 16 * s), lit);
    const smoke = new Path();
    for (let i = 0; i < 4; i++) smoke.circle(x + (22 + i * 9) * s, y - (122 + i * 20) * s, (6 + i * 4) * s);
    fill(stage, smoke, mix(stage.light.sky[3], colour('#ffffff'), 0.4), { 'fill-opacity': 0.35 });
  },
  tent(stage, { x, y, scale: s }, accent, ink) {
    fill(stage, new Path().to(x - 62 * s, y).line(x - 6 * s, y - 74 * s).line(x + 66 * s, y).close(), accent);
    fill(stage, new Path().to(x - 6 * s, y - 74 * s).line(x + 66 * s, y).line(x + 16 * s, y).close(), mix(accent, ink, 0.35));
    fill(stage, new Path().to(x - 8 * s, y - 62 * s).quad(x - 14 * s, y - 24 * s, x - 34 * s, y).line(x + 4 * s, y).close(), stage.light.local < 0.5 ? colour('#ffdc8c') : mix(ink, accent, 0.15));
  },
  tree(stage, { x, y, scale: s }, _accent, ink) {
    const { draws, drawing, season, light } = stage;
    const leaf = mix(colour({ spring: '#e8a0b4', summer: '#4f8f4a', autumn: '#d9762e', winter: '#cfd8de' }[season]), light.near, 0.5 - light.local * 0.45);
    drawing.add('path', { d: new Path().to(x, y + 4 * s).quad(x - 4 * s, y - 60 * s, x + 4 * s, y - 118 * s).to(x, y - 62 * s).quad(x + 18 * s, y - 88 * s, x + 38 * s, y - 108 * s).to(x - 1 * s, y - 76 * s).quad(x - 18 * s, y - 100 * s, x - 34 * s, y - 116 * s).d, fill: 'none', stroke: css(mix(ink, colour('#5a4030'), 0.3)), 'stroke-width': 9 * s, 'stroke-linecap': 'round' });
    const crown = new Path();
    const light2 = new Path();
    for (let i = 0; i < 11; i++) {
      const angle = draws.next() * 6.28;
      const far = draws.next() ** 0.6;
      const [cx, cy, r] = [x + Math.cos(angle) * far * 62 * s, y - 138 * s + Math.sin(angle) * far * 42 * s, between(20, 36, draws.next()) * s];
      crown.circle(cx, cy, r);
      if (cy < y - 130 * s) light2.circle(cx + (stage.sun.x < x ? -r : r) * 0.2, cy - r * 0.2, r * 0.62);
    }
    fill(stage, crown, leaf);
    if (light2.d !== '') fill(stage, light2, mix(lighter(leaf, 0.07), light.sun, 0.12), { 'fill-opacity': 0.75 });
  },
  cactus(stage, { x, y, scale: s }, _accent, ink) {
    const green = mix(colour('#4f7a52'), ink, 0.6 - stage.light.local * 0.5);
    stage.drawing.add('path', { d: new Path().to(x, y + 2 * s).line(x, y - 112 * s).to(x, y - 44 * s).line(x + 26 * s, y - 44 * s).quad(x + 34 * s, y - 44 * s, x + 34 * s, y - 54 * s).line(x + 34 * s, y - 84 * s).to(x, y - 32 * s).line(x - 20 * s, y - 32 * s).quad(x - 30 * s, y - 32 * s, x - 30 * s, y - 44 * s).line(x - 30 * s, y - 66 * s).d, fill: 'none', stroke: css(green), 'stroke-width': 19 * s, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' });
    stage.drawing.add('path', { d: new Path().to(x - 4 * s, y - 8 * s).line(x - 4 * s, y - 110 * s).d, fill: 'none', stroke: css(mix(green, stage.light.sun, 0.4)), 'stroke-width': 3 * s, 'stroke-opacity': 0.5, 'stroke-linecap': 'round' });
    fill(stage, new Path().to(x, y + 4 * s).line(x + (stage.sun.x < x ? 150 : -150) * s, y + 16 * s).line(x + (stage.sun.x < x ? 150 : -150) * s, y + 24 * s).close(), ink, { 'fill-opacity': 0.25 });
  },
  bench(stage, { x, y, scale: s }, _accent, ink) {
    fill(stage, new Path().box(x - 54 * s, y - 30 * s, 108 * s, 7 * s).box(x - 54 * s, y - 62 * s, 108 * s, 7 * s).box(x - 54 * s, y - 48 * s, 108 * s, 7 * s).box(x - 46 * s, y - 62 * s, 6 * s, 66 * s).box(x + 40 * s, y - 62 * s, 6 * s, 66 * s), ink);
  },
  'lamp post'(stage, { x, y, scale: s }, _accent, ink) {
    const glow = radial(stage.drawing, [[0, colour('#ffe2a0'), 0.85], [0.3, colour('#ffd27a'), 0.3], [1, colour('#ffd27a'), 0]]);
    stage.drawing.add('circle', { cx: x, cy: y - 150 * s, r: 92 * s, fill: glow });
    fill(stage, new Path().box(x - 3 * s, y - 140 * s, 6 * s, 144 * s).box(x - 12 * s, y - 4 * s, 24 * s, 8 * s).to(x - 16 * s, y - 168 * s).line(x + 16 * s, y - 168 * s).line(x + 9 * s, y - 138 * s).line(x - 9 * s, y - 138 * s).close(), ink);
    fill(stage, new Path().box(x - 8 * s, y - 163 * s, 16 * s, 20 * s), colour('#fff0c4'));
  },
  balloon(stage, { x, y, scale: s }, accent, ink) {
    const cream = mix(colour('#f7efdc'), stage.light.sky[2], 0.2);
    const envelope = (half: number): Path => new Path().to(x, y - 112 * s).cubic(x + half * 1.3 * s, y - 112 * s, x + half * 1.15 * s, y - 40 * s, x + half * 0.26 * s, y).line(x - half * 0.26 * s, y).cubic(x - half * 1.15 * s, y - 40 * s, x - half * 1.3 * s, y - 112 * s, x, y - 112 * s).close();
    fill(stage, envelope(56), accent);
    fill(stage, envelope(36), cream);
    fill(stage, envelope(15), accent);
    fill(stage, new Path().to(x, y - 112 * s).cubic(x + 73 * s, y - 112 * s, x + 64 * s, y - 40 * s, x + 15 * s, y).line(x + 4 * s, y).cubic(x + 44 * s, y - 40 * s, x + 50 * s, y - 100 * s, x, y - 112 * s).close(), ink, { 'fill-opacity': 0.22 });
    fill(stage, new Path().box(x - 12 * s, y + 16 * s, 24 * s, 17 * s).box(x - 11 * s, y, 1.6 * s, 17 * s).box(x + 10 * s, y, 1.6 * s, 17 * s), mix(colour('#6b4a30'), ink, 0.4));
  },
  kite(stage, { x, y, scale: s }, accent, ink) {
    fill(stage, new Path().to(x, y - 56 * s).line(x + 34 * s, y - 12 * s).line(x, y + 46 * s).line(x - 34 * s, y - 12 * s).close(), accent);
    fill(stage, new Path().to(x, y - 56 * s).line(x + 34 * s, y - 12 * s).line(x, y + 46 * s).close(), mix(accent, ink, 0.25));
    stage.drawing.add('path', { d: new Path().to(x, y + 46 * s).cubic(x + 60 * s, y + 110 * s, x - 50 * s, y + 150 * s, x + 30 * s, y + 230 * s).d, fill: 'none', stroke: css(ink), 'stroke-width': 2 });
  },
  gull(stage, { x, y, scale: s }, _accent, ink) {
    const path = new Path();
    const { draws } = stage;
    for (let i = 0; i < 5; i++) {
      const [gx, gy, r] = [x + (i - 2) * 46 * s + draws.next() * 20, y + Math.abs(i - 2) * 16 * s + draws.next() * 16, between(11, 19, draws.next()) * s];
      path.to(gx - r, gy - r * 0.5).quad(gx - r * 0.3, gy - r * 0.8, gx, gy).quad(gx + r * 0.3, gy - r * 0.8, gx + r, gy - r * 0.5).quad(gx + r * 0.35, gy - r * 0.4, gx, gy + r * 0.28).quad(gx - r * 0.35, gy - r * 0.4, gx - r, gy - r * 0.5).close();
    }
    fill(stage, path, ink);
  },
  heron(stage, { x, y, scale: s }, _accent, ink) {
    stage.drawing.add('path', { d: new Path().to(x - 6 * s, y + 4 * s).line(x - 4 * s, y - 54 * s).to(x + 8 * s, y + 4 * s).line(x + 4 * s, y - 54 * s).d, fill: 'none', stroke: css(ink), 'stroke-width': 3 * s });
    fill(stage, new Path().to(x - 44 * s, y - 44 * s).quad(x - 10 * s, y - 92 * s, x + 18 * s, y - 78 * s).quad(x + 36 * s, y - 104 * s, x + 20 * s, y - 128 * s).quad(x + 22 * s, y - 142 * s, x + 36 * s, y - 140 * s).line(x + 70 * s, y - 130 * s).line(x + 38 * s, y - 130 * s).quad(x + 52 * s, y - 100 * s, x + 28 * s, y - 68 * s).quad(x + 6 * s, y - 44 * s, x - 44 * s, y - 44 * s).close(), ink);
  },
  signpost(stage, { x, y, scale: s }, accent, ink) {
    fill(stage, new Path().box(x - 4 * s, y - 118 * s, 8 * s, 122 * s), ink);
    fill(stage, new Path().to(x - 8 * s, y - 112 * s).line(x + 52 * s, y - 112 * s).line(x + 68 * s, y - 98 * s).line(x + 52 * s, y - 84 * s).line(x - 8 * s, y - 84 * s).close(), mix(accent, ink, 0.15));
    fill(stage, new Path().to(x + 8 * s, y - 76 * s).line(x - 46 * s, y - 76 * s).line(x - 60 * s, y - 63 * s).line(x - 46 * s, y - 50 * s).line(x + 8 * s, y - 50 * s).close(), mix(colour('#e8dcc4'), ink, 0.3));
  },
  windmill(stage, { x, y, scale: s }, accent, ink) {
    const wall = mix(colour('#f0e6d2'), stage.light.near, 0.4 - stage.light.local * 0.3);
    fill(stage, new Path().to(x - 34 * s, y + 4 * s).line(x - 20 * s, y - 118 * s).line(x + 20 * s, y - 118 * s).line(x + 34 * s, y + 4 * s).close(), wall);
    fill(stage, new Path().to(x + 6 * s, y + 4 * s).line(x + 4 * s, y - 118 * s).line(x + 20 * s, y - 118 * s).line(x + 34 * s, y + 4 * s).close(), ink, { 'fill-opacity': 0.22 });
    fill(stage, new Path().to(x - 24 * s, y - 116 * s).quad(x, y - 160 * s, x + 24 * s, y - 116 * s).close(), mix(accent, ink, 0.2));
    const turned = Math.round(stage.draws.next() * 90);
    stage.drawing.within('g', { transform: `rotate(${turned} ${Math.round(x)} ${Math.round(y - 122 * s)})` }, () => {
      const sails = new Path();
      for (const [dx, dy] of [[0, -1], [1, 0], [0, 1], [-1, 0]] as const) {
        const [px, py] = [-dy, dx];
        const at = (along: number, aside: number): [number, number] => [Math.round(x) + (dx * along + px * aside) * s, Math.round(y - 122 * s) + (dy * along + py * aside) * s];
        sails.polygon([at(4, -2), at(106, -2), at(106, 17), at(28, 17), at(28, 3), at(4, 2)]);
      }
      fill(stage, sails, mix(colour('#fbf6ea'), ink, 0.25), { 'fill-opacity': 0.95 });
    });
  },
  deer(stage, { x, y, scale: s }, _accent, ink) {
    stage.drawing.add('path', { d: new Path().to(x - 24 * s, y + 3 * s).line(x - 20 * s, y - 36 * s).to(x - 12 * s, y + 3 * s).line(x - 14 * s, y - 36 * s).to(x + 16 * s, y + 3 * s).line(x + 14 * s, y - 36 * s).to(x + 24 * s, y + 3 * s).line(x + 20 * s, y - 36 * s).to(x + 38 * s, y - 82 * s).line(x + 36 * s, y - 108 * s).to(x + 36 * s, y - 96 * s).line(x + 24 * s, y - 108 * s).to(x + 42 * s, y - 82 * s).line(x + 52 * s, y - 106 * s).to(x + 47 * s, y - 94 * s).line(x + 60 * s, y - 100 * s).d, fill: 'none', stroke: css(ink), 'stroke-width': 4 * s, 'stroke-linecap': 'round' });
    fill(stage, new Path().to(x - 34 * s, y - 52 * s).quad(x - 8 * s, y - 60 * s, x + 12 * s, y - 56 * s).line(x + 30 * s, y - 84 * s).line(x + 46 * s, y - 86 * s).line(x + 60 * s, y - 72 * s).line(x + 42 * s, y - 68 * s).quad(x + 34 * s, y - 40 * s, x + 20 * s, y - 32 * s).line(x - 28 * s, y - 32 * s).quad(x - 38 * s, y - 42 * s, x - 34 * s, y - 52 * s).close(), ink);
  },
};

const plainInk: ReadonlySet<Thing> = new Set(['gull', 'heron', 'bench', 'lamp post', 'deer', 'tree', 'cactus']);

/** Draws one, in the colour asked for or one of its own, and answers what it is called: `red buoy`. */
export function paintThing(stage: Stage, thing: Thing, spot: Spot): string {
  const { draws, light, prompt } = stage;
  const asked = accents.find(([name]) => prompt.has(name));
  const [name, hex] = asked ?? draws.pick(accents);
  const accent = mix(colour(hex), light.near, 0.34 - light.local * 0.3);
  painters[thing](stage, spot, accent, mix(light.near, light.sky[0], 0.12));
  return plainInk.has(thing) ? thing : `${name} ${thing}`;
}
