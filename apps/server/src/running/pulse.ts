import type { Clock } from '#kernel/base';
import type { HistogramMetric, LabelSet, Metrics } from '#kernel/telemetry';

/* The numbers of the last seconds that no gauge holds: how many and how long. A histogram of sixty slots, doubling every four,
 * is enough for a percentile that is right to a fifth, costs an addition, and is thrown away with its second. */

const slots = 80;
const smallestMs = 0.05;
const perDoubling = 4;
const keptSeconds = 10;

const slotOf = (ms: number): number =>
  ms <= smallestMs ? 0 : Math.min(slots - 1, Math.ceil(Math.log2(ms / smallestMs) * perDoubling));
const upperOf = (slot: number): number => smallestMs * 2 ** (slot / perDoubling);

/** Counts and times of the last ten seconds, in buckets of one second. */
export class Recent {
  readonly #clock: Clock;
  readonly #counts = Array.from({ length: keptSeconds }, () => new Uint32Array(slots));
  readonly #totals = new Float64Array(keptSeconds);
  #second = -1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(ms: number, times = 1): void {
    const at = this.#turn();
    const counts = this.#counts[at];
    const slot = slotOf(ms);
    if (counts) counts[slot] = (counts[slot] ?? 0) + times;
    this.#totals[at] = (this.#totals[at] ?? 0) + times;
  }

  /** Of the last whole second. */
  perSecond(): number {
    const at = this.#turn();
    return this.#totals[(at + keptSeconds - 1) % keptSeconds] ?? 0;
  }

  /** The time that this share of them took at most; `null` when there were none. */
  percentile(share: number): number | null {
    this.#turn();
    const total = this.#totals.reduce((sum, count) => sum + count, 0);
    if (total === 0) return null;
    let left = Math.ceil(total * share);
    for (let slot = 0; slot < slots; slot++) {
      for (const counts of this.#counts) left -= counts[slot] ?? 0;
      if (left <= 0) return upperOf(slot);
    }
    return upperOf(slots - 1);
  }

  /** The place of the present second; seconds that nobody counted in are emptied. */
  #turn(): number {
    const second = Math.floor(this.#clock.monotonic() / 1_000);
    const passed = this.#second < 0 ? keptSeconds : Math.min(keptSeconds, second - this.#second);
    for (let back = 0; back < passed; back++) {
      const at = (second - back) % keptSeconds;
      this.#counts[at]?.fill(0);
      this.#totals[at] = 0;
    }
    this.#second = second;
    return second % keptSeconds;
  }
}

export class Pulse {
  readonly requests: Recent;
  readonly errors: Recent;
  readonly statements: Recent;
  /** Batches made durable, with the wait of their oldest append. */
  readonly commits: Recent;
  readonly appends: Recent;

  constructor(clock: Clock) {
    this.requests = new Recent(clock);
    this.errors = new Recent(clock);
    this.statements = new Recent(clock);
    this.commits = new Recent(clock);
    this.appends = new Recent(clock);
  }

  /** The same metrics, with an ear on those that samples are made of. Hand these to whoever observes them. */
  hears(metrics: Metrics): Metrics {
    const tap: Metrics['histogram'] = (options) => {
      const histogram = metrics.histogram(options);
      const heard = this.#earOf(options.name);
      return heard ? listened(histogram, heard) : histogram;
    };
    return {
      counter: (options) => {
        const counter = metrics.counter(options);
        if (options.name !== 'muster_log_append_total') return counter;
        return {
          add: (labels, by = 1) => {
            counter.add(labels, by);
            this.appends.add(0, by);
          },
        };
      },
      gauge: (options) => metrics.gauge(options),
      histogram: tap,
      text: () => metrics.text(),
      list: () => metrics.list(),
      get contentType() {
        return metrics.contentType;
      },
    };
  }

  #earOf(name: string): ((labels: Readonly<Record<string, string>>, ms: number) => void) | undefined {
    if (name === 'muster_db_query_seconds') return (_, ms) => this.statements.add(ms);
    if (name === 'muster_log_append_seconds') return (_, ms) => this.commits.add(ms);
    if (name !== 'muster_http_request_seconds') return undefined;
    return (labels, ms) => {
      this.requests.add(ms);
      if (labels['status']?.startsWith('5') === true) this.errors.add(ms);
    };
  }
}

function listened<L extends LabelSet>(
  histogram: HistogramMetric<L>,
  heard: (labels: Readonly<Record<string, string>>, ms: number) => void,
): HistogramMetric<L> {
  return {
    observe: (labels, seconds) => {
      histogram.observe(labels, seconds);
      heard(labels, seconds * 1_000);
    },
  };
}
