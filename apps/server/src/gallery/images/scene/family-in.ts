import { type SceneFamily, sceneFamilies } from '@muster/protocol';
import { drawsOf } from '#gallery/model';
import { lexicon, Prompt } from '../words/prompt.ts';

const said = lexicon<Exclude<SceneFamily, 'qr'>>({
  landscape: 'landscape scene view sea mountain sky forest sunset hill valley lake harbor harbour bay city desert',
  pixel: 'pixel sprite 8-bit 8bit creature pixels sprites',
  chart: 'chart graph bar plot statistics data histogram',
  poster: 'poster concert gig flyer event festival',
  pattern: 'pattern tile wallpaper mosaic texture repeat',
  product: 'product tool gadget object mug lamp catalogue catalog',
  card: 'card dish recipe menu soup note meal',
});

/** The family that a prompt asks for, or one by chance; never a code, which needs an address. */
export function familyIn(prompt: string, seed: number): SceneFamily {
  const draws = drawsOf('family', seed, prompt);
  return new Prompt(prompt).find(said) ?? draws.pick(sceneFamilies.filter((family) => family !== 'qr'));
}
