import { css, lch, lighter, mix } from '../../drawing/colour.ts';
import { between } from '../../drawing/numbers.ts';
import { linear, radial } from '../../drawing/paint.ts';
import { Path } from '../../drawing/path.ts';
import { fill, type Stage } from './stage.ts';

export function paintSky(stage: Stage): void {
  const { drawing, light, width, height, horizon, weather } = stage;
  const grey =
    weather === 'storm' ? 0.62 : weather === 'rain' ? 0.42 : weather === 'fog' || weather === 'snow' ? 0.3 : 0;
  const dull = light.sky.map((colour) =>
    mix(colour, lch(colour.l * (weather === 'storm' ? 0.62 : 0.92), 0.018, 250), grey),
  );
  const [top, upper, lower, low] = dull as [typeof light.sun, typeof light.sun, typeof light.sun, typeof light.sun];
  light.sky = [top, upper, lower, low];
  const base = horizon / height;
  const paint = linear(drawing, [
    [0, top],
    [base * 0.42, upper],
    [base * 0.8, lower],
    [base, low],
  ]);
  drawing.add('rect', { width, height, fill: paint });
  if (light.hour === 'night' || (light.hour === 'dusk' && weather === 'clear')) paintStars(stage);
  if (weather !== 'storm' && weather !== 'rain') paintSun(stage);
  if (weather !== 'clear' || stage.draws.chance(0.65)) paintClouds(stage);
  if (light.hour === 'night' && weather === 'clear' && (stage.prompt.has('aurora') || stage.draws.chance(0.22)))
    paintAurora(stage);
}

function paintStars({ drawing, draws, light, width, horizon, weather }: Stage): void {
  if (weather === 'fog' || weather === 'rain' || weather === 'storm') return;
  const few = light.hour === 'dusk';
  for (const [r, count] of [
    [0.9, few ? 22 : 90],
    [1.5, few ? 9 : 40],
    [2.3, few ? 3 : 11],
  ] as const) {
    const path = new Path();
    for (let i = 0; i < count; i++) {
      const y = draws.next() ** 1.5 * horizon * (few ? 0.55 : 0.92);
      path.box(draws.next() * width, y, r, r);
    }
    drawing.add('path', { d: path.d, fill: css(light.sun), 'fill-opacity': between(0.5, 0.95, r / 2.3) });
  }
}

function paintSun(stage: Stage): void {
  const { drawing, light, sun, weather, draws } = stage;
  const night = light.hour === 'night';
  const strength = weather === 'fog' || weather === 'snow' ? 0.4 : weather === 'cloudy' ? 0.6 : 0.9;
  const glow = radial(drawing, [
    [0, light.sun, strength * (night ? 0.42 : 0.75)],
    [0.35, light.sun, strength * 0.22],
    [1, light.sun, 0],
  ]);
  drawing.add('circle', { cx: sun.x, cy: sun.y, r: sun.r * (night ? 5 : 7), fill: glow });
  drawing.add('circle', { cx: sun.x, cy: sun.y, r: sun.r, fill: css(light.sun), 'fill-opacity': night ? 1 : 0.96 });
  if (!night) return;
  const crescent = draws.chance(0.4);
  if (crescent) {
    const shade = new Path()
      .to(sun.x, sun.y - sun.r)
      .arc(sun.r, sun.r, sun.x, sun.y + sun.r, 0, 0)
      .arc(sun.r * 1.35, sun.r * 1.35, sun.x, sun.y - sun.r, 0, 1)
      .close();
    fill(stage, shade, mix(light.sky[0], light.sky[1], 0.6), { 'fill-opacity': 0.94 });
    return;
  }
  const seas = new Path();
  for (let i = 0; i < 5; i++) {
    const angle = draws.next() * 6.28;
    const far = draws.next() * 0.6;
    seas.circle(
      sun.x + Math.cos(angle) * far * sun.r,
      sun.y + Math.sin(angle) * far * sun.r,
      sun.r * between(0.1, 0.3, draws.next()),
    );
  }
  fill(stage, seas, light.sky[2], { 'fill-opacity': 0.2 });
}

/** Flat below and heaped above, in banks that grow thinner towards the horizon. */
function paintClouds(stage: Stage): void {
  const { drawing, draws, light, width, horizon, weather } = stage;
  const heavy = weather === 'storm' || weather === 'rain' || weather === 'snow';
  const count = heavy ? 9 : weather === 'cloudy' ? 7 : weather === 'wind' ? 6 : draws.whole(2, 4);
  const lit = heavy ? mix(light.sky[1], lch(light.sky[1].l * 0.8, 0.01, 250), 0.5) : mix(light.sun, light.sky[3], 0.4);
  const shade = heavy ? lighter(light.sky[0], -0.03) : mix(light.sky[2], light.sky[1], 0.5);
  const paint = linear(drawing, [
    [0, lit, heavy ? 0.9 : 0.85],
    [1, shade, heavy ? 0.65 : 0.12],
  ]);
  for (let i = 0; i < count; i++) {
    const depth = heavy ? i / count : draws.next();
    const y = horizon * (heavy ? between(0.02, 0.5, depth) : between(0.14, 0.8, depth));
    const long = between(weather === 'wind' ? 380 : 230, 90, depth) * between(0.7, 1.3, draws.next());
    const tall = long * (weather === 'wind' ? 0.06 : heavy ? 0.3 : 0.26);
    const x = draws.next() * (width + 200) - 100;
    // Half discs on one base: the tallest near the middle, each overlapping the next.
    const path = new Path();
    const puffs = draws.whole(4, 7);
    const peak = between(0.3, 0.7, draws.next());
    for (let k = 0; k < puffs; k++) {
      const share = (k + 0.5) / puffs;
      const swell = Math.max(0.3, 1 - Math.abs(share - peak) * 1.5) * between(0.75, 1.2, draws.next());
      const half = ((long * 2) / puffs) * between(0.8, 1.05, draws.next());
      const px = x - long + 2 * long * share;
      path
        .to(px - half, y)
        .arc(half, Math.max(5, tall * swell * 1.7), px + half, y)
        .close();
    }
    fill(stage, path, paint, { 'fill-opacity': between(0.9, 0.55, depth) });
  }
  if (weather === 'cloudy' || heavy)
    stage.facts.push({ kind: 'weather', text: heavy ? 'heavy clouds' : 'cloud banks' });
}

function paintAurora(stage: Stage): void {
  const { drawing, draws, width, horizon } = stage;
  const hue = draws.pick([150, 165, 180, 320]);
  for (let band = 0; band < 3; band++) {
    const y = horizon * between(0.28, 0.6, draws.next());
    const paint = linear(drawing, [
      [0, lch(0.8, 0.17, hue + band * 14), 0],
      [0.7, lch(0.82, 0.17, hue + band * 14), 0.34],
      [1, lch(0.9, 0.12, hue), 0],
    ]);
    const phase = draws.next() * 6;
    const path = new Path();
    const line = Array.from({ length: 13 }, (_, i): [number, number] => [
      (i / 12) * (width + 80) - 40,
      y + 46 * Math.sin(i * 0.8 + phase) + 20 * Math.sin(i * 1.9 + phase),
    ]);
    path.through(line);
    path.through(
      line.toReversed().map(([x, y]): [number, number] => [x, y - 170 - 60 * Math.sin(x / 190)]),
      true,
    );
    fill(stage, path.close(), paint);
  }
  stage.facts.push({ kind: 'weather', text: 'aurora' });
}
