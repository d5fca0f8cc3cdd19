/** What is known of one producer of one stream: enough to refuse, to recognise a repeat and to answer it as before. */
export class ProducerState {
  /** Its id in UTF-8, as frames have it. */
  readonly id: Uint8Array;
  epoch: number;
  /** Highest accepted seq of `epoch`. */
  seq: number;
  /** Position of its last append in the log; 0 when that is in rows. */
  lsn: number;
  readonly #ring: Float64Array;
  readonly #size: number;
  /** The lowest seq of `epoch` whose result may be in the ring. */
  #knownFrom: number;

  constructor(id: string, epoch: number, size: number) {
    this.id = Buffer.from(id);
    this.epoch = epoch;
    this.seq = -1;
    this.lsn = 0;
    this.#size = size;
    this.#ring = new Float64Array(2 * size);
    this.#knownFrom = 0;
  }

  /** Takes an accepted append. Its seq is the next one, or 0 of a greater epoch, or the first one read from a row. */
  accepted(epoch: number, seq: number, firstSeq: number, lastSeq: number, lsn: number): void {
    if (epoch !== this.epoch || seq !== this.seq + 1) this.#knownFrom = seq;
    this.epoch = epoch;
    this.seq = seq;
    this.lsn = lsn;
    const at = 2 * (seq % this.#size);
    this.#ring[at] = firstSeq;
    this.#ring[at + 1] = lastSeq;
  }

  /** Where the append with `seq` of the present epoch went, while it is among the last ones. */
  result(seq: number): { firstSeq: number; lastSeq: number } | undefined {
    if (seq > this.seq || seq < this.#knownFrom || seq <= this.seq - this.#size) return undefined;
    const at = 2 * (seq % this.#size);
    return { firstSeq: this.#ring[at] as number, lastSeq: this.#ring[at + 1] as number };
  }
}

/**
 * The producers of one stream. The most recent ones are in memory, the others in rows only: one may leave when its last
 * append has reached its row (`flushedTo`). `known` counts all of them.
 */
export class Producers {
  readonly #states = new Map<string, ProducerState>();
  readonly #inMemoryMax: number;
  readonly #resultsMax: number;
  /** Looked for in rows and not found. */
  readonly #absent = new Set<string>();
  known = 0;

  constructor(inMemoryMax: number, resultsMax: number) {
    this.#inMemoryMax = inMemoryMax;
    this.#resultsMax = resultsMax;
  }

  get(id: string): ProducerState | undefined {
    return this.#states.get(id);
  }

  /** Whether a producer that is not in memory may have a row, so that it must be looked for before anything is decided. */
  mayHaveRow(id: string): boolean {
    return this.known > this.#states.size && !this.#states.has(id) && !this.#absent.has(id);
  }

  hasNoRow(id: string): void {
    if (this.#absent.size >= this.#inMemoryMax) this.#absent.clear();
    this.#absent.add(id);
  }

  /** `fresh`: no row of it exists, so it counts as one more. */
  add(id: string, epoch: number, fresh: boolean, flushedTo: number): ProducerState {
    if (this.#states.size >= this.#inMemoryMax) this.#makeRoom(flushedTo);
    const state = new ProducerState(id, epoch, this.#resultsMax);
    this.#states.set(id, state);
    this.#absent.delete(id);
    if (fresh) this.known += 1;
    return state;
  }

  #makeRoom(flushedTo: number): void {
    for (const [id, state] of this.#states) {
      if (state.lsn >= flushedTo) continue;
      this.#states.delete(id);
      return;
    }
  }
}
