import { asError, type Clock, type Random } from '#kernel/base';
import type { Logger } from '#kernel/telemetry';
import type { CallFault } from './call-fault.ts';
import { type CallEnd, type Lane, NotNow, type Rates } from './lane.ts';
import { mindLimits as limits } from './limits.ts';
import type { CallResult, MindMetrics } from './metrics.ts';
import type { MindHealth } from './mind-health.ts';
import { CallError, ratesOf } from './sdk.ts';
import type { MindSpec } from './settings.ts';
import { TimedOut, within } from './within.ts';

/** A call was given up. `paid`: how many of its attempts may be on the bill although nothing came of them. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
  paid: number;

  constructor(reason: string, cause: Error, paid: number, retryAfterMs?: number) {
    super(cause.message, { cause });
    this.reason = reason;
    this.paid = paid;
    this.retryAfterMs = retryAfterMs;
  }
}

export type CallerParts = {
  spec: MindSpec;
  lane: Lane;
  clock: Clock;
  random: Random;
  metrics: MindMetrics;
  logger: Logger;
  health: MindHealth;
};
export type Attempt<T> = {
  /** Bound of one attempt, for the bucket. */
  tokens: number;
  timeoutMs: number;
  /** How many attempts may be paid for. */
  paidMax: number;
  retriesMax?: number;
  call(signal: AbortSignal): Promise<T>;
};

/** `end` for the lane; `paid`: it may be on the bill; `again`: another try makes sense. */
type Sorted = {
  end: CallEnd;
  failure: Error;
  paid: boolean;
  again: boolean;
  retryAfterMs?: number | undefined;
};

/**
 * Calls to one model: each attempt through the provider's lane, two more after faults that pass, as long as none of them
 * may cost more than was reserved. A key that is refused stops all calls until a person, or five minutes, help.
 */
export class Caller {
  readonly #parts: CallerParts;
  #tripped: { reason: string; until: number } | undefined;
  lastError: { at: number; detail: string } | null = null;
  calls = 0;

  constructor(parts: CallerParts) {
    this.#parts = parts;
  }

  get spec(): MindSpec {
    return this.#parts.spec;
  }

  get lane(): Lane {
    return this.#parts.lane;
  }

  /** Tries again at once what was tripped. */
  reset(): void {
    this.#tripped = undefined;
  }

  /** Throws `CallFailed`, `NotNow` (nothing was sent), or the signal's reason. */
  async call<T extends { rates: Rates; tokensIn?: number | undefined; tokensOut?: number | undefined }>(
    attempt: Attempt<T>,
    signal: AbortSignal,
  ): Promise<{ answer: T; paidBefore: number }> {
    const { clock, health } = this.#parts;
    if (this.#tripped && clock.now() < this.#tripped.until) {
      throw new CallFailed(this.#tripped.reason, new Error('calls of this mind are stopped'), 0);
    }
    let paid = 0;
    for (let tries = 0; ; tries++) {
      const leave = await this.#enter(attempt.tokens, signal, { tries, paid });
      const began = clock.monotonic();
      this.calls += 1;
      try {
        const answer = await within(clock, attempt.timeoutMs, signal, (inner) => attempt.call(inner));
        leave({
          kind: 'answered',
          tokens: (answer.tokensIn ?? 0) + (answer.tokensOut ?? 0) || attempt.tokens,
          rates: answer.rates,
        });
        this.#count('answered', began);
        if (this.#tripped) health.mended();
        this.#tripped = undefined;
        return { answer, paidBefore: paid };
      } catch (thrown) {
        const ended = this.#sorted(asError(thrown), signal, began);
        leave(ended.end);
        if (ended.paid) paid += 1;
        if (!ended.again || tries >= (attempt.retriesMax ?? limits.retriesMax) || paid >= attempt.paidMax) {
          if (ended.failure instanceof CallFailed) ended.failure.paid = paid;
          throw ended.failure;
        }
        await this.#pause(tries, ended.retryAfterMs, signal, ended.failure);
      }
    }
  }

  /** Behind a first try, no place is a failure: what was paid until then must not be forgotten. */
  async #enter(
    tokens: number,
    signal: AbortSignal,
    { tries, paid }: { tries: number; paid: number },
  ): Promise<(end: CallEnd) => void> {
    try {
      return await this.#parts.lane.enter(tokens, signal);
    } catch (error) {
      if (tries === 0 || !(error instanceof NotNow)) throw error;
      throw new CallFailed('mind_unavailable', error, paid, error.retryAfterMs);
    }
  }

  async #pause(tries: number, retryAfterMs: number | undefined, signal: AbortSignal, failure: Error): Promise<void> {
    const { clock, random } = this.#parts;
    const wait = Math.max(random() * limits.retryBaseMs * 2 ** tries, retryAfterMs ?? 0);
    // A think does not wait that long: whoever comes later finds the provider again.
    if (wait > limits.waitMsMax) throw failure;
    await clock.sleep(wait, signal);
  }

  /** What an error means: for the lane, for the bill, and whether another try makes sense. */
  #sorted(error: Error, signal: AbortSignal, began: number): Sorted {
    if (signal.aborted) {
      this.#count('aborted', began);
      return { end: { kind: 'void' }, failure: asError(signal.reason), paid: true, again: false };
    }
    this.lastError = { at: this.#parts.clock.now(), detail: error.message.slice(0, 200) };
    if (error instanceof TimedOut) {
      this.#count('timeout', began);
      const failure = new CallFailed('mind_unavailable', error, 1);
      return { end: { kind: 'failed' }, failure, paid: true, again: true };
    }
    if (!(error instanceof CallError)) {
      this.#count('failed', began);
      return { end: { kind: 'void' }, failure: error, paid: true, again: false };
    }
    return this.#ofFault(error.fault, error, began);
  }

  #ofFault(fault: CallFault, error: Error, began: number): Sorted {
    switch (fault.kind) {
      case 'rate_limited': {
        this.#count('rate_limited', began);
        const { retryAfterMs, headers } = fault;
        return {
          end: { kind: 'rate_limited', retryAfterMs, rates: ratesOf(headers) },
          failure: new CallFailed('mind_unavailable', error, 0, retryAfterMs),
          paid: false,
          again: true,
          retryAfterMs,
        };
      }
      case 'transient': {
        this.#count('failed', began);
        const failure = new CallFailed('mind_unavailable', error, 0, fault.retryAfterMs);
        return { end: { kind: 'failed' }, failure, paid: fault.sent, again: true, retryAfterMs: fault.retryAfterMs };
      }
      case 'refused':
        this.#count('refused', began);
        this.#trip(fault.reason);
        return { end: { kind: 'void' }, failure: new CallFailed(fault.reason, error, 0), paid: false, again: false };
      case 'request':
      default:
        this.#count('failed', began);
        return {
          end: { kind: 'void' },
          failure: new CallFailed('mind_unavailable', error, 0),
          paid: false,
          again: false,
        };
    }
  }

  /** Once, however many thinks were under way: ten thousand bots are one alert. */
  #trip(reason: string): void {
    const { clock, logger, health, spec } = this.#parts;
    const known = this.#tripped !== undefined;
    this.#tripped = { reason, until: clock.now() + limits.trippedMs };
    health.broke(reason);
    if (!known) logger.error({ mind: spec.name, reason }, 'a mind was refused by its provider; its calls are stopped');
  }

  #count(result: CallResult, began: number): void {
    const { metrics, clock, spec } = this.#parts;
    metrics.calls.add({ provider: spec.provider, result });
    metrics.seconds.observe({}, (clock.monotonic() - began) / 1_000);
  }
}
