import type { BotRow } from '#gallery/model';
import { must, newId } from '#kernel/base';
import { endingOfThrow } from './act-fault.ts';
import type { Due, Loop, PreviewStep } from './contract.ts';
import { nextThink } from './next-think.ts';
import { whenDraws } from './schedule.ts';
import { beginOne, type One } from './think-one.ts';
import type { ThinkParts } from './think-parts.ts';
import { check, decide, findOffers, recallAll } from './think-steps.ts';
import { sceneOf } from './write-image.ts';

const never = new AbortController().signal;
const stepsMax = 10;

/**
 * What a bot would do next: the very steps of a think, up to where an effect would begin. Nothing is written, no text is
 * taken for said, no act for done; a paid mind is asked only when it may cost, and then the spend is settled like any other.
 */
export async function previewBot(
  parts: ThinkParts,
  bot: BotRow,
  options: Parameters<Loop['preview']>[1],
): Promise<PreviewStep[]> {
  const { deps } = parts;
  const steps: PreviewStep[] = [];
  let at = options.at ?? deps.clock.now();
  let row = bot;
  for (let n = 0; n < Math.min(options.steps, stepsMax); n++) {
    const due: Due = { bot: row, dueAt: at, term: 0n, signal: never, may: () => true };
    const one = await beginOne(deps, due, at, {
      thoughtId: newId('activity', deps.clock.now()),
      ...(options.seed === undefined ? {} : { seed: options.seed }),
      traits: options.mind === undefined ? {} : { mind: options.mind },
    });
    steps.push(await previewStep(parts, options.spend ? one : freeOf(parts, one)));
    const { traits, target, fleet } = one;
    const draws = whenDraws(options.seed ?? fleet.seed, row.id, row.thinkNo + 1);
    at = nextThink({ traits, share: target.share, from: at, draws }).at;
    row = { ...row, thinkNo: row.thinkNo + 1 };
  }
  return steps;
}

/** A mind that costs is not asked unless that was said: the offline one speaks in its place. */
function freeOf(parts: ThinkParts, one: One): One {
  if (parts.mindOf(one).kind === 'free') return one;
  return { ...one, traits: { ...one.traits, mind: 'improv', decide: 'odds' } };
}

async function previewStep(parts: ThinkParts, one: One): Promise<PreviewStep> {
  const idle = { do: 'nothing', on: -1, why: '', text: '', prompt: '', caption: '', alt: '', tags: [] } as const;
  try {
    one.world = await parts.watch(one).look(one.at);
    await parts.fleetWords(one);
    await recallAll(parts, [one]);
    await findOffers(parts, one);
    await decide(parts, one);
    await check(parts, one);
    if (one.planned?.kind === 'post') {
      const scene = sceneOf(parts.deps, one, must(one.decided, 'a decision').decision);
      if (scene) one.scene = scene;
    }
  } catch (thrown) {
    const ending = endingOfThrow(thrown, one);
    one.verdicts.push({ check: ending.result, ok: false, reason: ending.reason });
  } finally {
    parts.pending(one).delete(one.thoughtId);
    await parts.settle(one);
  }
  return {
    at: one.at,
    candidates: (one.seen?.offers ?? []).map(({ item, score }) => ({
      itemId: item.id,
      title: item.title,
      author: item.author?.username ?? 'unknown',
      score: Math.round(score * 1_000) / 1_000,
    })),
    odds: one.seen?.odds ?? {},
    decision: one.decided?.decision ?? idle,
    scene: one.scene ?? null,
    verdicts: one.verdicts,
    tokens: { in: one.cost.tokensIn, out: one.cost.tokensOut },
    costMicros: one.cost.costMicros,
  };
}
