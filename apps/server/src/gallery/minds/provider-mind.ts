import {
  type Bound,
  type Decision,
  type Mind,
  MindError,
  type Situation,
  type Thought,
  type Tokens,
} from '#gallery/model';
import { delimiterOf } from '#gallery/text';
import type { Clock } from '#kernel/base';
import { type Caller, CallFailed } from './caller.ts';
import { NotNow } from './lane.ts';
import { mindLimits as limits } from './limits.ts';
import type { MindMetrics } from './metrics.ts';
import { costOf, type Price } from './prices.ts';
import { bytesOf, type Prompt, promptOf } from './prompt.ts';
import { callText, type TextAnswer, type TextCall } from './sdk.ts';
import { answerSchema, readAnswer } from './shape.ts';
import type { TokenRatio } from './token-ratio.ts';

export type ProviderMindParts = {
  caller: Caller;
  ratio: TokenRatio;
  clock: Clock;
  metrics: MindMetrics;
  /** What to do with a model whose price nobody knows; `refuse` where money is capped. */
  unpriced: 'refuse' | 'allow';
};

const schemaBytes = Buffer.byteLength(JSON.stringify(answerSchema));
const noRoom = 'it thought until no token was left to write with; give it a reasoningReserve in MUSTER_MINDS';
const redoCharsMax = 1_000;
/** The first answer once more, and what is wrong with it. Code points may be of four bytes, tokens of it are not. */
const redoBytes = redoCharsMax + 300;
/** As long as a drawn one. */
const sampleDelimiter = 'x'.repeat(16);
/** The answer, and one repair. */
const callsMax = 2;

type Spend = { tokens: Tokens; costMicros: number; calls: number };

/** A mind that asks a model. It never pays for more than two calls a think, and `bound` covers both. */
export class ProviderMind implements Mind {
  readonly name: string;
  readonly kind = 'paid' as const;
  readonly #parts: ProviderMindParts;

  constructor(parts: ProviderMindParts) {
    this.#parts = parts;
    this.name = parts.caller.spec.name;
  }

  /** Throws `MindError` `price_unknown`. */
  bound(situation: Situation): Bound {
    if (needsNoWords(situation)) return { tokensIn: 0, tokensOut: 0, costMicros: 0, images: 0 };
    const price = this.#price();
    const bytes = bytesOf(promptOf(situation, sampleDelimiter)) + schemaBytes;
    const both = [this.#callBound(bytes), this.#callBound(bytes + redoBytes)];
    const sum = (of: (tokens: Tokens) => number): number => both.reduce((total, tokens) => total + of(tokens), 0);
    return {
      tokensIn: sum((tokens) => tokens.in),
      tokensOut: sum((tokens) => tokens.out),
      costMicros: sum((tokens) => priced(price, tokens)),
      images: 0,
    };
  }

  async think(situation: Situation, options: Parameters<Mind['think']>[1]): Promise<Thought> {
    const { clock } = this.#parts;
    const began = clock.monotonic();
    const spend: Spend = { tokens: { in: 0, out: 0 }, costMicros: 0, calls: 0 };
    const thought = (decision: Decision, injectionsSeen: number): Thought => ({
      decision,
      mind: this.name,
      tokens: spend.tokens,
      costMicros: spend.costMicros,
      calls: spend.calls,
      latencyMs: Math.round(clock.monotonic() - began),
      injectionsSeen,
    });
    if (needsNoWords(situation)) return thought(decided(situation.wanted), 0);
    const delimiter = delimiterOf(options.draws);
    const prompt = promptOf(situation, delimiter);
    if (prompt.injectionsSeen > 0) this.#parts.metrics.injections.add({}, prompt.injectionsSeen);
    let redo: TextCall['redo'];
    for (;;) {
      const { text, tokensOut = 0 } = await this.#ask(prompt, redo, options.signal, spend);
      const read = text.includes(delimiter)
        ? { ok: false as const, why: 'the marks must not be repeated' }
        : readAnswer(text, situation);
      if (read.ok) return thought(read.decision, prompt.injectionsSeen);
      this.#parts.metrics.calls.add({ provider: this.#parts.caller.spec.provider, result: 'invalid' });
      if (redo || spend.calls >= callsMax) {
        const why = text.trim() === '' && tokensOut >= this.#outMax ? noRoom : read.why;
        this.#parts.caller.lastError = { at: clock.now(), detail: why };
        throw new MindError('mind_invalid', `The model's answer could not be used: ${why}.`, { used: spend });
      }
      redo = { answer: text.slice(0, redoCharsMax), why: read.why };
    }
  }

  async #ask(prompt: Prompt, redo: TextCall['redo'], signal: AbortSignal, spend: Spend): Promise<TextAnswer> {
    const { caller } = this.#parts;
    const bytes =
      bytesOf(prompt) + schemaBytes + (redo ? Buffer.byteLength(redo.answer) + Buffer.byteLength(redo.why) + 100 : 0);
    const bound = this.#callBound(bytes);
    const call: TextCall = {
      ...prompt,
      ...(redo ? { redo } : {}),
      maxOutputTokens: this.#outMax,
    };
    try {
      const { answer, paidBefore } = await caller.call(
        {
          tokens: bound.in + bound.out,
          timeoutMs: limits.textTimeoutMs,
          paidMax: callsMax - spend.calls,
          call: (inner) => callText(caller.spec, call, inner),
        },
        signal,
      );
      for (let n = 0; n < paidBefore; n++) this.#book(spend, bound);
      this.#bookAnswer(spend, answer, bound, bytes);
      return answer;
    } catch (error) {
      throw this.#failed(error, spend, bound);
    }
  }

