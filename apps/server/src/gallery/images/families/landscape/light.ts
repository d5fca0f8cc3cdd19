import type { Draws } from '#gallery/model';
import { type Colour, colour, mix, turned } from '../../drawing/colour.ts';
import { lexicon, type Prompt } from '../../words/prompt.ts';

type Hour = 'dawn' | 'morning' | 'noon' | 'golden' | 'dusk' | 'night';
export const hours = lexicon<Hour>({
  dawn: 'dawn sunrise daybreak early first_light',
  morning: 'morning breakfast bright fresh',
  noon: 'noon midday day daylight afternoon',
  golden: 'golden golden_hour sunset late_afternoon last_light amber long_shadow',
  dusk: 'dusk evening twilight gloaming sundown blue_hour',
  night: 'night midnight moon moonlight moonlit stars starry nocturne dark',
});

/** One light over everything: four colours of sky from the zenith down, the sun or moon, and what land looks like in it. */
export type Light = {
  hour: Hour;
  sky: readonly [Colour, Colour, Colour, Colour];
  sun: Colour;
  /** Land close by, nearly a silhouette. */
  near: Colour;
  /** How much of its own colour land keeps: little at night, much at noon. */
  local: number;
};

const skies: Readonly<Record<Hour, readonly string[]>> = {
  dawn: [
    '#2b3a67 #77608f #e8908a #ffd3a1 #fff0c9 #1f2a44',
    '#35607a #8fa9b3 #f2b5a0 #ffe3c2 #fff6df #1f3846',
    '#4a4e8a #a880a8 #f5a89a #ffe0b0 #fff3d0 #2b2748',
  ],
  morning: [
    '#4f9bd1 #8fc3e3 #cfe6ee #fdf1d6 #fffbe8 #17474a',
    '#5fa9b8 #a4d2cf #e3ebd6 #fff1cc #fffdf0 #1d4638',
    '#7aa6d6 #b4cfe8 #e9e4ea #ffe9d2 #fffaf0 #2a4560',
  ],
  noon: [
    '#2f86c6 #67b0de #b3dcef #eaf6f4 #ffffff #134a3f',
    '#1f8fb3 #66bfd0 #b8e3e0 #f2f7e6 #fffef2 #174d4d',
    '#3f7fc4 #7eb0e0 #c4dcf0 #f3f0e4 #fffdf4 #1e3f50',
  ],
  golden: [
    '#3d5a80 #b98a86 #f4a259 #ffe0a3 #fff4d6 #2b2236',
    '#7a4e6d #d9777f #f7b267 #ffe9b8 #fff7dd #34203a',
    '#35646e #9fae92 #f2c05c #ffe8a8 #fff8dc #23302a',
  ],
  dusk: [
    '#1c1f4a #533a7b #c2587f #ff9e6d #ffd9a8 #120f2b',
    '#14304f #2f6079 #b0868c #f7b58a #ffe2bf #0c1a2b',
    '#2d1b45 #7a2e5d #d9505a #ffa552 #ffdf9e #190c26',
    '#1f2f4f #4d6a8f #9fa8bf #f3c6b0 #fff0dc #111c30',
  ],
  night: [
    '#070b1f #0f1b3d #1f3563 #3e5c8a #f4f1de #04060f',
    '#07111a #0f2a38 #1c4a58 #4a8088 #eef4e4 #03090d',
    '#120a24 #25174a #45307a #8060a8 #f6ecff #080312',
  ],
};

/** By the prompt's words, or by chance with the soft hours favoured. */
export function lightOf(prompt: Prompt, draws: Draws): Light {
  const chance = draws.weighted({ dawn: 3, morning: 2, noon: 2, golden: 4, dusk: 4, night: 3 }) ?? 'dusk';
  const hour = prompt.find(hours) ?? chance;
  const shift = draws.whole(-9, 9);
  const [a, b, c, d, sun, near] = draws
    .pick(skies[hour])
    .split(' ')
    .map((text) => turned(colour(text), shift)) as [Colour, Colour, Colour, Colour, Colour, Colour];
  const local = { dawn: 0.35, morning: 0.75, noon: 0.9, golden: 0.52, dusk: 0.3, night: 0.14 }[hour];
  return { hour, sky: [a, b, c, d], sun, near, local };
}

/** The colour of something whose own colour is `own`, at a distance of 0 (here) to 1 (the horizon). */
export function seen(light: Light, own: Colour, distance: number): Colour {
  const here = mix(light.near, { ...own, l: own.l * (0.35 + 0.65 * light.local) }, light.local);
  const haze = mix(light.sky[3], light.sky[2], 0.45);
  return mix(here, haze, Math.min(0.94, distance ** 0.8));
}
