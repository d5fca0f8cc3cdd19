import { type Bound, type Mind, MindError, type Situation, type Thought } from '#gallery/model';
import { CallFailed } from './caller.ts';
import { NotNow } from './lane.ts';
import type { MindMetrics } from './metrics.ts';
import type { MindHealth } from './mind-health.ts';

type Parts = { wanted: Mind; fallback: Mind; health: MindHealth; metrics: MindMetrics };

/** Another mind where the wanted one fails: never silently, and not because it is merely its turn later. */
export class FallbackMind implements Mind {
  readonly name: string;
  readonly kind: Mind['kind'];
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.name = parts.wanted.name;
    this.kind = parts.wanted.kind === 'paid' ? 'paid' : parts.fallback.kind;
  }

  bound(situation: Situation): Bound {
    const { wanted, fallback } = this.#parts;
    const then = fallback.bound(situation);
    try {
      const first = wanted.bound(situation);
      return {
        tokensIn: first.tokensIn + then.tokensIn,
        tokensOut: first.tokensOut + then.tokensOut,
        costMicros: first.costMicros + then.costMicros,
        images: first.images + then.images,
      };
    } catch (error) {
      // It will refuse, at no cost.
      if (error instanceof MindError && error.reason === 'price_unknown') return then;
      throw error;
    }
  }

  async think(situation: Situation, options: Parameters<Mind['think']>[1]): Promise<Thought> {
    const { wanted, health } = this.#parts;
    try {
      const thought = await wanted.think(situation, options);
      health.worked();
      return thought;
    } catch (error) {
      if (!(error instanceof MindError) || isTurnLater(error)) throw error;
      return await this.#fallBack(error, situation, options);
    }
  }

  async #fallBack(error: MindError, situation: Situation, options: Parameters<Mind['think']>[1]): Promise<Thought> {
    const { wanted, fallback, health, metrics } = this.#parts;
    const reason = reasonOf(error);
    metrics.fallbacks.add({ reason });
    health.fellBack(reason);
    if (reason === 'price_unknown' || reason === 'mind_unknown') health.broke(reason);
    const { tokens, costMicros } = error.used;
    try {
      const thought = await fallback.think(situation, options);
      return {
        ...thought,
        fellBackFrom: { mind: wanted.name, reason },
        tokens: { in: thought.tokens.in + tokens.in, out: thought.tokens.out + tokens.out },
        costMicros: thought.costMicros + costMicros,
      };
    } catch (second) {
      if (!(second instanceof MindError)) throw second;
      throw new MindError(second.reason, second.message, {
        cause: error,
        used: {
          tokens: { in: second.used.tokens.in + tokens.in, out: second.used.tokens.out + tokens.out },
          costMicros: second.used.costMicros + costMicros,
        },
        ...(second.retryAfterMs === undefined ? {} : { retryAfterMs: second.retryAfterMs }),
      });
    }
  }
}

/** Its own pace is the only reason: the think is put off and stays with its mind. */
const isTurnLater = (error: MindError): boolean => error.cause instanceof NotNow && error.cause.why === 'pace';

function reasonOf(error: MindError): string {
  if (error.cause instanceof CallFailed) return error.cause.reason;
  return error.cause instanceof UnknownMind ? 'mind_unknown' : error.reason;
}

class UnknownMind extends Error {}

/** A name that stands for nothing: whoever thinks with it thinks with the fallback. */
export const unknownMind = (name: string): Mind => ({
  name,
  kind: 'free',
  bound: () => ({ tokensIn: 0, tokensOut: 0, costMicros: 0, images: 0 }),
  think: () =>
    Promise.reject(
      new MindError('mind_unavailable', `There is no mind ${name}.`, { cause: new UnknownMind(`no mind ${name}`) }),
    ),
});