  #failed(error: unknown, spend: Spend, bound: Tokens): unknown {
    if (error instanceof NotNow) {
      const { retryAfterMs } = error;
      return new MindError('mind_unavailable', error.message, { retryAfterMs, used: spend, cause: error });
    }
    if (!(error instanceof CallFailed)) return error;
    // What may have been paid for counts as the worst it can be.
    for (let n = 0; n < error.paid; n++) this.#book(spend, bound);
    return new MindError('mind_unavailable', error.message, {
      used: spend,
      cause: error,
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    });
  }

  #bookAnswer(spend: Spend, answer: TextAnswer, bound: Tokens, bytes: number): void {
    const { ratio, metrics } = this.#parts;
    // A provider that does not say what it used is taken to have used all that was reserved for the call.
    const tokens = { in: answer.tokensIn ?? bound.in, out: answer.tokensOut ?? bound.out };
    const over = answer.tokensIn !== undefined && ratio.learn(bytes, answer.tokensIn, bound.in);
    const wrote = answer.tokensOut !== undefined && ratio.wrote(answer.tokensOut, bound.out);
    if (over || wrote) metrics.underestimates.add({});
    this.#book(spend, { ...tokens, ...(answer.cachedIn === undefined ? {} : { cachedIn: answer.cachedIn }) });
  }

  #book(spend: Spend, tokens: Tokens & { cachedIn?: number }): void {
    const { metrics } = this.#parts;
    const costMicros = priced(this.#price(), tokens);
    spend.tokens = { in: spend.tokens.in + tokens.in, out: spend.tokens.out + tokens.out };
    spend.costMicros += costMicros;
    spend.calls += 1;
    metrics.tokens.add({ direction: 'in' }, tokens.in);
    metrics.tokens.add({ direction: 'out' }, tokens.out);
    metrics.cost.add({}, costMicros);
  }

  #callBound(bytes: number): Tokens {
    const { ratio } = this.#parts;
    return { in: ratio.bound(bytes), out: ratio.outBound(this.#outMax) };
  }

  get #outMax(): number {
    return limits.maxOutputTokens + this.#parts.caller.spec.reasoningReserve;
  }

  #price(): Price | undefined {
    const { caller, unpriced } = this.#parts;
    const { price, provider, model } = caller.spec;
    const known = price?.in !== undefined;
    if (!known && unpriced === 'refuse') {
      throw new MindError('price_unknown', `Nobody said what ${provider}:${model} costs, and money is capped.`);
    }
    return price;
  }
}

const priced = (price: Price | undefined, tokens: Tokens & { cachedIn?: number }): number =>
  (price && costOf(price, tokens)) ?? 0;

/** A like and a look need no words, so they need no model, when the odds decided. */
type Wordless = Situation & { wanted: NonNullable<Situation['wanted']> };
const needsNoWords = (situation: Situation): situation is Wordless =>
  situation.wanted?.kind === 'like' || situation.wanted?.kind === 'browse';

const decided = ({ kind, on, why }: Wordless['wanted']): Decision => ({
  do: kind,
  on: on ?? -1,
  why,
  text: '',
  prompt: '',
  caption: '',
  alt: '',
  tags: [],
});
