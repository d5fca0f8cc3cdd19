import { type Colour, colour, css, lch, lighter, mix } from '../../drawing/colour.ts';
import { between } from '../../drawing/numbers.ts';
import { linear, linearAcross } from '../../drawing/paint.ts';
import { Path, type Point } from '../../drawing/path.ts';
import { lexicon } from '../../words/prompt.ts';
import { seen } from './light.ts';
import { heightAt, jagged, rolling } from './noise.ts';
import { below, fill, type Season, type Spot, type Stage } from './stage.ts';

export type Biome = 'mountains' | 'hills' | 'forest' | 'desert' | 'sea' | 'lake' | 'city' | 'orbit' | 'room';
export const biomes = lexicon<Biome>({
  mountains: 'mountain peak ridge alpine summit alps glacier pass',
  hills: 'hill meadow field farm valley countryside village pasture downs wheat vineyard moor',
  forest: 'forest wood pine fir grove jungle taiga clearing tree trees',
  desert: 'desert dune mesa canyon cactus sand sahara oasis',
  sea: 'sea ocean bay harbor harbour coast tide beach buoy boat port shore lighthouse quay gull cove island sail wave',
  lake: 'lake pond river reflection loch fjord reed heron',
  city: 'city town skyline street roof tram rooftop downtown building tower',
  orbit: 'orbit planet space galaxy comet asteroid nebula dust_lane second_moon ring cosmos sky_chart eclipse',
  room: 'room window hall gallery corridor door interior empty_room chair museum',
});

export const places: Readonly<Record<Biome, string>> = {
  mountains: 'mountain ridge',
  hills: 'rolling hills',
  forest: 'pine forest',
  desert: 'desert',
  sea: 'bay',
  lake: 'mountain lake',
  city: 'city skyline',
  orbit: 'moon horizon',
  room: 'empty room',
};

const grass: Readonly<Record<Season, string>> = {
  spring: '#7fae4e',
  summer: '#4f8f4a',
  autumn: '#b8813a',
  winter: '#d9e2ea',
};
const woods: Readonly<Record<Season, string>> = {
  spring: '#4f8a5a',
  summer: '#2f6b4a',
  autumn: '#a85a2e',
  winter: '#5d7a80',
};
export const grassOf = (season: Season): Colour => colour(grass[season]);

/** Draws the land and answers where things may stand. */
export type Ground = (stage: Stage) => Spot[];

const ridge = (stage: Stage, line: readonly Point[], own: Colour, distance: number, smooth: boolean): void => {
  const { drawing, height } = stage;
  const top = seen(stage.light, own, distance);
  const base = seen(stage.light, own, Math.min(1, distance + 0.28));
  const path = smooth ? new Path().through(line) : new Path();
  if (!smooth) for (const [i, [x, y]] of line.entries()) i === 0 ? path.to(x, y) : path.line(x, y);
  const highest = Math.min(...line.map(([, y]) => y));
  const paint = linearAcross(
    drawing,
    [
      [0, top],
      [1, base],
    ],
    [0, highest, 0, Math.min(height, highest + 260)],
  );
  fill(stage, below(stage, path, line), paint);
};

const mountains: Ground = (stage) => {
  const { draws, width, horizon, light, season, sun } = stage;
  const layers = draws.whole(4, 5);
  const rock = mix(colour('#5b6b82'), colour(grass[season]), 0.25);
  let line: Point[] = [];
  for (let i = 0; i < layers; i++) {
    const share = i / (layers - 1);
    const distance = between(0.92, 0.06, share ** 0.9);
    const last = i === layers - 1;
    const y = between(horizon - 10, stage.height * 0.94, share ** 1.25);
    const tall = between(190, 130, share) * (i === 1 ? 1.55 : 1);
    if (last) line = rolling(draws, width, y, 50, { knots: 4, octaves: 3, points: 24 });
    else line = jagged(draws, width, y, tall, draws.whole(3, 5));
    ridge(stage, line, last ? mix(colour(woods[season]), light.near, 0.3) : rock, distance, last);
    if (!last && i < 3) faces(stage, line, distance, sun.x, i === 1 && (season === 'winter' || draws.chance(0.55)));
    if (last || i === layers - 2) conifers(stage, line, distance, last ? 62 : 30, last ? 26 : 46);
  }
  return spotsOn(stage, line, 0.4);
};

