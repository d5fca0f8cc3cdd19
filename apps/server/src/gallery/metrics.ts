import type { CounterMetric, GaugeMetric, HistogramMetric, Metrics } from '#kernel/telemetry';

/*
 * Counters and times of this room. Kinds, outcomes, reasons and routes come from closed lists of the protocol; targets and
 * providers are names that operators give, so they are bounded. Ids are never labels.
 */

const kinds = ['post', 'comment', 'reply', 'like', 'unlike', 'browse'] as const;
const results = ['acted', 'skipped', 'blocked', 'failed', 'dropped', 'put_off'] as const;

export type GalleryMetrics = {
  events: CounterMetric<{ type: { max: number } }>;
  thinks: CounterMetric<{ result: readonly string[] }>;
  actions: CounterMetric<{ kind: readonly string[]; outcome: { max: number }; origin: readonly string[] }>;
  skips: CounterMetric<{ reason: { max: number } }>;
  guards: CounterMetric<{ reason: { max: number } }>;
  published: HistogramMetric<Readonly<Record<string, never>>>;
  bots: GaugeMetric<{ state: readonly string[] }>;
};

export function createGalleryMetrics(metrics: Metrics, bots: () => Readonly<Record<string, number>>): GalleryMetrics {
  return {
    events: metrics.counter({
      name: 'muster_gallery_events_total',
      help: 'What happened to gallery bots, by the type that webhooks know.',
      labels: { type: { max: 40 } },
    }),
    thinks: metrics.counter({
      name: 'muster_gallery_thinks_total',
      help: 'Thinks that ended, by what came of them.',
      labels: { result: results },
    }),
    actions: metrics.counter({
      name: 'muster_gallery_actions_total',
      help: 'Acts on galleries; `human` are those of people in the sandbox.',
      labels: { kind: kinds, outcome: { max: 30 }, origin: ['human', 'bot'] },
    }),
    skips: metrics.counter({
      name: 'muster_gallery_skips_total',
      help: 'Thinks that ended without an act because of a rule of the fleet.',
      labels: { reason: { max: 40 } },
    }),
    guards: metrics.counter({
      name: 'muster_gallery_guard_total',
      help: 'Texts that were refused, whoever wrote them.',
      labels: { reason: { max: 40 } },
    }),
    published: metrics.histogram({
      name: 'muster_gallery_feed_seconds',
      help: 'From the moment of an activity to its place in the stream.',
    }),
    bots: metrics.gauge({
      name: 'muster_gallery_bots',
      help: 'Gallery bots by their stored state, over all projects, as counted within the last minute.',
      labels: { state: ['idle', 'running', 'paused', 'sleeping', 'error', 'deleted'] },
      collect: (gauge) => {
        for (const [state, count] of Object.entries(bots())) gauge.set({ state }, count);
      },
    }),
  };
}
