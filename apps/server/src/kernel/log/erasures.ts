/** Messages of one append, as readers get them. */
type Bodies = readonly Uint8Array[];

type Mask = { readonly instead: Uint8Array; readonly erasedLsn: number };

/**
 * Erased bodies that memory, files or rows may still hold: whatever is read passes through here and shows what was put
 * in their place. A mask is there from the sync of its frame until every layer below has let the old bytes go.
 */
export class Erasures {
  readonly #byStream = new Map<number, Map<number, Mask>>();
  #count = 0;
  #bytes = 0;
  /** Reserved by frames that are not durable yet. */
  #reservedCount = 0;
  #reservedBytes = 0;

  get count(): number {
    return this.#count + this.#reservedCount;
  }

  get bytes(): number {
    return this.#bytes + this.#reservedBytes;
  }

  has(streamNo: number): boolean {
    return this.#byStream.has(streamNo);
  }

  reserve(bodies: Bodies): void {
    this.#reservedCount += bodies.length;
    this.#reservedBytes += sizeOf(bodies);
  }

  release(bodies: Bodies): void {
    this.#reservedCount -= bodies.length;
    this.#reservedBytes -= sizeOf(bodies);
  }

  /** The frame at `erasedLsn` that says this is durable. */
  add(streamNo: number, seqs: readonly number[], bodies: Bodies, erasedLsn: number): void {
    let masks = this.#byStream.get(streamNo);
    if (!masks) {
      masks = new Map();
      this.#byStream.set(streamNo, masks);
    }
    for (const [i, seq] of seqs.entries()) {
      const instead = bodies[i] as Uint8Array;
      this.#forget(masks, seq);
      masks.set(seq, { instead, erasedLsn });
      this.#count += 1;
      this.#bytes += instead.length;
    }
  }

  /** The messages `firstSeq …` of a stream as they may be shown; the same array when nothing of it was erased. */
  masked(streamNo: number, firstSeq: number, messages: Bodies): Bodies {
    if (this.#byStream.size === 0) return messages;
    const masks = this.#byStream.get(streamNo);
    if (!masks) return messages;
    let shown: Uint8Array[] | undefined;
    for (let i = 0; i < messages.length; i++) {
      const mask = masks.get(firstSeq + i);
      if (!mask) continue;
      shown ??= [...messages];
      shown[i] = mask.instead;
    }
    return shown ?? messages;
  }

  /** Whether there are masks whose frame stands at `from` or behind, and before `to`. */
  anyWithin(from: number, to: number): boolean {
    for (const masks of this.#byStream.values())
      for (const { erasedLsn } of masks.values()) if (erasedLsn >= from && erasedLsn < to) return true;
    return false;
  }

  /** Nothing holds the old bytes of what was erased below `lsn` any more. */
  forgetBelow(lsn: number): void {
    for (const [streamNo, masks] of this.#byStream) {
      for (const [seq, { erasedLsn }] of masks) if (erasedLsn < lsn) this.#forget(masks, seq);
      if (masks.size === 0) this.#byStream.delete(streamNo);
    }
  }

  #forget(masks: Map<number, Mask>, seq: number): void {
    const mask = masks.get(seq);
    if (!mask) return;
    masks.delete(seq);
    this.#count -= 1;
    this.#bytes -= mask.instead.length;
  }
}

const sizeOf = (bodies: Bodies): number => bodies.reduce((sum, { length }) => sum + length, 0);
