import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Logger } from './logger.ts';

/**
 * The values a label may take: a closed list, or at most `max` different ones over the life of the process (names an
 * operator chooses, such as queues). Whatever is outside becomes `other`, so no label can grow without bound.
 */
type LabelValues = readonly string[] | { readonly max: number };
export type LabelSet = Readonly<Record<string, LabelValues>>;
/** A metric without labels: `add({})`. */
type Unlabelled = Readonly<Record<string, never>>;
type Values<L extends LabelSet> = { readonly [name in keyof L]: string };

type MetricOptions<L extends LabelSet> = { name: string; help: string; labels?: L };
export type CounterMetric<L extends LabelSet> = { add(labels: Values<L>, by?: number): void };
export type HistogramMetric<L extends LabelSet> = { observe(labels: Values<L>, value: number): void };
export type GaugeMetric<L extends LabelSet> = {
  set(labels: Values<L>, value: number): void;
  remove(labels: Values<L>): void;
};

/** Names and meanings of one metric, for the docs. */
type MetricFact = { name: string; kind: 'counter' | 'gauge' | 'histogram'; help: string; labels: string[] };

export interface Metrics {
  counter<L extends LabelSet = Unlabelled>(options: MetricOptions<L>): CounterMetric<L>;
  histogram<L extends LabelSet = Unlabelled>(
    options: MetricOptions<L> & {
      /** Upper bounds, in the unit of the name. Default: 1 ms … 60 s in seconds. */ buckets?: readonly number[];
    },
  ): HistogramMetric<L>;
  gauge<L extends LabelSet = Unlabelled>(
    options: MetricOptions<L> & {
      /** Called when somebody reads the metrics; sets its values then. */ collect?: (
        gauge: GaugeMetric<L>,
      ) => void | Promise<void>;
    },
  ): GaugeMetric<L>;
  /** The Prometheus text form of everything. */
  text(): Promise<string>;
  readonly contentType: string;
  list(): MetricFact[];
}

const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export function createMetrics(logger: Logger): Metrics & { readonly registry: Registry } {
  const registry = new Registry();
  const facts: MetricFact[] = [];

  function describe<L extends LabelSet>(
    kind: MetricFact['kind'],
    options: MetricOptions<L>,
  ): { name: string; help: string; labelNames: string[] } {
    const labelNames = Object.keys(options.labels ?? {});
    facts.push({ name: options.name, kind, help: options.help, labels: labelNames });
    return { name: options.name, help: options.help, labelNames };
  }

  return {
    registry,
    contentType: registry.contentType,
    text: () => registry.metrics(),
    list: () => facts.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    counter(options) {
      const counter = new Counter({ ...describe('counter', options), registers: [registry] });
      const bound = bounder(options.name, options.labels, logger);
      return { add: (labels, by = 1) => counter.inc(bound(labels), by) };
    },
    histogram(options) {
      const buckets = [...(options.buckets ?? secondsBuckets)];
      const histogram = new Histogram({ ...describe('histogram', options), buckets, registers: [registry] });
      const bound = bounder(options.name, options.labels, logger);
      return { observe: (labels, value) => histogram.observe(bound(labels), value) };
    },
    gauge(options) {
      const bound = bounder(options.name, options.labels, logger);
      const facade = {
        set: (labels: Values<NonNullable<(typeof options)['labels']>>, value: number) =>
          gauge.set(bound(labels), value),
        remove: (labels: Values<NonNullable<(typeof options)['labels']>>) => gauge.remove(bound(labels)),
      };
      const gauge = new Gauge({
        ...describe('gauge', options),
        registers: [registry],
        ...(options.collect ? { collect: () => options.collect?.(facade) } : {}),
      });
      return facade;
    },
  };
}

/** Maps label values into their sets; the first value outside of each label is logged, once. */
function bounder(
  metric: string,
  labels: LabelSet | undefined,
  logger: Logger,
): (given: Readonly<Record<string, string>>) => Record<string, string> {
  const bounds = Object.entries(labels ?? {}).map(([label, values]) => ({
    label,
    allows: allower(values),
    warned: false,
  }));
  return (given) => {
    const out: Record<string, string> = {};
    for (const bound of bounds) {
      const value = given[bound.label] ?? '';
      if (bound.allows(value)) {
        out[bound.label] = value;
        continue;
      }
      out[bound.label] = 'other';
      if (bound.warned) continue;
      bound.warned = true;
      logger.warn(
        { metric, label: bound.label, value: value.slice(0, 64) },
        'label value outside its set; counted as other',
      );
    }
    return out;
  };
}

function allower(values: LabelValues): (value: string) => boolean {
  if ('max' in values) {
    const seen = new Set<string>();
    return (value) => {
      if (seen.has(value)) return true;
      if (seen.size >= values.max) return false;
      seen.add(value);
      return true;
    };
  }
  const set = new Set(values);
  return (value) => set.has(value);
}
