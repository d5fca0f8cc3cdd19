/**
 * A place where tests may wait: production code fires it, nobody listens, and it costs a property read.
 * Tests take the next firing instead of sleeping.
 */
export class Signal<T = void> {
  readonly #waiting = new Set<{ want: (value: T) => boolean; resolve: (value: T) => void }>();

  fire(value: T): void {
    if (this.#waiting.size === 0) return;
    for (const waiter of this.#waiting) {
      if (!waiter.want(value)) continue;
      this.#waiting.delete(waiter);
      waiter.resolve(value);
    }
  }

  /** Resolves with the next value that `want` accepts. Call it before the act that fires. */
  next(want: (value: T) => boolean = () => true): Promise<T> {
    return new Promise((resolve) => this.#waiting.add({ want, resolve }));
  }
}
