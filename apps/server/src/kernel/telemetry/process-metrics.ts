import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Metrics } from './metrics.ts';

const kinds = ['rss', 'heapUsed', 'heapTotal', 'external', 'arrayBuffers'] as const;

/** Memory, CPU and event-loop lag of this process, read only when somebody scrapes. */
export function watchProcess(metrics: Metrics): Disposable {
  const lag = monitorEventLoopDelay({ resolution: 10 });
  lag.enable();
  let before = performance.eventLoopUtilization();

  metrics.gauge({
    name: 'muster_process_memory_bytes',
    help: 'Memory of the server process by kind.',
    labels: { kind: kinds },
    collect(gauge) {
      const used = process.memoryUsage();
      for (const kind of kinds) gauge.set({ kind }, used[kind]);
    },
  });
  metrics.gauge({
    name: 'muster_process_cpu_seconds',
    help: 'CPU time used by the server process since its start.',
    labels: { mode: ['user', 'system'] },
    collect(gauge) {
      const { user, system } = process.cpuUsage();
      gauge.set({ mode: 'user' }, user / 1e6);
      gauge.set({ mode: 'system' }, system / 1e6);
    },
  });
  metrics.gauge({
    name: 'muster_process_uptime_seconds',
    help: 'Seconds since the server process started.',
    collect: (gauge) => gauge.set({}, process.uptime()),
  });
  metrics.gauge({
    name: 'muster_event_loop_lag_seconds',
    help: 'How late timers ran since the last scrape.',
    labels: { quantile: ['0.5', '0.99', 'max'] },
    collect(gauge) {
      // The histogram counts from one tick (10 ms) on, which is no lag.
      const late = (nanoseconds: number): number =>
        Math.max(0, (Number.isFinite(nanoseconds) ? nanoseconds : 0) / 1e9 - 0.01);
      gauge.set({ quantile: '0.5' }, late(lag.percentile(50)));
      gauge.set({ quantile: '0.99' }, late(lag.percentile(99)));
      gauge.set({ quantile: 'max' }, late(lag.max));
      lag.reset();
    },
  });
  metrics.gauge({
    name: 'muster_event_loop_utilization_ratio',
    help: 'Share of time the event loop was busy since the last scrape.',
    collect(gauge) {
      const now = performance.eventLoopUtilization();
      gauge.set({}, performance.eventLoopUtilization(now, before).utilization);
      before = now;
    },
  });
  metrics.gauge({
    name: 'muster_process_open_handles',
    help: 'Sockets, files and timers that keep the process alive.',
    collect: (gauge) => gauge.set({}, process.getActiveResourcesInfo().length),
  });
  return { [Symbol.dispose]: () => lag.disable() };
}
