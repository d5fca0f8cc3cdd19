import { assert } from '#kernel/base';

/*
 * One hierarchical wheel: a level of 256 ticks, then levels of 64 slots, each slot as long as the whole level below. An
 * entry lies in the level its distance asks for and moves down when its slot begins, so setting and cancelling are a few
 * array writes whatever the distance. After Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (1987).
 */
const nearSlots = 256;
const farSlots = 64;
const farLevels = 4;
/** Ticks that one slot of each level lasts. */
const spans = [1, ...Array.from({ length: farLevels }, (_, level) => nearSlots * farSlots ** level)];
/** What lies further away waits in the last slot of the last level and is placed anew from there. */
const horizon = nearSlots * farSlots ** farLevels - 1;
const nowhere = -1;

export type TimerWheelOptions = {
  /** Where time stands, epoch or monotonic ms; all times given later are on the same scale. */
  now: number;
  tickMs?: number;
  /** Order of ids that are due at the same time; by number unless given. */
  compare?: (a: number, b: number) => number;
  /** Room for this many ids at first; it doubles when they do not fit. */
  capacity?: number;
};

/**
 * Times for many ids in flat arrays: 20 bytes each, no object, promise or closure for one that waits. Ids are small whole
 * numbers (indexes of whatever the caller keeps), each has at most one time. Passive: whoever drives it calls `advance`.
 * An entry comes due with the first tick at or after its time, never before it, and never in the tick it was set in.
 */
export class TimerWheel {
  readonly tickMs: number;
  readonly #compare: (a: number, b: number) => number;
  /** First entry of each slot, levels one behind the other. */
  readonly #heads = new Int32Array(nearSlots + farLevels * farSlots).fill(nowhere);
  readonly #inLevel = new Int32Array(1 + farLevels);
  #times: Float64Array;
  #next: Int32Array;
  #previous: Int32Array;
  #slots: Int32Array;
  #tick: number;
  #size = 0;

  constructor({ now, tickMs = 20, compare = (a, b) => a - b, capacity = 1024 }: TimerWheelOptions) {
    this.tickMs = tickMs;
    this.#compare = compare;
    this.#tick = Math.floor(now / tickMs);
    this.#times = new Float64Array(capacity);
    this.#next = new Int32Array(capacity);
    this.#previous = new Int32Array(capacity);
    this.#slots = new Int32Array(capacity).fill(nowhere);
  }

  get size(): number {
    return this.#size;
  }

  /** Sets or moves the time of `id`. */
  set(id: number, at: number): void {
    assert(Number.isInteger(id) && id >= 0 && Number.isFinite(at), `not a timer: ${id} at ${at}`);
    this.#fit(id);
    this.cancel(id);
    this.#times[id] = at;
    this.#place(id, this.#tick + 1);
    this.#size += 1;
  }

  /** Harmless when `id` has no time. */
  cancel(id: number): void {
    if (!this.has(id)) return;
    this.#unlink(id);
    this.#size -= 1;
  }

  has(id: number): boolean {
    return id < this.#slots.length && this.#slots[id] !== nowhere;
  }

  /** When `id` is due; `undefined` when it has no time. */
  timeOf(id: number): number | undefined {
    return this.has(id) ? this.#times[id] : undefined;
  }

