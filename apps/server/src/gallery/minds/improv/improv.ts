import type { Bound, Decision, Draws, Mind, Situation, Thought } from '#gallery/model';
import { improvise } from './improvise.ts';
import { Suspicions } from './stage.ts';

const free: Bound = { tokensIn: 0, tokensOut: 0, costMicros: 0, images: 0 };

/**
 * The offline mind: a weighted grammar of the persona's frames, seeded by the think's draws, filled from its lexicon, its
 * style and what is truly in the picture and its thread. Costs nothing, waits for nobody, says yes when asked whether it
 * is a bot. What was said in the bot's last 12 texts is barred as long as there is anything else to say.
 */
export function createImprov(): Mind {
  const suspicions = new Suspicions();
  return {
    name: 'improv',
    kind: 'free',
    bound: () => free,
    async think(situation: Situation, { draws, signal }: { draws: Draws; signal: AbortSignal }): Promise<Thought> {
      signal.throwIfAborted();
      const { decision, injectionsSeen } = improvise(situation, draws, suspicions);
      return {
        decision: decision satisfies Decision,
        mind: 'improv',
        tokens: { in: 0, out: 0 },
        costMicros: 0,
        calls: 0,
        latencyMs: 0,
        injectionsSeen,
      };
    },
  };
}
