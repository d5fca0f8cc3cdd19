import { between } from '../../drawing/numbers.ts';
import type { Family, Sketch } from '../../drawing/sketch.ts';
import { Drawing } from '../../drawing/svg.ts';
import { counted, listed, sentence } from '../../words/sentence.ts';
import { type Biome, biomes, grounds, places } from './ground.ts';
import { lightOf } from './light.ts';
import { paintOrbit } from './orbit.ts';
import { paintRoom } from './room.ts';
import { paintSky } from './sky.ts';
import type { Season, Spot, Stage, Weather } from './stage.ts';
import { afloat, airborne, naturals, paintThing, type Thing, things } from './things.ts';
import { paintWeather, seasons, weathers, weatherWords } from './weather.ts';

const thingsMax = 5;
const hourWords = {
  dawn: 'dawn',
  morning: 'morning light',
  noon: 'noon',
  golden: 'golden hour',
  dusk: 'dusk',
  night: 'night',
};

/** Layered land or water under one light, what the weather does to it, and a few things that stand there. */
export const landscape: Family = ({ draws, prompt }) => {
  const [width, height] = [1200, 900];
  const biome =
    prompt.find(biomes) ??
    draws.weighted<Biome>({
      mountains: 4,
      hills: 4,
      forest: 3,
      desert: 3,
      sea: 5,
      lake: 3,
      city: 3,
      orbit: 2,
      room: 1,
    }) ??
    'hills';
  const light = lightOf(prompt, draws);
  const weather =
    prompt.find(weathers) ??
    draws.weighted<Weather>({ clear: 7, cloudy: 3, fog: 2, rain: 1, snow: 1, storm: 0.5, wind: 1 }) ??
    'clear';
  const season =
    prompt.find(seasons) ??
    (weather === 'snow'
      ? 'winter'
      : (draws.weighted<Season>({ spring: 2, summer: 4, autumn: 3, winter: 2 }) ?? 'summer'));
  const horizon = height * (biome === 'sea' ? between(0.46, 0.6, draws.next()) : between(0.5, 0.6, draws.next()));
  const low = light.hour === 'dawn' || light.hour === 'golden' || light.hour === 'dusk';
  const stage: Stage = {
    drawing: new Drawing(width, height),
    draws,
    prompt,
    light,
    season,
    weather: biome === 'desert' && weather === 'snow' && prompt.find(weathers) === undefined ? 'clear' : weather,
    width,
    height,
    horizon,
    sun: {
      x: width * draws.pick([between(0.16, 0.36, draws.next()), between(0.62, 0.84, draws.next())]),
      y: low ? horizon - between(26, 150, draws.next()) : height * between(0.12, 0.26, draws.next()),
      r:
        light.hour === 'night'
          ? between(34, 54, draws.next())
          : low
            ? between(48, 84, draws.next())
            : between(36, 50, draws.next()),
    },
    facts: [],
  };
  if (biome === 'room' || biome === 'orbit') return indoors(stage, biome);

  stage.facts.push({ kind: 'place', text: places[biome] }, { kind: 'time', text: hourWords[light.hour] });
  paintSky(stage);
  const spots = grounds[biome](stage);
  const named = paintThings(stage, biome, spots);
  paintWeather(stage);
  if (weather === 'wind' || weather === 'fog') stage.facts.push({ kind: 'weather', text: weatherWords[weather] });
  const sky =
    stage.weather === 'clear'
      ? ''
      : ` in ${stage.weather === 'wind' ? 'wind' : stage.weather === 'snow' ? 'falling snow' : stage.weather === 'storm' ? 'a storm' : stage.weather === 'cloudy' ? 'clouds' : stage.weather}`;
  const alt = sentence(
    `${counted(places[biome], biome === 'hills' ? 2 : 1).replace(/^two rolling hills$/, 'rolling hills')} at ${hourWords[light.hour]}${sky}${named.length > 0 ? `, with ${listed(named)}` : ''}`,
  );
  return sketch(stage, alt);
};

function paintThings(stage: Stage, biome: Biome, spots: readonly Spot[]): string[] {
  const { draws, prompt, width, horizon, light } = stage;
  const asked = prompt
    .all(things)
    .filter((thing) => biome === 'sea' || biome === 'lake' || !afloat.has(thing) || thing === 'lighthouse');
  const said = prompt.number();
  const count = Math.min(
    thingsMax,
    said ?? (asked.length > 0 ? Math.max(asked.length, draws.whole(1, 3)) : draws.whole(0, 3)),
  );
  const kinds = asked.length > 0 ? asked : draws.shuffled(naturals[biome]).slice(0, 2);
  if (kinds.length === 0) return [];
  const drawn = new Map<string, { count: number; thing: Thing }>();
  const places = Array.from({ length: count }, (_, i) => {
    const thing = kinds[i % kinds.length] ?? 'gull';
    const air: Spot = {
      x: width * between(0.15, 0.85, draws.next()),
      y: horizon * between(0.25, 0.72, draws.next()),
      scale: between(0.55, 1.1, draws.next()),
    };
    return { thing, spot: airborne.has(thing) ? air : spots[i % Math.max(1, spots.length)] };
  });
  // Far ones first, so that near ones stand before them.
  places.sort((a, b) => (a.spot?.y ?? 0) - (b.spot?.y ?? 0));
  for (const { thing, spot } of places) {
    if (!spot) continue;
    const name = paintThing(stage, thing, spot);
    drawn.set(name, { count: (drawn.get(name)?.count ?? 0) + 1, thing });
  }
  const named = [...drawn].map(([name, { count }]) => (name === 'gull' ? 'a row of gulls' : counted(name, count)));
  for (const [name, { count }] of drawn) {
    stage.facts.push({ kind: 'thing', text: name === 'gull' ? 'gull row' : name });
    if (count > 1) stage.facts.push({ kind: 'number', text: counted(name === 'gull' ? 'gull row' : name, count) });
  }
  void light;
  return named;
}

function indoors(stage: Stage, biome: 'room' | 'orbit'): Sketch {
  stage.facts.push({ kind: 'place', text: places[biome] });
  const named = biome === 'room' ? paintRoom(stage) : paintOrbit(stage);
  if (biome === 'room') stage.facts.push({ kind: 'time', text: hourWords[stage.light.hour] });
  const where =
    biome === 'room' ? `An empty room at ${hourWords[stage.light.hour]}` : 'A small sky over a moon horizon';
  return sketch(stage, sentence(`${where}, with ${listed(named.map((name) => counted(name, 1)))}`));
}

const sketch = (stage: Stage, alt: string): Sketch => ({
  drawing: stage.drawing,
  facts: stage.facts,
  alt,
  palette: [...stage.light.sky.toReversed(), stage.light.near, stage.light.sun],
  words: [],
});
