import { type Colour, colour, lch, mix } from '../../drawing/colour.ts';
import { between } from '../../drawing/numbers.ts';
import { linear, linearAcross } from '../../drawing/paint.ts';
import { Path, type Point } from '../../drawing/path.ts';
import { seen } from './light.ts';
import { heightAt } from './noise.ts';
import { below, fill, type Season, type Spot, type Stage } from './stage.ts';

export const grass: Readonly<Record<Season, string>> = {
  spring: '#7fae4e',
  summer: '#4f8f4a',
  autumn: '#b8813a',
  winter: '#d9e2ea',
};

export const woods: Readonly<Record<Season, string>> = {
  spring: '#4f8a5a',
  summer: '#2f6b4a',
  autumn: '#a85a2e',
  winter: '#5d7a80',
};

export const grassOf = (season: Season): Colour => colour(grass[season]);

/** Draws the land and answers where things may stand. */
export type Ground = (stage: Stage) => Spot[];

export const ridge = (stage: Stage, line: readonly Point[], own: Colour, distance: number, smooth: boolean): void => {
  const { drawing, height } = stage;
  const top = seen(stage.light, own, distance);
  const base = seen(stage.light, own, Math.min(1, distance + 0.28));
  const path = smooth ? new Path().through(line) : new Path().straight(line);
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

/** The sides of peaks that the light reaches, and snow near the summits. */
export function faces(stage: Stage, line: readonly Point[], distance: number, sunX: number, snow: boolean): void {
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
    path
      .line(x - w * 0.24, y - h * 0.6)
      .line(x - w * 0.5, y - h * 0.58)
      .close();
  }
  const own = mix(colour(woods[season]), light.near, 0.45);
  fill(stage, path, seen(light, own, distance));
}

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

/** Where things can stand on a line of ground, left to right in thirds so that they do not crowd. */
export function spotsOn(stage: Stage, line: readonly Point[], deeper: number): Spot[] {
  const { draws, width, height } = stage;
  const spots = Array.from({ length: 6 }, (_, i): Spot => {
    const x = width * (0.08 + 0.84 * ((i + 0.2 + 0.6 * draws.next()) / 6));
    const top = heightAt(line, x);
    const down = draws.next() * deeper;
    return { x, y: between(top + 4, height - 20, down), scale: 0.9 + down * 1.2 };
  });
  return draws.shuffled(spots);
}