/** The sides of peaks that the light reaches, and snow near the summits. */
function faces(stage: Stage, line: readonly Point[], distance: number, sunX: number, snow: boolean): void {
  const lit = mix(seen(stage.light, colour('#8d98a8'), distance), stage.light.sun, 0.35);
  const path = new Path();
  const white = new Path();
  for (let i = 8; i < line.length - 8; i++) {
    const [x, y] = line[i] ?? [0, 0];
    const higher = line.slice(i - 6, i + 7).every(([, other]) => other >= y);
    if (!higher) continue;
    const side = sunX < x ? -1 : 1;
    const reach = 7;
    const edge: Point[] = [];
    for (let k = 0; k <= reach; k++) edge.push(line[i + side * k] ?? [x, y]);
    const foot = edge.at(-1) ?? [x, y];
    path.to(x, y);
    for (const [ex, ey] of edge.slice(1)) path.line(ex, ey);
    const drop = foot[1] - y;
    path
      .line(between(foot[0], x, 0.35), foot[1] + drop * 0.25)
      .line(between(foot[0], x, 0.62), y + drop * 0.72)
      .line(between(foot[0], x, 0.86), y + drop * 0.6)
      .line(between(foot[0], x, 0.9), y + drop * 0.25)
      .close();
    if (!snow) continue;
    const [left, right] = [line[i - 3] ?? [x, y], line[i + 3] ?? [x, y]];
    white.to(left[0], left[1]);
    for (let k = -2; k <= 3; k++) white.line(...(line[i + k] ?? [x, y]));
    const low = Math.max(left[1], right[1]);
    white
      .line(between(x, right[0], 0.45), low - 2)
      .line(between(x, right[0], 0.2), low + 16)
      .line(between(x, left[0], 0.15), low - 4)
      .line(between(x, left[0], 0.5), low + 12)
      .close();
  }
  if (path.d !== '') fill(stage, path, lit, { 'fill-opacity': 0.42 });
  if (white.d === '') return;
  fill(stage, white, mix(seen(stage.light, lch(0.98, 0.01, 240), distance * 0.8), stage.light.sun, 0.4), {
    'fill-opacity': 0.85,
  });
  stage.facts.push({ kind: 'thing', text: 'snowy peak' });
}

/** A row of firs along a line, `count` of them and about `tall` high. */
export function conifers(stage: Stage, line: readonly Point[], distance: number, tall: number, count: number): void {
  const { draws, width, light, season } = stage;
  const path = new Path();
  const gaps = Array.from({ length: 4 }, () => draws.next() * width);
  for (let i = 0; i < count; i++) {
    const x = (i + draws.next()) * (width / count);
    if (gaps.some((gap) => Math.abs(gap - x) < width * 0.035)) continue;
    const y = heightAt(line, x) + 6;
    const h = tall * between(0.55, 1.3, draws.next() ** 1.4);
    const w = h * between(0.2, 0.28, draws.next());
    path.to(x, y - h);
    for (const [out, at, back] of [
      [0.5, 0.42, 0.24],
      [0.78, 0.72, 0.4],
    ] as const)
      path.line(x + w * out, y - h * (1 - at)).line(x + w * back, y - h * (1 - at + 0.02));
    path.line(x + w, y).line(x - w, y);
    path.line(x - w * 0.4, y - h * 0.3).line(x - w * 0.78, y - h * 0.28);
    path.line(x - w * 0.24, y - h * 0.6).line(x - w * 0.5, y - h * 0.58).close();
  }
  const own = mix(colour(woods[season]), light.near, 0.45);
  fill(stage, path, seen(light, own, distance));
}

const hills: Ground = (stage) => {
  const { draws, width, horizon, height, season, light, drawing } = stage;
  const layers = draws.whole(4, 6);
  let line: Point[] = [];
  for (let i = 0; i < layers; i++) {
    const share = i / (layers - 1);
    const distance = between(0.86, 0, share);
    const y = between(horizon + 8, height * 0.9, share ** 1.15);
    line = rolling(draws, width, y, between(34, 70, share), { knots: 2 + (i % 2), octaves: 2, points: 14 });
    const own = mix(grassOf(season), draws.pick(['#c9b458', '#6f9a5b', '#8fb06a', '#5b8f7a'].map(colour)), 0.35);
    const id = drawing.id();
    const shape = below(stage, new Path().through(line), line);
    ridge(stage, line, own, distance, true);
    if (i > 0 && i < layers - 1 && draws.chance(0.75)) {
      drawing.within('clipPath', { id }, () => drawing.add('path', { d: shape.d }));
      furrows(stage, id, line, seen(light, lighter(own, draws.chance(0.5) ? 0.12 : -0.1), distance));
    }
    if (i > 0 && draws.chance(0.6)) roundTrees(stage, line, distance, between(14, 34, share), draws.whole(4, 11));
  }
  flowers(stage, line);
  return spotsOn(stage, line, 0.3);
};

