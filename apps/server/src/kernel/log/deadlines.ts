import type { StreamHead } from './head.ts';

/** When a head is to be looked at. Replaced, never moved; one that its head no longer names is stale. */
export type DeadlineEntry = { readonly due: number; readonly head: StreamHead };

/** Stale entries that may gather before the heap is built anew. */
const staleMin = 1000;

/**
 * Heads in memory that will end, the earliest first (a binary heap). A sliding deadline moves on with every access and its
 * entry does not: when the old time comes, the head is put back at its present one. So an access costs nothing here.
 */
export class Deadlines {
  #heap: DeadlineEntry[] = [];
  #stale = 0;
  /** Told when a new entry is the earliest. */
  sooner: () => void = () => undefined;

  get size(): number {
    return this.#heap.length - this.#stale;
  }

  /** Those that are stale included: what it costs. */
  get entries(): number {
    return this.#heap.length;
  }

  /** When the next look is due; never is `Infinity`. */
  get next(): number {
    return this.#heap[0]?.due ?? Number.POSITIVE_INFINITY;
  }

  /** A head came into memory, or its lifetime changed. */
  track(head: StreamHead): void {
    if (head.deadline === Number.POSITIVE_INFINITY) return this.drop(head);
    if (head.entry !== undefined && head.entry.due <= head.deadline) return;
    this.drop(head);
    head.entry = { due: head.deadline, head };
    this.#push(head.entry);
    if (this.#heap[0] === head.entry) this.sooner();
  }

  /** A head left memory, or lives for ever now. */
  drop(head: StreamHead): void {
    if (head.entry === undefined) return;
    head.entry = undefined;
    this.#stale += 1;
    if (this.#stale > staleMin && this.#stale > this.#heap.length / 2) this.#rebuild();
  }

  /** Takes out a head whose time has come. */
  take(now: number): StreamHead | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.due > now) return undefined;
      this.#pop();
      const { head } = first;
      if (head.entry !== first) {
        this.#stale -= 1;
        continue;
      }
      head.entry = undefined;
      if (head.deadline <= now) return head;
      this.track(head);
    }
  }

  *heads(): Iterable<StreamHead> {
    for (const entry of this.#heap) if (entry.head.entry === entry) yield entry.head;
  }

  #rebuild(): void {
    const live = this.#heap.filter((entry) => entry.head.entry === entry);
    this.#heap = live.toSorted((a, b) => a.due - b.due);
    this.#stale = 0;
  }

  #push(entry: DeadlineEntry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >>> 1;
      if ((heap[above] as DeadlineEntry).due <= entry.due) break;
      heap[at] = heap[above] as DeadlineEntry;
      at = above;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && (heap[below + 1] as DeadlineEntry).due < (heap[below] as DeadlineEntry).due)
        below += 1;
      if ((heap[below] as DeadlineEntry).due >= last.due) break;
      heap[at] = heap[below] as DeadlineEntry;
      at = below;
    }
    heap[at] = last;
  }
}
