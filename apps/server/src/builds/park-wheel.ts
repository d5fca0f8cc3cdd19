import type { Clock } from '#kernel/base';

const tickMs = 50;
/** Slots of one turn; what lies further ahead waits in its slot for as many turns as it needs. */
const slots = 2_048;

/** One thing that comes due. Its owner keeps it to take it back. */
export type Due = { readonly due: () => void; turns: number; slot: number };

/**
 * One timer for everything that waits in this room: parked requests, second looks, backoffs that end. An entry comes due
 * at its time or up to one tick (50 ms) later.
 *
 *  still   – empty; no timer runs.
 *  turning – at least one entry; one timer of the clock per tick.
 *  stopped – entries never come due. Reached once, never left.
 */
export class ParkWheel implements Disposable {
  readonly #clock: Clock;
  readonly #slots: Set<Due>[] = Array.from({ length: slots }, () => new Set());
  #at = 0;
  #size = 0;
  #startedAt = 0;
  #ticks = 0;
  #timer: Disposable | undefined;
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#size;
  }

  add(ms: number, due: () => void): Due {
    // While turning, part of the present tick has passed already; one more tick keeps an entry from coming too early.
    const late = this.#timer ? 1 : 0;
    const ticks = Math.max(1, Math.ceil(ms / tickMs)) + late;
    const slot = (this.#at + ticks) % slots;
    const entry: Due = { due, slot, turns: Math.floor((ticks - 1) / slots) };
    if (this.#stopped) return entry;
    this.#slots[slot]?.add(entry);
    this.#size += 1;
    if (!this.#timer) {
      this.#startedAt = this.#clock.monotonic();
      this.#ticks = 0;
      this.#schedule();
    }
    return entry;
  }

  /** Taking back what came due already is not an error. */
  remove(entry: Due): void {
    if (this.#slots[entry.slot]?.delete(entry)) this.#size -= 1;
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    for (const slot of this.#slots) slot.clear();
    this.#size = 0;
  }

  #schedule(): void {
    // Against the start, not against the last tick: a late tick does not push all that follow.
    const nextAt = this.#startedAt + (this.#ticks + 1) * tickMs;
    this.#timer = this.#clock.after(Math.max(0, nextAt - this.#clock.monotonic()), () => this.#tick());
  }

  #tick(): void {
    this.#ticks += 1;
    this.#at = (this.#at + 1) % slots;
    const due: Due[] = [];
    for (const entry of this.#slots[this.#at] ?? []) {
      if (entry.turns > 0) entry.turns -= 1;
      else due.push(entry);
    }
    for (const entry of due) this.remove(entry);
    this.#timer = undefined;
    if (this.#size > 0 && !this.#stopped) this.#schedule();
    for (const entry of due) entry.due();
  }
}