function furrows(stage: Stage, clip: string, line: readonly Point[], ink: Colour): void {
  const { draws, width, drawing } = stage;
  const centre = draws.next() * width;
  const y = heightAt(line, centre);
  const path = new Path();
  const count = draws.whole(6, 11);
  for (let i = 0; i < count; i++) {
    const lean = (i - count / 2) * 58;
    path.to(centre + lean * 0.28, y - 30).quad(centre + lean * 0.8, y + 60, centre + lean * 3.2, y + 230);
  }
  drawing.add('path', {
    d: path.d,
    fill: 'none',
    stroke: css(ink),
    'stroke-width': 5,
    'stroke-opacity': 0.5,
    'clip-path': `url(#${clip})`,
  });
}

export function roundTrees(stage: Stage, line: readonly Point[], distance: number, size: number, count: number): void {
  const { draws, width, season, light } = stage;
  const dark = new Path();
  const lit = new Path();
  const start = draws.next() * width * 0.7;
  for (let i = 0; i < count; i++) {
    const x = start + (i + draws.next() * 0.8) * size * 1.15;
    const r = size * between(0.5, 0.95, draws.next());
    const y = heightAt(line, x) - r * 0.75;
    dark.circle(x, y, r);
    lit.circle(x + (stage.sun.x < x ? -r : r) * 0.22, y - r * 0.24, r * 0.66);
  }
  const own = colour(woods[season]);
  fill(stage, dark, seen(light, mix(own, light.near, 0.35), distance));
  fill(stage, lit, mix(seen(light, lighter(own, 0.07), distance), light.sun, 0.16), { 'fill-opacity': 0.7 });
}

function flowers(stage: Stage, line: readonly Point[]): void {
  const { draws, width, height, season, light } = stage;
  if (season === 'winter' || season === 'autumn' || light.local < 0.2) return;
  const tint = draws.pick(['#f2c14e', '#e4572e', '#f7f0e0', '#c86bb0'].map(colour));
  const path = new Path();
  for (let i = 0; i < 70; i++) {
    const x = draws.next() * width;
    const top = heightAt(line, x);
    const y = between(top + 12, height, draws.next());
    path.circle(x, y, between(1.6, 5.2, (y - top) / (height - top + 1)));
  }
  fill(stage, path, mix(tint, light.near, 0.5 - light.local * 0.5), { 'fill-opacity': 0.9 });
  stage.facts.push({ kind: 'thing', text: 'small flowers' });
}

const forest: Ground = (stage) => {
  const { draws, width, horizon, height, light, season } = stage;
  const layers = 5;
  let line: Point[] = [];
  const own = mix(colour(woods[season]), light.near, 0.25);
  for (let i = 0; i < layers; i++) {
    const share = i / (layers - 1);
    const distance = between(0.82, 0.02, share);
    const y = between(horizon + 20, height * 0.93, share ** 1.2);
    line = rolling(draws, width, y, 30, { knots: 3, octaves: 2, points: 12 });
    ridge(stage, line, own, distance, true);
    conifers(stage, line, distance, between(60, 250, share ** 1.6), Math.round(between(54, 13, share)));
    if (i < layers - 1 && i > 0) mist(stage, y + 40, 0.32);
  }
  stage.facts.push({ kind: 'thing', text: 'row of firs' });
  return spotsOn(stage, line, 0.25);
};

/** A soft bank of haze across the whole width. */
export function mist(stage: Stage, y: number, strength: number): void {
  const { drawing, width, light } = stage;
  const haze = mix(light.sky[3], light.sky[2], 0.3);
  const paint = linear(drawing, [
    [0, haze, 0],
    [0.55, haze, strength],
    [1, haze, 0],
  ]);
  drawing.add('rect', { x: 0, y: y - 90, width, height: 170, fill: paint });
}

