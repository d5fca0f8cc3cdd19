import { asError, type Clock, jitter, type Random } from '#kernel/base';
import type { Logger } from '#kernel/telemetry';

export type TickerWork = { name: string; everyMs: number; share: number; act: () => Promise<void> };
export type TickerDeps = { clock: Clock; random: Random; logger: Logger };

/**
 * Runs something again and again: `everyMs` after its last end, spread by `share` so that nodes do not march in step. A
 * run that throws is logged; the next one comes all the same.
 *  new → running → stopped (the last run has ended; nothing runs again).
 */
export class Ticker implements AsyncDisposable {
  readonly #what: TickerWork;
  readonly #deps: TickerDeps;
  #timer: Disposable | undefined;
  #present: Promise<void> | undefined;
  #stopped = false;

  constructor(deps: TickerDeps, what: TickerWork) {
    this.#deps = deps;
    this.#what = what;
  }

  start(): void {
    if (this.#stopped || this.#timer) return;
    const { everyMs, share } = this.#what;
    this.#timer = this.#deps.clock.after(jitter(everyMs, share, this.#deps.random), () => {
      this.#timer = undefined;
      void this.run().then(() => this.start());
    });
  }

  /** Now; joins a run that is under way. */
  run(): Promise<void> {
    this.#present ??= this.#run().finally(() => {
      this.#present = undefined;
    });
    return this.#present;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    await this.#present;
  }

  async #run(): Promise<void> {
    try {
      await this.#what.act();
    } catch (error) {
      this.#deps.logger.warn({ error: asError(error) }, `${this.#what.name} failed; it runs again`);
    }
  }
}
