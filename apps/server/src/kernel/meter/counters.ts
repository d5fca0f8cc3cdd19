import type { Count } from './queries.ts';

/** Counts between two flushes, one number per project and meter. */
export class Counters {
  readonly #max: number;
  #counts = new Map<string, Count>();
  #dropped = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#counts.size;
  }

  /** `false` when there is no room for another counter. */
  add(projectId: string, meter: string, quantity: number, entries = 1): boolean {
    const key = `${projectId} ${meter}`;
    const count = this.#counts.get(key);
    if (count) {
      count.quantity += quantity;
      count.entries += entries;
      return true;
    }
    if (this.#counts.size >= this.#max) {
      this.#dropped += 1;
      return false;
    }
    this.#counts.set(key, { projectId, meter, quantity, entries });
    return true;
  }

  /** Everything since the last take. */
  take(): { counts: Count[]; dropped: number } {
    const taken = { counts: [...this.#counts.values()], dropped: this.#dropped };
    this.#counts = new Map();
    this.#dropped = 0;
    return taken;
  }

  /** Counts that could not be written. */
  putBack(counts: readonly Count[]): void {
    for (const { projectId, meter, quantity, entries } of counts) this.add(projectId, meter, quantity, entries);
  }
}
