import { colour, mix } from '../../drawing/colour.ts';
import { lexicon } from '../../words/prompt.ts';
import type { Biome } from './ground.ts';
import type { ThingPainter } from './stage.ts';
import { type Spot, type Stage } from './stage.ts';
import { floatingThings } from './things-afloat.ts';
import { builtThings } from './things-built.ts';
import { grownThings } from './things-grown.ts';

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

const painters: Readonly<Record<Thing, ThingPainter>> = { ...floatingThings, ...builtThings, ...grownThings };

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
