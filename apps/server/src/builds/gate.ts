import { exhausted } from '#kernel/base';

/** Lets `most` pieces of work run at once; at most `waitingMax` wait their turn, more are refused with `exhausted`. */
export class Gate {
  readonly #reason: string;
  readonly #most: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: { reason: string; most: number; waitingMax: number }) {
    this.#reason = options.reason;
    this.#most = options.most;
    this.#waitingMax = options.waitingMax;
  }

  get running(): number {
    return this.#running;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#most) this.#running += 1;
    else await this.#turn();
    try {
      return await work();
    } finally {
      // A turn that is handed on keeps its place in the count.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= this.#waitingMax) {
      throw exhausted(this.#reason, `${this.#waitingMax} others already wait for this.`, { retryAfterMs: 1_000 });
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