const desert: Ground = (stage) => {
  const { draws, width, horizon, height, light, sun, drawing } = stage;
  const sand = draws.pick(['#d9985a', '#e0ab6b', '#c9784a', '#d8b384'].map(colour));
  const mesas = new Path();
  for (let i = 0; i < draws.whole(2, 4); i++) {
    const x = draws.next() * width;
    const w = between(70, 190, draws.next());
    const h = between(50, 130, draws.next());
    const step = w * 0.22;
    mesas
      .to(x - w - step, horizon + 30)
      .line(x - w, horizon - h * 0.35)
      .line(x - w * 0.86, horizon - h * 0.4)
      .line(x - w * 0.8, horizon - h)
      .line(x + w * 0.7, horizon - h * between(0.94, 1.05, draws.next()))
      .line(x + w * 0.78, horizon - h * 0.4)
      .line(x + w * 0.96, horizon - h * 0.34)
      .line(x + w + step, horizon + 30)
      .close();
  }
  fill(stage, mesas, seen(light, mix(sand, colour('#8a3f2f'), 0.6), 0.6));
  stage.facts.push({ kind: 'thing', text: 'flat-topped mesa' });
  const layers = draws.whole(3, 4);
  let line: Point[] = [];
  for (let i = 0; i < layers; i++) {
    const share = (i + 1) / layers;
    const y = between(horizon + 6, height * 0.84, share);
    const distance = between(0.62, 0.04, share);
    line = rolling(draws, width, y, between(26, 74, share), { knots: 2, octaves: 1, points: 10 });
    ridge(stage, line, sand, distance, true);
    // The side away from the sun: from a crest down, bounded by a swinging edge.
    const crest = line.slice(1, -1).reduce((best, point) => (point[1] < best[1] ? point : best), line[1] ?? [0, 0]);
    const away = sun.x < crest[0] ? 1 : -1;
    const side = line.filter(([x]) => (away > 0 ? x >= crest[0] : x <= crest[0]));
    const edge = away > 0 ? side : side.toReversed();
    const end = edge.at(-1) ?? crest;
    const shade = new Path()
      .through(edge)
      .line(end[0], height)
      .cubic(crest[0] + away * 260, height * 0.97, crest[0] - away * 90, crest[1] + 120, crest[0], crest[1])
      .close();
    const ink = mix(seen(light, sand, distance), light.near, 0.42);
    fill(
      stage,
      shade,
      linearAcross(
        drawing,
        [
          [0, ink, 0.85],
          [1, ink, 0.25],
        ],
        [0, crest[1], 0, crest[1] + 320],
      ),
    );
  }
  stage.facts.push({ kind: 'thing', text: 'sand dunes' });
  return spotsOn(stage, line, 0.3);
};

/** Water from `top` down, in the colours of the sky above it, with the sun's road and a few crests. */
export function water(stage: Stage, top: number, bottom: number): void {
  const { drawing, draws, light, width, sun, weather } = stage;
  const [zenith, upper, lower, low] = light.sky;
  const deep = mix(zenith, light.near, 0.35);
  drawing.add('rect', {
    y: top,
    width,
    height: bottom - top,
    fill: linear(drawing, [
      [0, mix(low, lower, 0.35)],
      [0.16, mix(lower, upper, 0.4)],
      [0.55, mix(upper, zenith, 0.45)],
      [1, deep],
    ]),
  });
  const tall = bottom - top;
  const crests = new Path();
  for (let i = 0; i < 46; i++) {
    const depth = draws.next() ** 1.6;
    const long = between(16, 120, depth) * between(0.5, 1.4, draws.next());
    const x = draws.next() * width;
    const y = top + 8 + depth * tall;
    crests.to(x, y).quad(x + long / 2, y - between(1, 5, depth), x + long, y).quad(x + long / 2, y - 0.4, x, y);
  }
  fill(stage, crests, mix(low, light.sun, 0.4), { 'fill-opacity': 0.34 });
  if (weather === 'storm' || weather === 'rain' || weather === 'fog') return;
  const road = new Path();
  const rows = 30;
  for (let i = 0; i < rows; i++) {
    const depth = (i / rows) ** 1.25;
    const y = top + 3 + depth * tall * 0.92;
    const half = sun.r * between(0.55, 1.5, depth) * between(0.35, 1.15, draws.next());
    const x = sun.x + (draws.next() - 0.5) * sun.r * between(0.3, 2, depth);
    const thick = between(1.6, 7, depth);
    road.to(x - half, y).quad(x, y - thick, x + half, y).quad(x, y + thick, x - half, y).close();
  }
  fill(stage, road, light.sun, { 'fill-opacity': light.hour === 'noon' ? 0.5 : 0.72 });
}

