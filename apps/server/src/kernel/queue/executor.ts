import { type Clock, type Random, Signal } from '#kernel/base';
import type { Keeper } from './keeper.ts';
import type { HeldJob } from './lease.ts';
import type { Handler, Outcome } from './queue.ts';
import { checkOutcome, type HandlerEnd, verdictOf } from './verdict.ts';

export type ExecutorOptions = {
  clock: Clock;
  random: Random;
  keeper: Keeper;
  /** A handler is over; its place is free. */
  onFree: (kind: string) => void;
};

/** Runs one held job: time it, perform it, hand the verdict over. Knows nothing of fetching or of stopping. */
export class Executor {
  /** Fired when a handler is over. For tests and for the drainer. */
  readonly ended = new Signal<HeldJob>();
  readonly #options: ExecutorOptions;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  start(held: HeldJob, handler: Handler): void {
    held.startedAt = this.#options.clock.monotonic();
    void this.#run(held, handler);
  }

  async #run(held: HeldJob, handler: Handler): Promise<void> {
    this.#report(held, await this.#perform(held, handler));
  }

  async #perform(held: HeldJob, handler: Handler): Promise<HandlerEnd> {
    const timeout = this.#options.clock.after(held.rules.timeoutMs, () => held.abort('timed_out'));
    try {
      // An answer that came after the trust was over: the job may be somebody else's by now.
      if (held.trustedUntil <= this.#options.clock.monotonic()) held.abort('lease_lost');
      return { outcome: held.aborted ? retryLost : checkOutcome(await handler(held.job)) };
    } catch (thrown) {
      return { thrown };
    } finally {
      timeout[Symbol.dispose]();
    }
  }

  #report(held: HeldJob, end: HandlerEnd): void {
    const { attempt, attemptsMax, kind } = held.claimed;
    held.verdict = verdictOf(end, { attempt, attemptsMax, aborted: held.aborted, random: this.#options.random });
    this.#options.keeper.decide(held);
    this.#options.onFree(kind);
    this.ended.fire(held);
  }
}

const retryLost: Outcome = { kind: 'retry', error: 'lease_lost' };