  /** Moves to `now` and hands out what came due until then, in the order of (time, id). A `now` in the past does nothing. */
  advance(now: number): number[] {
    const goal = Math.floor(now / this.tickMs);
    const due: number[] = [];
    while (this.#tick < goal) {
      const next = this.#nextTick();
      if (next === undefined || next > goal) {
        this.#tick = goal;
        break;
      }
      this.#tick = next;
      for (let level = farLevels; level > 0; level--) if (next % (spans[level] ?? 1) === 0) this.#moveDown(level, next);
      this.#drain(next % nearSlots, due);
    }
    return due.sort((a, b) => this.#timeAt(a) - this.#timeAt(b) || this.#compare(a, b));
  }

  /**
   * The earliest moment at which `advance` may have something to hand out or to move, `undefined` when it is empty. What it
   * hands out then may be nothing yet: far entries only come nearer.
   */
  nextAt(): number | undefined {
    const tick = this.#nextTick();
    return tick === undefined ? undefined : tick * this.tickMs;
  }

  #nextTick(): number | undefined {
    let found: number | undefined;
    for (let level = 0; level <= farLevels; level++) {
      if (this.#inLevel[level] === 0) continue;
      const span = spans[level] ?? 1;
      const slots = level === 0 ? nearSlots : farSlots;
      const here = Math.floor(this.#tick / span);
      for (let ahead = 1; ahead <= slots; ahead++) {
        if (found !== undefined && (here + ahead) * span >= found) break;
        if (this.#heads[firstSlot(level) + ((here + ahead) % slots)] === nowhere) continue;
        found = (here + ahead) * span;
        break;
      }
    }
    return found;
  }

  #place(id: number, earliest: number): void {
    const tick = Math.max(Math.ceil(this.#timeAt(id) / this.tickMs), earliest);
    const seen = Math.min(tick, this.#tick + horizon);
    const distance = seen - this.#tick;
    let level = 0;
    while (distance >= (level === 0 ? nearSlots : (spans[level] ?? 1) * farSlots)) level += 1;
    const slots = level === 0 ? nearSlots : farSlots;
    const slot = firstSlot(level) + (Math.floor(seen / (spans[level] ?? 1)) % slots);
    const head = this.#heads[slot] ?? nowhere;
    this.#slots[id] = slot;
    this.#previous[id] = nowhere;
    this.#next[id] = head;
    if (head !== nowhere) this.#previous[head] = id;
    this.#heads[slot] = id;
    this.#inLevel[level] = (this.#inLevel[level] ?? 0) + 1;
  }

  #unlink(id: number): void {
    const slot = this.#slots[id] ?? nowhere;
    const next = this.#next[id] ?? nowhere;
    const previous = this.#previous[id] ?? nowhere;
    if (previous === nowhere) this.#heads[slot] = next;
    else this.#next[previous] = next;
    if (next !== nowhere) this.#previous[next] = previous;
    this.#slots[id] = nowhere;
    const level = levelOf(slot);
    this.#inLevel[level] = (this.#inLevel[level] ?? 0) - 1;
  }

  /** The slot of `level` that begins with this tick is spread over the levels below. */
  #moveDown(level: number, tick: number): void {
    const slot = firstSlot(level) + (Math.floor(tick / (spans[level] ?? 1)) % farSlots);
    let id = this.#heads[slot] ?? nowhere;
    while (id !== nowhere) {
      const next = this.#next[id] ?? nowhere;
      this.#unlink(id);
      this.#place(id, tick);
      id = next;
    }
  }

  #drain(slot: number, due: number[]): void {
    for (let id = this.#heads[slot] ?? nowhere; id !== nowhere; id = this.#heads[slot] ?? nowhere) {
      this.#unlink(id);
      this.#size -= 1;
      due.push(id);
    }
  }

  #timeAt(id: number): number {
    return this.#times[id] ?? 0;
  }

  #fit(id: number): void {
    const old = this.#times.length;
    if (id < old) return;
    const length = Math.max(id + 1, old * 2);
    const grown = <A extends Float64Array | Int32Array>(to: A, from: A): A => (to.set(from), to);
    this.#times = grown(new Float64Array(length), this.#times);
    this.#next = grown(new Int32Array(length), this.#next);
    this.#previous = grown(new Int32Array(length), this.#previous);
    this.#slots = grown(new Int32Array(length).fill(nowhere), this.#slots);
  }
}

const firstSlot = (level: number): number => (level === 0 ? 0 : nearSlots + (level - 1) * farSlots);
const levelOf = (slot: number): number => (slot < nearSlots ? 0 : 1 + Math.floor((slot - nearSlots) / farSlots));
