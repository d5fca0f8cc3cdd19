import type { TimerRow } from './queries/timers.ts';

/** Bits of what is known of a bot beside its timer. */
export const flag = {
  /** A think of it is under way, or its row is being read for one. */
  flying: 1,
  /** Its time came while something above it was shut. */
  parked: 2,
  /** An act of a dead term is open: nothing of it happens before that is settled. */
  unsettled: 4,
  /** It waits in the queue. */
  queued: 8,
  /** Its row moved while a think was under way. */
  stale: 16,
  /** It is to be forgotten as soon as its think has ended. */
  gone: 32,
} as const;

const states = ['running', 'sleeping', 'error'] as const;
export type TimedState = (typeof states)[number];

/**
 * The bots that this node owns and that have, or may get, a time: flat arrays, one place for each bot, about 150 bytes with
 * its id. A place is used again when its bot is gone. Timers lie in the wheel under the same number.
 */
export class Roster {
  readonly #places = new Map<string, number>();
  readonly #free: number[] = [];
  #ids: string[] = [];
  #lanes = new Uint16Array(1024);
  #shards = new Uint8Array(1024);
  #states = new Uint8Array(1024);
  #flags = new Uint8Array(1024);
  #generations = new Int32Array(1024);
  #dueAt = new Float64Array(1024);

  get size(): number {
    return this.#places.size;
  }

  placeOf(id: string): number | undefined {
    return this.#places.get(id);
  }

  /** Takes the bot in, or brings it up to date; its flags stay. */
  put(row: Pick<TimerRow, 'id' | 'shard' | 'generation'>, state: TimedState, lane: number): number {
    let place = this.#places.get(row.id);
    if (place === undefined) {
      place = this.#free.pop() ?? this.#ids.length;
      this.#fit(place);
      this.#places.set(row.id, place);
      this.#ids[place] = row.id;
      this.#flags[place] = 0;
    }
    this.#lanes[place] = lane;
    this.#shards[place] = row.shard;
    this.#states[place] = states.indexOf(state);
    this.#generations[place] = row.generation;
    return place;
  }

  remove(place: number): void {
    this.#places.delete(this.idOf(place));
    this.#ids[place] = '';
    this.#flags[place] = 0;
    this.#free.push(place);
  }

  idOf(place: number): string {
    return this.#ids[place] ?? '';
  }
  laneOf(place: number): number {
    return this.#lanes[place] ?? 0;
  }
  shardOf(place: number): number {
    return this.#shards[place] ?? 0;
  }
  stateOf(place: number): TimedState {
    return states[this.#states[place] ?? 0] ?? 'running';
  }
  generationOf(place: number): number {
    return this.#generations[place] ?? 0;
  }
  /** The time last set, by the gallery's clock. */
  dueAt(place: number): number {
    return this.#dueAt[place] ?? 0;
  }
  setDue(place: number, at: number): void {
    this.#dueAt[place] = at;
  }
  has(place: number, bit: number): boolean {
    return ((this.#flags[place] ?? 0) & bit) !== 0;
  }
  mark(place: number, bit: number): void {
    this.#flags[place] = (this.#flags[place] ?? 0) | bit;
  }
  unmark(place: number, bit: number): void {
    this.#flags[place] = (this.#flags[place] ?? 0) & ~bit;
  }

  places(): IterableIterator<number> {
    return this.#places.values();
  }

  #fit(place: number): void {
    if (place < this.#lanes.length) return;
    const length = Math.max(place + 1, this.#lanes.length * 2);
    const grown = <A extends Uint16Array | Uint8Array | Int32Array | Float64Array>(to: A, from: A): A => (
      to.set(from), to
    );
    this.#lanes = grown(new Uint16Array(length), this.#lanes);
    this.#shards = grown(new Uint8Array(length), this.#shards);
    this.#states = grown(new Uint8Array(length), this.#states);
    this.#flags = grown(new Uint8Array(length), this.#flags);
    this.#generations = grown(new Int32Array(length), this.#generations);
    this.#dueAt = grown(new Float64Array(length), this.#dueAt);
  }
}
