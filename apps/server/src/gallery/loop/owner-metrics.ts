import type { Clock } from '#kernel/base';
import type { Telemetry } from '#kernel/telemetry';

const windowMs = 10_000;

/** What the owning half counts: nothing here decides. */
export type OwnerMetrics = {
  /** How long after its time a think begins, in ms. */
  lag(ms: number): void;
  /** The longest lag of the last 10 to 20 s. */
  lagMs(): number;
  restored(ms: number): void;
};

export function ownerMetrics(
  metrics: Telemetry['metrics'],
  clock: Clock,
  live: {
    due: () => number;
    flying: () => number;
    putOff: () => number;
    gates: () => Iterable<[scope: 'fleet' | 'target', state: string]>;
  },
): OwnerMetrics {
  const lag = metrics.histogram({
    name: 'muster_gallery_scheduler_lag_seconds',
    help: 'From the time of a think to its beginning.',
  });
  const restored = metrics.histogram({
    name: 'muster_gallery_restore_seconds',
    help: 'From taking shards to having the timers of their bots.',
  });
  metrics.gauge({
    name: 'muster_gallery_due_queue',
    help: 'Bots that are due and wait for a seat.',
    collect: (gauge) => gauge.set({}, live.due()),
  });
  metrics.gauge({
    name: 'muster_gallery_capacity_put_off',
    help: 'Thinks put off because more were due than the queue holds, since the start.',
    collect: (gauge) => gauge.set({}, live.putOff()),
  });
  metrics.gauge({
    name: 'muster_gallery_in_flight',
    help: 'What is under way on this node.',
    labels: { what: ['thinks'] },
    collect: (gauge) => gauge.set({ what: 'thinks' }, live.flying()),
  });
  const scopes = ['fleet', 'target'] as const;
  const states = ['open', 'sleeping', 'held', 'tripped'] as const;
  metrics.gauge({
    name: 'muster_gallery_gate',
    help: 'Gates by state.',
    labels: { scope: scopes, state: states },
    collect: (gauge) => {
      const seen = [...live.gates()];
      for (const scope of scopes)
        for (const state of states)
          gauge.set({ scope, state }, seen.filter(([at, is]) => at === scope && is === state).length);
    },
  });
  let [from, now, before] = [clock.monotonic(), 0, 0];
  const turn = (): void => {
    const age = clock.monotonic() - from;
    if (age < windowMs) return;
    before = age < 2 * windowMs ? now : 0;
    [from, now] = [clock.monotonic(), 0];
  };
  return {
    lag(ms) {
      turn();
      now = Math.max(now, ms);
      lag.observe({}, Math.max(0, ms) / 1_000);
    },
    lagMs() {
      turn();
      return Math.max(now, before);
    },
    restored: (ms) => restored.observe({}, ms / 1_000),
  };
}
