import type { SceneFamily } from '@muster/protocol';
import type { Draws, Situation } from '#gallery/model';
import { compose, pickRule, sentenced, spoken } from './speak.ts';
import { stageForPost } from './stage.ts';

export type Posted = { prompt: string; caption: string; alt: string; tags: string[]; family: SceneFamily; why: string };

const familyWords: Readonly<Record<SceneFamily, { a: string; tag: string }>> = {
  landscape: { a: 'A landscape', tag: 'landscape' },
  pixel: { a: 'A pixel drawing', tag: 'pixel art' },
  chart: { a: 'A chart', tag: 'chart' },
  poster: { a: 'A poster', tag: 'poster' },
  pattern: { a: 'A pattern', tag: 'pattern' },
  product: { a: 'A catalogue drawing', tag: 'product' },
  card: { a: 'An illustrated card', tag: 'card' },
  qr: { a: 'A framed code', tag: 'code' },
};

/** Something of its own: prompt and caption speak of the same motif with the same words. */
export function sayPost(situation: Situation, draws: Draws): Posted | undefined {
  const stage = stageForPost(situation, draws);
  const { grammar, motif } = stage;
  const family = draws.weighted(situation.families);
  if (!family) return undefined;
  const rule = pickRule(grammar.prompts, stage);
  const prompt = rule ? spoken(rule, stage).replaceAll(/\s+/g, ' ').trim() : motif.bare;
  const made = compose(grammar.captions, { ...stage, style: calm(situation.style) }, { aside: 0.45 });
  const words = familyWords[family];
  return {
    prompt,
    caption: made?.text ?? sentenced(`${motif.bare}.`, stage),
    alt: `${words.a} of ${motif.a}, drawn by a program.`,
    tags: tagsOf(motif.bare, words.tag, situation.interests, draws),
    family,
    why: `wanted to show ${motif.the}, which its last texts did not`,
  };
}

/** Captions may run a little longer than comments, and do not ask for attention. */
const calm = (style: Situation['style']): Situation['style'] => ({
  ...style,
  lengthWords: [Math.min(style.lengthWords[0], 6), Math.max(14, style.lengthWords[1] + 4)],
  emoji: style.emoji / 2,
});

function tagsOf(motif: string, family: string, interests: readonly string[], draws: Draws): string[] {
  const own = motif.replace(/^(?:the|an?)\s+/i, '').toLowerCase();
  const interest = interests.length > 0 ? draws.pick(interests).toLowerCase() : undefined;
  const all = [own, family, ...(interest ? [interest] : [])];
  return [...new Set(all.filter((tag) => tag.length <= 40 && tag.split(' ').length <= 4))].slice(0, 4);
}
