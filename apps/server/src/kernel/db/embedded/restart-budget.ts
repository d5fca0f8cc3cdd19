import type { Clock } from '#kernel/base';

const restartsMax = 5;
const windowMs = 10 * 60_000;
const delaysMs = [100, 1_000, 5_000, 15_000, 30_000];

/** How soon a server that died by itself may be started again: after a growing wait, and at most 5 times in 10 minutes. */
export class RestartBudget {
  readonly #clock: Clock;
  readonly #spent: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long to wait before the next start. */
  delayMs(): number {
    const now = this.#clock.monotonic();
    while (this.#spent[0] !== undefined && now - this.#spent[0] >= windowMs) this.#spent.shift();
    const [oldest] = this.#spent;
    const delay = delaysMs[this.#spent.length] ?? 0;
    return oldest !== undefined && this.#spent.length >= restartsMax ? oldest + windowMs - now : delay;
  }

  /** A start is tried now. */
  spend(): void {
    this.#spent.push(this.#clock.monotonic());
  }
}
