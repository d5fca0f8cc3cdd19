/** Positions `from` to `to` are told again, whole, by the later message `by`; said at `at`. */
export type SupersededRange = { from: number; to: number; by: number; at: number };

/** from, to, by, at; `null` when the bytes are gone. */
export type InheritedRange = [from: number, to: number, by: number, at: number | null];

/** How a range stands to those that are there: apart from all, within one, or cutting into one. */
export type Fit = 'apart' | 'known' | 'overlaps';

const width = 4;
const [toAt, byAt, atAt] = [1, 2, 3];
/** Stand in place of `at` when the bytes are gone for every view, and when the frame that says so is on its way. */
const dropped = -1;
const onItsWay = -2;

/**
 * The superseded ranges of one stream, disjoint and in order, four numbers each. A range is *assigned* when its frame is
 * encoded and *shown* when that is durable; it is *dropped* when its bytes may go, and from then on every view passes over it.
 */
export class Superseded {
  #columns = new Float64Array(width * 4);
  #size = 0;
  /** Encoded, not durable. */
  readonly #assigned: SupersededRange[] = [];

  /** The ranges a fork begins with, if any. */
  static of(inherited: readonly InheritedRange[]): Superseded | undefined {
    if (inherited.length === 0) return undefined;
    const ranges = new Superseded();
    for (const [from, to, by, at] of inherited) ranges.load({ from, to, by, at: at ?? 0 }, at === null);
    return ranges;
  }

  get size(): number {
    return this.#size + this.#assigned.length;
  }

  fit(from: number, to: number): Fit {
    let fit: Fit = 'apart';
    for (let i = Math.max(0, this.#find(from)); i < this.#size && this.#from(i) <= to; i++)
      fit = worse(fit, this.#from(i), this.#column(i, toAt), from, to);
    for (const range of this.#assigned) fit = worse(fit, range.from, range.to, from, to);
    return fit;
  }

  assign(range: SupersededRange): void {
    this.#assigned.push(range);
  }

  /** Its frame is durable, or was read back. */
  show(range: SupersededRange): void {
    const at = this.#assigned.findIndex(({ from }) => from === range.from);
    if (at >= 0) this.#assigned.splice(at, 1);
    this.#insert(range.from, range.to, range.by, range.at);
  }

  /** As a row has it: `gone` when its content is. */
  load(range: SupersededRange, gone: boolean): void {
    this.#insert(range.from, range.to, range.by, gone ? dropped : range.at);
  }

  /** A frame that says so was encoded. */
  dropping(from: number): void {
    this.#mark(from, onItsWay);
  }

  /** The bytes of the range that begins at `from` may go. */
  drop(from: number): void {
    this.#mark(from, dropped);
  }

  #mark(from: number, as: number): void {
    const i = this.#find(from);
    if (i >= 0 && this.#from(i) === from) this.#columns[width * i + atAt] = as;
  }

  /**
   * The last position of the range that holds `seq`, when it is left out: by every view once it is dropped, by the compact one
   * at once.
   */
  passedTo(seq: number, compact: boolean): number | undefined {
    const i = this.#find(seq);
    if (i < 0) return undefined;
    const to = this.#column(i, toAt);
    return seq <= to && (compact || this.#column(i, atAt) === dropped) ? to : undefined;
  }

  /** Ranges said before `ms` whose bytes are still there. */
  saidBefore(ms: number): SupersededRange[] {
    const due: SupersededRange[] = [];
    for (let i = 0; i < this.#size; i++) {
      const at = this.#column(i, atAt);
      if (at >= 0 && at < ms)
        due.push({ from: this.#from(i), to: this.#column(i, toAt), by: this.#column(i, byAt), at });
    }
    return due;
  }

  /** How many positions between `first` and `last` are dropped. */
  droppedIn(first: number, last: number): number {
    let count = 0;
    for (let i = Math.max(0, this.#find(first)); i < this.#size && this.#from(i) <= last; i++) {
      if (this.#column(i, atAt) !== dropped) continue;
      count += Math.max(0, Math.min(this.#column(i, toAt), last) - Math.max(this.#from(i), first) + 1);
    }
    return count;
  }

  /** What a fork takes over that inherits everything up to `seq`: ranges it can tell again, and what is gone. */
  upTo(seq: number): InheritedRange[] {
    const inherited: InheritedRange[] = [];
    for (let i = 0; i < this.#size && this.#from(i) <= seq; i++) {
      const [from, by, at] = [this.#from(i), this.#column(i, byAt), this.#column(i, atAt)];
      const gone = at < 0;
      if (gone || by <= seq) inherited.push([from, Math.min(this.#column(i, toAt), seq), by, gone ? null : at]);
    }
    return inherited;
  }

  /** Ranges wholly below `first` are of no more use. */
  forgetBelow(first: number): void {
    let gone = 0;
    while (gone < this.#size && this.#column(gone, toAt) < first) gone += 1;
    if (gone === 0) return;
    this.#columns.copyWithin(0, width * gone, width * this.#size);
    this.#size -= gone;
  }

  #insert(from: number, to: number, by: number, at: number): void {
    const i = this.#find(from);
    // A replayed frame meets what its row said already.
    if (i >= 0 && this.#from(i) === from) return;
    if (width * (this.#size + 1) > this.#columns.length) {
      const grown = new Float64Array(this.#columns.length * 2);
      grown.set(this.#columns);
      this.#columns = grown;
    }
    const place = width * (i + 1);
    this.#columns.copyWithin(place + width, place, width * this.#size);
    this.#columns.set([from, to, by, at], place);
    this.#size += 1;
  }

  /** The last range that begins at or before `seq`; -1 when there is none. */
  #find(seq: number): number {
    let low = -1;
    let high = this.#size - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#from(middle) <= seq) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #from(i: number): number {
    return this.#columns[width * i] as number;
  }

  #column(i: number, column: number): number {
    return this.#columns[width * i + column] as number;
  }
}

function worse(fit: Fit, from: number, to: number, newFrom: number, newTo: number): Fit {
  if (newTo < from || newFrom > to) return fit;
  return fit !== 'overlaps' && from <= newFrom && newTo <= to ? 'known' : 'overlaps';
}
