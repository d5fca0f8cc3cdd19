import { type Colour, colour, css, lighter, mix } from '../../drawing/colour.ts';
import { between } from '../../drawing/numbers.ts';
import { linearAcross } from '../../drawing/paint.ts';
import { Path, type Point } from '../../drawing/path.ts';
import { seen } from './light.ts';
import { heightAt, jagged, rolling } from './noise.ts';
import { conifers, faces, type Ground, grass, grassOf, mist, ridge, spotsOn, woods } from './ridge.ts';
import { below, fill, type Stage } from './stage.ts';

export const mountains: Ground = (stage) => {
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

export const hills: Ground = (stage) => {
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

function roundTrees(stage: Stage, line: readonly Point[], distance: number, size: number, count: number): void {
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

export const forest: Ground = (stage) => {
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

export const desert: Ground = (stage) => {
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
  // Sand keeps its own colour longer than woods do.
  light.local = Math.max(0.42, light.local);
  let line: Point[] = [];
  for (let i = 0; i < layers; i++) {
    const share = (i + 1) / layers;
    const y = between(horizon + 6, height * 0.84, share);
    const distance = between(0.62, 0.04, share);
    line = rolling(draws, width, y, between(26, 74, share), { knots: 2, octaves: 1, points: 10 });
    ridge(stage, line, sand, distance, true);
    // The side away from the sun: from the crest along the dune, and back by a swinging edge.
    const inner = line.slice(2, -2);
    const crest = inner.reduce((best, point) => (point[1] < best[1] ? point : best), inner[0] ?? [0, 0]);
    const away = sun.x < crest[0] ? 1 : -1;
    const side = line.filter(([x]) => (away > 0 ? x >= crest[0] : x <= crest[0]));
    const edge = away > 0 ? side : side.toReversed();
    const end = edge.at(-1) ?? crest;
    const foot = crest[1] + between(150, 260, draws.next());
    const shade = new Path()
      .through(edge)
      .line(end[0], foot + 60)
      .line(crest[0] + away * 330, foot + 60)
      .cubic(
        crest[0] + away * 240,
        foot - 30,
        crest[0] + away * 60,
        crest[1] + 130,
        crest[0] + away * 46,
        crest[1] + 74,
      )
      .quad(crest[0] + away * 34, crest[1] + 26, crest[0], crest[1])
      .close();
    const ink = mix(seen(light, sand, distance), light.near, 0.4);
    const paint = linearAcross(
      drawing,
      [
        [0, ink, 0.8],
        [0.55, ink, 0.4],
        [1, ink, 0],
      ],
      [0, crest[1], 0, foot + 50],
    );
    fill(stage, shade, paint);
  }
  stage.facts.push({ kind: 'thing', text: 'sand dunes' });
  return spotsOn(stage, line, 0.3);
};
