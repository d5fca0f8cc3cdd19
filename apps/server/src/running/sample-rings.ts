import { type Sample, type SampleMetricName, sampleMetricNames, sampleMetrics } from '@muster/protocol';

const width = sampleMetricNames.length;

/** A ring of steps of one length: for each metric the sum, how many there were, and the worst of them. */
class Ring {
  readonly stepMs: number;
  readonly #size: number;
  readonly #stamps: Float64Array;
  readonly #sums: Float64Array;
  readonly #counts: Uint16Array;
  readonly #worst: Float64Array;

  constructor(stepMs: number, size: number) {
    this.stepMs = stepMs;
    this.#size = size;
    this.#stamps = new Float64Array(size).fill(-1);
    this.#sums = new Float64Array(size * width);
    this.#counts = new Uint16Array(size * width);
    this.#worst = new Float64Array(size * width);
  }

  get spanMs(): number {
    return this.#size * this.stepMs;
  }

  add(at: number, sample: Sample): void {
    const bucket = Math.floor(at / this.stepMs);
    const slot = bucket % this.#size;
    const stamp = this.#stamps[slot] ?? -1;
    if (stamp > bucket) return;
    const base = slot * width;
    if (stamp < bucket) {
      this.#stamps[slot] = bucket;
      this.#counts.fill(0, base, base + width);
      this.#sums.fill(0, base, base + width);
    }
    for (const [column, name] of sampleMetricNames.entries()) {
      const value = sample[name];
      // One of an older version may lack it.
      if (typeof value !== 'number') continue;
      const cell = base + column;
      const count = this.#counts[cell] ?? 0;
      const before = this.#worst[cell] ?? value;
      this.#worst[cell] = count === 0 ? value : worse(name, before, value);
      this.#sums[cell] = (this.#sums[cell] ?? 0) + value;
      this.#counts[cell] = count + 1;
    }
  }

  /** Everything of `[from, to)`; `undefined` when nothing was measured there. */
  over(name: SampleMetricName, from: number, to: number): { mean: number; worst: number } | undefined {
    const column = sampleMetricNames.indexOf(name);
    let sum = 0;
    let count = 0;
    let worst: number | undefined;
    for (let bucket = Math.ceil(from / this.stepMs); bucket * this.stepMs < to; bucket++) {
      const slot = bucket % this.#size;
      if (this.#stamps[slot] !== bucket) continue;
      const cell = slot * width + column;
      const here = this.#counts[cell] ?? 0;
      if (here === 0) continue;
      count += here;
      sum += this.#sums[cell] ?? 0;
      const there = this.#worst[cell] ?? 0;
      worst = worst === undefined ? there : worse(name, worst, there);
    }
    return worst === undefined ? undefined : { mean: sum / count, worst };
  }
}

const worse = (name: SampleMetricName, a: number, b: number): number =>
  sampleMetrics[name].worse === 'above' ? Math.max(a, b) : Math.min(a, b);

const hourSeconds = 3_600;
const dayMinutes = 24 * 60;

/** The last hour by seconds and the last day by minutes, about three megabytes, so that a chart never reads the stream. */
export class SampleRings {
  readonly #fine = new Ring(1_000, hourSeconds);
  readonly #coarse = new Ring(60_000, dayMinutes);

  add(sample: Sample): void {
    const at = Date.parse(sample.at);
    this.#fine.add(at, sample);
    this.#coarse.add(at, sample);
  }

  /** The finest steps there are for something that begins at `from`. */
  finest(from: number, now: number): number {
    return now - from <= this.#fine.spanMs ? this.#fine.stepMs : this.#coarse.stepMs;
  }

  over(name: SampleMetricName, from: number, to: number): { mean: number; worst: number } | undefined {
    const ring = to - from < this.#coarse.stepMs ? this.#fine : this.#coarse;
    return ring.over(name, from, to);
  }
}
