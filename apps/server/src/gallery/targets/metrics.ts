import type { Metrics } from '#kernel/telemetry';

export const routes = [
  'feed',
  'item',
  'thread',
  'items_of',
  'publish',
  'comment',
  'like',
  'unlike',
  'upload_url',
  'upload',
  'confirm_upload',
  'execute',
  'image',
  'invite',
  'remove',
] as const;
export type Route = (typeof routes)[number];

export type TargetMetrics = {
  answered(call: { target: string; route: Route; code: string; tookMs: number }): void;
};

/** What goes to targets, counted once for the process. */
export function createTargetMetrics(metrics: Metrics): TargetMetrics {
  const labels = { target: { max: 50 }, route: routes };
  const requests = metrics.counter({
    name: 'muster_gallery_target_requests_total',
    help: 'Requests to galleries, by what came back: a status, or why there was none.',
    labels: { ...labels, code: { max: 60 } },
  });
  const seconds = metrics.histogram({
    name: 'muster_gallery_target_seconds',
    help: 'How long a gallery took to answer.',
    labels,
  });
  return {
    answered({ target, route, code, tookMs }) {
      requests.add({ target, route, code });
      seconds.observe({ target, route }, tookMs / 1_000);
    },
  };
}
