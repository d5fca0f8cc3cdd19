import { css, lch, mix } from '../../drawing/colour.ts';
import { between } from '../../drawing/numbers.ts';
import { radial } from '../../drawing/paint.ts';
import { Path } from '../../drawing/path.ts';
import { lexicon } from '../../words/prompt.ts';
import { mist } from './ridge.ts';
import { fill, type Season, type Stage, type Weather } from './stage.ts';

export const weathers = lexicon<Weather>({
  clear: 'clear calm sunny still blue_sky',
  cloudy: 'cloudy cloud clouds overcast grey gray',
  fog: 'fog mist misty foggy haze hazy fog_bank',
  rain: 'rain rainy drizzle shower wet downpour puddle',
  snow: 'snow snowy blizzard flurry frost sleet',
  storm: 'storm stormy thunder lightning squall gale',
  wind: 'wind windy breeze gust',
});
export const seasons = lexicon<Season>({
  spring: 'spring april may blossom bloom',
  summer: 'summer june july august heat',
  autumn: 'autumn fall september october november harvest leaves',
  winter: 'winter december january february ice frozen snow snowy frost',
});
export const weatherWords: Readonly<Record<Weather, string>> = {
  clear: 'clear sky',
  cloudy: 'clouds',
  fog: 'fog bank',
  rain: 'rain',
  snow: 'falling snow',
  storm: 'lightning',
  wind: 'wind-drawn clouds',
};

/** What falls or drifts between the land and the eye. */
export function paintWeather(stage: Stage): void {
  const { weather, height, horizon } = stage;
  if (weather === 'fog') for (const share of [0.02, 0.26, 0.55]) mist(stage, between(horizon, height, share), 0.58);
  if (weather === 'rain' || weather === 'storm') paintRain(stage);
  if (weather === 'snow') paintSnow(stage);
  if (weather === 'storm') paintLightning(stage);
}

function paintRain({ drawing, draws, width, height, light, facts }: Stage): void {
  const slant = between(0.12, 0.42, draws.next());
  for (const [count, long, thick, opacity] of [
    [120, 34, 1.2, 0.3],
    [60, 62, 1.9, 0.4],
  ] as const) {
    const path = new Path();
    for (let i = 0; i < count; i++) {
      const x = draws.next() * (width + 200) - 100;
      const y = draws.next() * height - 40;
      path.to(x, y).line(x - long * slant, y + long);
    }
    drawing.add('path', {
      d: path.d,
      fill: 'none',
      stroke: css(mix(light.sun, lch(0.9, 0.02, 240), 0.6)),
      'stroke-width': thick,
      'stroke-opacity': opacity,
      'stroke-linecap': 'round',
    });
  }
  facts.push({ kind: 'weather', text: 'rain' });
}

function paintSnow(stage: Stage): void {
  const { draws, width, height } = stage;
  for (const [count, r, opacity] of [
    [110, 2, 0.6],
    [60, 3.6, 0.8],
    [22, 6.2, 0.9],
  ] as const) {
    const path = new Path();
    for (let i = 0; i < count; i++) {
      const size = r * between(0.7, 1.3, draws.next());
      path.circle(draws.next() * width, draws.next() * height, size);
    }
    fill(stage, path, lch(0.98, 0.008, 230), { 'fill-opacity': opacity });
  }
  stage.facts.push({ kind: 'weather', text: 'falling snow' });
}

function paintLightning(stage: Stage): void {
  const { drawing, draws, width, horizon } = stage;
  let x = width * between(0.2, 0.8, draws.next());
  const glow = radial(drawing, [
    [0, lch(0.97, 0.04, 95), 0.5],
    [1, lch(0.97, 0.04, 95), 0],
  ]);
  drawing.add('ellipse', { cx: x, cy: horizon * 0.3, rx: 330, ry: 260, fill: glow });
  const path = new Path().to(x, horizon * 0.16);
  for (let y = horizon * 0.16; y < horizon; y += between(30, 70, draws.next())) {
    x += (draws.next() - 0.5) * 84;
    path.line(x, y);
    if (draws.chance(0.25)) path.line(x + (draws.next() - 0.5) * 190, y + 64).to(x, y);
  }
  for (const [wide, opacity] of [
    [14, 0.25],
    [4.5, 1],
  ] as const)
    drawing.add('path', {
      d: path.d,
      fill: 'none',
      stroke: css(lch(0.98, 0.03, 95)),
      'stroke-width': wide,
      'stroke-opacity': opacity,
      'stroke-linejoin': 'round',
    });
  stage.facts.push({ kind: 'weather', text: 'lightning' });
}
