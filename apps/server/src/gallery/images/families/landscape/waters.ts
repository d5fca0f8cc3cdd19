import { colour, css, mix } from '../../drawing/colour.ts';
import { between } from '../../drawing/numbers.ts';
import { linear } from '../../drawing/paint.ts';
import { Path, type Point } from '../../drawing/path.ts';
import { seen } from './light.ts';
import { heightAt, jagged, rolling } from './noise.ts';
import { conifers, faces, type Ground, grass, grassOf, mist, ridge, spotsOn, woods } from './ridge.ts';
import { fill, type Spot, type Stage } from './stage.ts';

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
    crests
      .to(x, y)
      .quad(x + long / 2, y - between(1, 5, depth), x + long, y)
      .quad(x + long / 2, y - 0.4, x, y);
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
    road
      .to(x - half, y)
      .quad(x, y - thick, x + half, y)
      .quad(x, y + thick, x - half, y)
      .close();
  }
  fill(stage, road, light.sun, { 'fill-opacity': light.hour === 'noon' ? 0.5 : 0.72 });
}

export const sea: Ground = (stage) => {
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
    return {
      x: width * between(0.1, 0.9, draws.next()),
      y: horizon + depth * (height - horizon),
      scale: between(0.34, 1.35, depth),
    };
  });
  return draws.shuffled(floats);
};

export const lake: Ground = (stage) => {
  const { draws, drawing, width, height, horizon, season, light } = stage;
  const shore = Math.round(horizon + 60);
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
    ...[0.3, 0.55].map(
      (share): Spot => ({
        x: width * between(0.2, 0.8, draws.next()),
        y: between(shore, height, share),
        scale: 0.5 + share * 0.6,
      }),
    ),
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
