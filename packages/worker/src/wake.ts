import { after } from './clock.ts';

/** One waiter, many callers: `ring` ends the present or the next `wait`. */
export class Wake {
  #rung = false;
  #resolve: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#resolve?.();
  }

  /** Resolves when rung, after `ms` at the latest. A ring before the call counts. */
  async wait(ms: number | undefined, signal?: AbortSignal): Promise<void> {
    if (!this.#rung && !signal?.aborted) {
      await new Promise<void>((resolve) => {
        const timer = ms === undefined ? undefined : after(ms, done);
        signal?.addEventListener('abort', done, { once: true });
        this.#resolve = done;
        function done(): void {
          timer?.[Symbol.dispose]();
          signal?.removeEventListener('abort', done);
          resolve();
        }
      });
      this.#resolve = undefined;
    }
    this.#rung = false;
  }
}