const sea: Ground = (stage) => {
  const { draws, width, height, horizon, light, season } = stage;
  for (let i = 0; i < 2; i++) {
    const left = draws.chance(0.5);
    const long = width * between(0.3, 0.62, draws.next());
    const line = rolling(draws, long, horizon - 34 + i * 22, 30, { knots: 3, octaves: 3, points: 16 }).map(
      ([x, y], at, all): Point => {
        const share = left ? at / (all.length - 1) : 1 - at / (all.length - 1);
        return [left ? x : width - long + x, between(y, horizon + 3, share ** 2.2)];
      },
    );
    const path = new Path().through(line);
    path.line(line.at(-1)?.[0] ?? 0, horizon + 3).line(line[0]?.[0] ?? 0, horizon + 3);
    fill(stage, path.close(), seen(light, colour(woods[season]), between(0.8, 0.55, i)));
  }
  water(stage, horizon, height);
  stage.facts.push({ kind: 'thing', text: 'far headland' });
  const floats = Array.from({ length: 6 }, (_, i): Spot => {
    const depth = between(0.1, 0.62, (i + draws.next() * 0.7) / 6);
    return { x: width * between(0.1, 0.9, draws.next()), y: horizon + depth * (height - horizon), scale: between(0.34, 1.35, depth) };
  });
  return draws.shuffled(floats);
};

const lake: Ground = (stage) => {
  const { draws, drawing, width, height, horizon, season, light } = stage;
  const shore = horizon + 60;
  const id = drawing.id();
  const rock = mix(colour('#5b6b82'), colour(grass[season]), 0.3);
  const clip = drawing.id();
  drawing.within('clipPath', { id: clip }, () => drawing.add('rect', { width, height: shore }));
  drawing.within('g', { id, 'clip-path': `url(#${clip})` }, () => {
    for (const [i, distance] of [0.8, 0.56, 0.3].entries()) {
      const y = horizon + 18 + i * 22;
      const line = jagged(draws, width, y, 240 - i * 72, 3 + i);
      ridge(stage, line, rock, distance, false);
      if (i < 2) faces(stage, line, distance, stage.sun.x, i === 0 && draws.chance(0.6));
      if (i === 2) conifers(stage, line, distance, 44, 60);
    }
  });
  water(stage, shore, height);
  drawing.within('g', { opacity: 0.42, transform: `translate(0 ${2 * shore}) scale(1 -1)` }, () =>
    drawing.add('use', { href: `#${id}` }),
  );
  const ripples = new Path();
  for (let i = 0; i < 16; i++) {
    const y = shore + 4 + i ** 1.55 * 4.6;
    ripples.box(draws.next() * width * 0.6 - 40, y, width * between(0.2, 0.7, draws.next()), between(1, 3, i / 16));
  }
  fill(stage, ripples, mix(light.sky[3], light.sun, 0.3), { 'fill-opacity': 0.22 });
  mist(stage, shore, 0.4);
  const bank = rolling(draws, width, height * 0.95, 34, { knots: 3, octaves: 2, points: 14 });
  ridge(stage, bank, mix(grassOf(season), light.near, 0.5), 0.02, true);
  reeds(stage, bank);
  stage.facts.push({ kind: 'thing', text: 'still reflection' });
  return [
    ...[0.3, 0.55].map((share): Spot => ({ x: width * between(0.2, 0.8, draws.next()), y: between(shore, height, share), scale: 0.5 + share * 0.6 })),
    ...spotsOn(stage, bank, 0.1),
  ];
};

