import type { Draws } from '#gallery/model';
import { lexicon, type Prompt } from '../words/prompt.ts';
import { type Colour, colour, lch, turned } from './colour.ts';

type Mood = 'warm' | 'cool' | 'earthy' | 'bright' | 'soft' | 'dark';
const moods = lexicon<Mood>({
  warm: 'warm cosy cozy sun sunny summer fire amber spice autumn love affectionate',
  cool: 'cool sea ice winter calm water rain blue quiet fresh minimal',
  earthy: 'earthy clay wood forest moss stone natural brown rustic tile harvest old',
  bright: 'bright loud party happy joy pop festival playful neon dance punk bold',
  soft: 'soft gentle pastel tender dream spring sleepy kind slow morning',
  dark: 'dark night noir midnight deep moody blues jazz heavy metal late shadow',
});

/** Paper, ink, and four colours that go with both. */
export type Palette = { paper: Colour; ink: Colour; inks: readonly [Colour, Colour, Colour, Colour]; mood: Mood };

const chosen: Readonly<Record<Mood, readonly string[]>> = {
  warm: [
    '#fbf1dc #2b1a1f #d9472b #f2a541 #1f6f78 #7a2e3a',
    '#f7e6cf #33211d #e2703a #9c3d54 #f3c969 #2d4739',
    '#fff3e2 #24202e #ef6351 #f7b267 #5b507a #f2d7b6',
    '#f5e3c8 #1f2a30 #c8553d #588b8b #f28f3b #ffd5c2',
  ],
  cool: [
    '#eef4f2 #12263a #1b6ca8 #56b4a9 #f2b880 #274c6b',
    '#e7eff5 #14213d #3a7ca5 #81c3d7 #d9dcd6 #f4a259',
    '#f1f5f0 #0d2b33 #177e89 #7fc8a9 #f5cb5c #085061',
    '#eaf0f7 #1d2440 #4361a8 #89a8d8 #f07167 #274069',
  ],
  earthy: [
    '#f3ead7 #2c2a25 #6b7f4f #b5651d #d9b26f #3f5b57',
    '#efe6d5 #292420 #8a5a44 #606c38 #dda15e #283618',
    '#f5efe0 #22302c #4f6d5e #c17c4a #e3c78a #7d4e3c',
    '#ece5d8 #2a2d34 #7f5539 #9c8a6a #5c7c74 #d08c60',
  ],
  bright: [
    '#fff6e5 #1a1a2e #ff4d4d #ffc93c #2bb3c0 #5a3fc0',
    '#fdf4ea #14142b #f72585 #ffb703 #219ebc #3a0ca3',
    '#fffaf0 #10222b #ff6b35 #f7c548 #00a896 #2d3a8c',
    '#fef5ef #221a3a #e63973 #f9b72f #2aa876 #2b59c3',
  ],
  soft: [
    '#fbf4f0 #3d3348 #e8a9a0 #a7c4bc #f3d6a4 #8f86b8',
    '#f6f3ea #35404a #b8c8a0 #e3b7b0 #9fb8cf #d8a574',
    '#faf0f2 #402f3f #d998b0 #f2c9a8 #98b6b0 #7d7aa8',
    '#f2f5ee #2f3d3b #9dbfa8 #f0c39a #d98d86 #7d9fb5',
  ],
  dark: [
    '#151a2d #f4ead2 #e2604a #f0b54a #3f8f96 #5b4a8a',
    '#14110f #f3e9dc #c9402f #e0a33e #7d8f69 #4f6d7a',
    '#1b1030 #f7ecf5 #d84a8a #f2a65a #6a5acd #3fb8a8',
    '#0e1f24 #eaf2e6 #4fb39a #e8c468 #d9624f #2f5d68',
  ],
};

const tints = lexicon<'red' | 'orange' | 'yellow' | 'green' | 'teal' | 'blue' | 'violet' | 'pink'>({
  red: 'red crimson scarlet',
  orange: 'orange copper rust',
  yellow: 'yellow gold mustard honey',
  green: 'green olive mint emerald',
  teal: 'teal turquoise cyan',
  blue: 'blue indigo navy cobalt',
  violet: 'violet purple lilac lavender',
  pink: 'pink rose magenta',
});
const hueOf = { red: 28, orange: 52, yellow: 88, green: 145, teal: 195, blue: 252, violet: 300, pink: 355 };

/** By the mood and the colour that the prompt names, or by chance. */
export function paletteOf(prompt: Prompt, draws: Draws, favoured: Partial<Record<Mood, number>> = {}): Palette {
  const weights = { warm: 3, cool: 3, earthy: 3, bright: 3, soft: 2, dark: 2, ...favoured };
  const chance = draws.weighted<Mood>(weights) ?? 'warm';
  const mood = prompt.find(moods) ?? chance;
  const shift = draws.whole(-8, 8);
  const [paper, ink, ...inks] = draws
    .pick(chosen[mood])
    .split(' ')
    .map((text) => turned(colour(text), shift)) as [Colour, Colour, Colour, Colour, Colour, Colour];
  const tint = prompt.find(tints);
  if (tint !== undefined) {
    const hue = hueOf[tint];
    inks[0] = lch(mood === 'dark' ? 0.68 : tint === 'yellow' ? 0.8 : 0.58, 0.16, hue);
  }
  return { paper, ink, inks, mood };
}
