import type { Lane } from './lanes.ts';

/**
 * What is due and has no seat yet: one line for each target, one bound for all. Past the bound the newest of the longest
 * line goes, so a target that stands still fills its own line and takes no room from the others.
 */
export class DueQueue {
  readonly #lanes: () => readonly Lane[];
  readonly #max: number;
  #size = 0;

  constructor(lanes: () => readonly Lane[], max: number) {
    this.#lanes = lanes;
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  /** Answers the place that had to go, which may be the one that came. */
  add(lane: Lane, place: number): number | undefined {
    lane.queue.push(place);
    this.#size += 1;
    if (this.#size <= this.#max) return undefined;
    let longest = lane;
    for (const other of this.#lanes()) if (other.queue.length > longest.queue.length) longest = other;
    this.#size -= 1;
    return longest.queue.pop();
  }

  /** The oldest of a lane. */
  take(lane: Lane, count: number): number[] {
    const taken = lane.queue.splice(0, count);
    this.#size -= taken.length;
    return taken;
  }

  /** All of a lane that no longer belong there. */
  removeWhere(lane: Lane, gone: (place: number) => boolean): number[] {
    const removed = lane.queue.filter(gone);
    if (removed.length === 0) return removed;
    lane.queue = lane.queue.filter((place) => !gone(place));
    this.#size -= removed.length;
    return removed;
  }
}