function reeds(stage: Stage, line: readonly Point[]): void {
  const { draws, width, light, drawing } = stage;
  const path = new Path();
  const heads = new Path();
  for (const side of [draws.next() * 0.25, 0.75 + draws.next() * 0.2]) {
    for (let i = 0; i < 14; i++) {
      const x = width * side + (draws.next() - 0.5) * 190;
      const y = heightAt(line, x) + 8;
      const tall = between(50, 150, draws.next());
      const lean = (draws.next() - 0.5) * 44;
      path.to(x, y).quad(x, y - tall * 0.6, x + lean, y - tall);
      if (draws.chance(0.4)) heads.to(x + lean, y - tall - 16).line(x + lean * 0.94, y - tall + 12);
    }
  }
  const ink = css(mix(light.near, light.sky[0], 0.08));
  drawing.add('path', { d: path.d, fill: 'none', stroke: ink, 'stroke-width': 2.6, 'stroke-linecap': 'round' });
  if (heads.d !== '')
    drawing.add('path', { d: heads.d, fill: 'none', stroke: ink, 'stroke-width': 8, 'stroke-linecap': 'round' });
  stage.facts.push({ kind: 'thing', text: 'reeds' });
}

const city: Ground = (stage) => {
  const { draws, width, height, horizon, light, drawing } = stage;
  const dark = light.hour === 'night' || light.hour === 'dusk' || light.hour === 'dawn';
  const glow = colour('#ffd98a');
  for (let layer = 0; layer < 4; layer++) {
    const share = layer / 3;
    const base = between(horizon + 40, height * 1.02, share ** 1.2);
    const distance = between(0.8, 0.05, share);
    const own = mix(colour('#5a6478'), colour(draws.pick(['#8a5a4e', '#4e6a7a', '#7a6a8a'])), 0.5);
    const path = new Path();
    const panes = new Path();
    for (let x = -30; x < width + 20; ) {
      const w = between(38, 92, draws.next()) * between(0.75, 1.75, share);
      const h = between(60, 330, draws.next() ** 1.7) * between(0.85, 1.2, share);
      const top = base - h;
      const roof = draws.whole(0, 7);
      path.to(x, height).line(x, top);
      if (roof === 0) path.line(x + w / 2, top - w * 0.42).line(x + w, top);
      else if (roof === 1) path.line(x + w * 0.25, top).line(x + w * 0.25, top - 18).line(x + w * 0.75, top - 18).line(x + w * 0.75, top).line(x + w, top);
      else if (roof === 2) path.line(x + w * 0.5 - 2, top).line(x + w * 0.5 - 1, top - 62).line(x + w * 0.5 + 1, top - 62).line(x + w * 0.5 + 2, top).line(x + w, top);
      else if (roof === 3) path.arc(w / 2, w / 2.6, x + w, top, 0, 1);
      else path.line(x + w, top);
      path.line(x + w, height).close();
      if (layer > 0) {
        const [pw, ph] = [between(5, 9, share), between(8, 13, share)];
        const lit = dark ? 0.44 : 0.16;
        for (let row = top + 16; row < Math.min(base, top + 260) - 14; row += ph * 2.1)
          for (let at = x + 9; at < x + w - pw - 5; at += pw * 2.25) if (draws.chance(lit)) panes.box(at, row, pw, ph);
      }
      x += w + (draws.chance(0.3) ? between(4, 26, draws.next()) : 0);
    }
    fill(stage, path, linearAcross(drawing, [[0, seen(light, own, distance)], [1, seen(light, own, Math.min(1, distance + 0.3))]], [0, base - 300, 0, base + 60]));
    if (panes.d !== '')
      fill(stage, panes, dark ? glow : mix(seen(light, own, distance), light.sky[2], 0.6), { 'fill-opacity': dark ? between(0.5, 0.95, share) : 0.7 });
    if (layer < 3) mist(stage, base - 20, 0.2);
  }
  if (dark) stage.facts.push({ kind: 'thing', text: 'lit windows' });
  stage.facts.push({ kind: 'thing', text: 'rooftops' });
  return [];
};

/** Where things can stand on a line of ground, left to right in thirds so that they do not crowd. */
function spotsOn(stage: Stage, line: readonly Point[], deeper: number): Spot[] {
  const { draws, width, height } = stage;
  const spots = Array.from({ length: 6 }, (_, i): Spot => {
    const x = width * (0.08 + 0.84 * ((i + 0.2 + 0.6 * draws.next()) / 6));
    const top = heightAt(line, x);
    const down = draws.next() * deeper;
    return { x, y: between(top + 4, height - 20, down), scale: 0.9 + down * 1.2 };
  });
  return draws.shuffled(spots);
}

export const grounds: Readonly<Record<Exclude<Biome, 'orbit' | 'room'>, Ground>> = {
  mountains,
  hills,
  forest,
  desert,
  sea,
  lake,
  city,
};
