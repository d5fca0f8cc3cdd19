import { asError, type Clock } from '#kernel/base';

export type LoopOptions = {
  clock: Clock;
  /** Does the work once; answers with the delay until the next time. */
  work: () => Promise<number>;
  onError: (error: Error) => void;
  errorMs: number;
  errorMsMax: number;
};

/**
 * Work that is done again and again, one at a time: at once when woken, else after the delay that the work itself asked.
 *
 *  new      – nothing runs; a wake is remembered.
 *  sleeping – a timer is set; a wake cuts it short, except after an error: the pause is there to spare the database.
 *  working  – a wake means: once more right after.
 *  stopped  – never works again. Reached once; `stop` resolves when the last work is over.
 */
export class Loop {
  readonly #options: LoopOptions;
  #phase: 'new' | 'sleeping' | 'working' | 'stopped' = 'new';
  /** While working: the delay that was asked meanwhile, 0 for a wake. */
  #askedMs = Number.POSITIVE_INFINITY;
  #failures = 0;
  #timer: Disposable | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #work: Promise<void> = Promise.resolve();

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#phase === 'new') this.#run();
  }

  wake(): void {
    this.wakeAfter(0);
  }

  /** Works in `ms` at the latest. */
  wakeAfter(ms: number): void {
    if (this.#phase === 'working' || this.#phase === 'new') this.#askedMs = Math.min(this.#askedMs, ms);
    else if (this.#phase === 'sleeping' && this.#failures === 0) {
      if (ms <= 0) this.#run();
      else if (this.#options.clock.monotonic() + ms < this.#dueAt) this.#sleep(ms);
    }
  }

  async stop(): Promise<void> {
    this.#phase = 'stopped';
    this.#timer?.[Symbol.dispose]();
    await this.#work;
  }

  #run(): void {
    this.#timer?.[Symbol.dispose]();
    this.#phase = 'working';
    this.#work = this.#workNow();
  }

  async #workNow(): Promise<void> {
    for (;;) {
      this.#askedMs = Number.POSITIVE_INFINITY;
      const wantedMs = await this.#workOnce();
      if (this.#isStopped()) return;
      const delayMs = this.#failures === 0 ? Math.min(wantedMs, this.#askedMs) : wantedMs;
      if (delayMs > 0) return this.#sleep(delayMs);
    }
  }

  async #workOnce(): Promise<number> {
    const { work, onError, errorMs, errorMsMax } = this.#options;
    try {
      const delayMs = await work();
      this.#failures = 0;
      return delayMs;
    } catch (error) {
      if (!this.#isStopped()) onError(asError(error));
      return Math.min(errorMsMax, errorMs * 2 ** Math.min(this.#failures++, 10));
    }
  }

  #sleep(ms: number): void {
    const { clock } = this.#options;
    this.#timer?.[Symbol.dispose]();
    this.#phase = 'sleeping';
    this.#dueAt = clock.monotonic() + ms;
    this.#timer = clock.after(ms, () => this.#run());
  }

  #isStopped(): boolean {
    return this.#phase === 'stopped';
  }
}
