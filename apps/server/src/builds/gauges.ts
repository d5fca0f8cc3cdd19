import { platforms } from '@muster/protocol';
import { asError } from '#kernel/base';
import type { GaugeMetric, LabelSet } from '#kernel/telemetry';
import { readDepths, readHeldCounts, readMatchingCounts, readWorkerCounts } from './queries/queues.ts';
import { readStorage } from './queries/storage.ts';
import type { Room } from './room.ts';

/* Gauges of this room: read from rows when somebody asks for metrics. `labels` is the demand's label set, one text. */

const queues = { max: 100 } as const;
const labelSets = { max: 256 } as const;
const demandLabels = { queue: queues, platform: platforms, labels: labelSets };

/** Once per process. A database that is away leaves the last values standing and is logged. */
export function registerGauges(room: Room): void {
  const { metrics, logger } = room.telemetry;
  const { db } = room;
  const guarded = (read: () => Promise<void>) => async () => {
    try {
      await read();
    } catch (error) {
      logger.warn({ error: asError(error) }, 'gauges of builds not read');
    }
  };
  const depth = metrics.gauge({
    name: 'muster_builds_queue_depth',
    help: 'Builds in line per queue, platform and required labels.',
    labels: demandLabels,
    collect: guarded(async () => {
      const demands = await readDepths(db);
      depthValues.replace(
        depth,
        demands.map((demand) => [labelsOf(demand), demand.depth]),
      );
      oldestValues.replace(
        oldest,
        demands.map((demand) => [labelsOf(demand), demand.oldestWaitSeconds]),
      );
    }),
  });
  const oldest = metrics.gauge({
    name: 'muster_builds_oldest_wait_seconds',
    help: 'Age of the oldest build in line per queue, platform and required labels.',
    labels: demandLabels,
  });
  const matching = metrics.gauge({
    name: 'muster_builds_workers_matching',
    help: 'Online, open workers that match a demand with builds in line.',
    labels: demandLabels,
    collect: guarded(async () => {
      const demands = await readMatchingCounts(db);
      matchingValues.replace(
        matching,
        demands.map((demand) => [labelsOf(demand), demand.workers]),
      );
    }),
  });
  const depthValues = new LastValues<typeof demandLabels>();
  const oldestValues = new LastValues<typeof demandLabels>();
  const matchingValues = new LastValues<typeof demandLabels>();
  const workers = metrics.gauge({
    name: 'muster_builds_workers',
    help: 'Workers by state.',
    labels: { state: ['online', 'busy', 'draining', 'offline'] },
    collect: guarded(async () => {
      for (const [state, count] of Object.entries(await readWorkerCounts(db))) workers.set({ state }, count);
    }),
  });
  const leases = metrics.gauge({
    name: 'muster_builds_leases',
    help: 'Builds held by workers.',
    collect: guarded(async () => {
      const counts = await readHeldCounts(db);
      leases.set({}, counts.leases);
      uploads.set({}, counts.uploadsOpen);
    }),
  });
  const uploads = metrics.gauge({
    name: 'muster_builds_uploads_open',
    help: 'Resumable uploads that are not finished.',
  });
  const stored = metrics.gauge({
    name: 'muster_builds_stored_bytes',
    help: 'Bytes of stored files by kind.',
    labels: { kind: ['source', 'certs', 'artifact'] },
    collect: guarded(async () => {
      const bytes = new Map<string, number>([
        ['source', 0],
        ['certs', 0],
        ['artifact', 0],
      ]);
      for (const row of await readStorage(db)) bytes.set(row.kind, (bytes.get(row.kind) ?? 0) + row.bytes);
      for (const [kind, sum] of bytes) stored.set({ kind }, sum);
    }),
  });
}

type DemandLabels = { queue: string; platform: string; labels: string };

function labelsOf(demand: { queue: string; platform: string; requires: Record<string, string> }): DemandLabels {
  const labels = Object.entries(demand.requires)
    .map(([label, value]) => `${label}=${value}`)
    .sort()
    .join(',');
  return { queue: demand.queue, platform: demand.platform, labels };
}

/** Sets a gauge to exactly these values: what is not among them any more is taken away, not left at its last value. */
class LastValues<L extends LabelSet> {
  #last: { readonly [name in keyof L]: string }[] = [];

  replace(gauge: GaugeMetric<L>, values: readonly (readonly [{ readonly [name in keyof L]: string }, number])[]): void {
    for (const labels of this.#last) gauge.remove(labels);
    for (const [labels, value] of values) gauge.set(labels, value);
    this.#last = values.map(([labels]) => labels);
  }
}
