import type { CounterMetric, HistogramMetric, Metrics } from '#kernel/telemetry';
import { providers } from './settings.ts';

/** How a call ended; labels of the counter. */
export const callResults = ['answered', 'invalid', 'rate_limited', 'failed', 'refused', 'timeout', 'aborted'] as const;
export type CallResult = (typeof callResults)[number];

type None = Readonly<Record<string, never>>;
export type MindMetrics = {
  calls: CounterMetric<{ provider: readonly string[]; result: readonly string[] }>;
  seconds: HistogramMetric<None>;
  tokens: CounterMetric<{ direction: readonly string[] }>;
  cost: CounterMetric<None>;
  underestimates: CounterMetric<None>;
  injections: CounterMetric<None>;
  fallbacks: CounterMetric<{ reason: { max: number } }>;
};

export function createMindMetrics(metrics: Metrics): MindMetrics {
  return {
    calls: metrics.counter({
      name: 'muster_gallery_mind_calls_total',
      help: 'Calls to model providers, by what came back.',
      labels: { provider: providers, result: callResults },
    }),
    seconds: metrics.histogram({
      name: 'muster_gallery_mind_seconds',
      help: 'From sending a call to a model to its whole answer.',
    }),
    tokens: metrics.counter({
      name: 'muster_gallery_tokens_total',
      help: 'Tokens of model calls, as providers count them.',
      labels: { direction: ['in', 'out'] },
    }),
    cost: metrics.counter({
      name: 'muster_gallery_cost_micros_total',
      help: 'Price of model calls in micros of the one currency.',
    }),
    underestimates: metrics.counter({
      name: 'muster_gallery_budget_underestimate_total',
      help: 'Model calls that used more than was reserved for them.',
    }),
    injections: metrics.counter({
      name: 'muster_gallery_injection_seen_total',
      help: 'Texts of a gallery that read like orders to a machine; none is obeyed.',
    }),
    fallbacks: metrics.counter({
      name: 'muster_gallery_mind_fallbacks_total',
      help: 'Thinks that another mind did, by why the wanted one did not.',
      labels: { reason: { max: 20 } },
    }),
  };
}
