import { availableParallelism, totalmem } from 'node:os';
import {
  type PartState,
  partStates,
  type SampleMetricName,
  type System,
  sampleMetricNames,
  sampleMetrics,
  stateOfSample,
} from '@muster/protocol';
import { sql } from '#kernel/db';
import type { RunningDeps } from './deps.ts';
import type { Sampler } from './sampler.ts';

type Room = RunningDeps & { sampler: Pick<Sampler, 'last'>; startedAt: number };

/** How this node and what it stands on are, with thresholds and what to do past them. */
export async function showSystem(room: Room): Promise<System> {
  const { clock, node, database, log, queue, config } = room;
  const sample = room.sampler.last();
  const [facts, queues] = await Promise.allSettled([readDatabaseFacts(room), queue.depth()]);
  const tiles = sampleMetricNames.map((metric) => tileOf(metric, sample[metric]));
  const parts = [...room.parts()];
  const now = clock.now();
  const promises = log.promises();
  return {
    at: new Date(now).toISOString(),
    state: worst([...tiles.map(({ state }) => state), ...parts.map(({ state }) => state)]),
    version: node.version,
    node: {
      name: node.name,
      pid: process.pid,
      platform: process.platform,
      arch: process.arch,
      runtime: `Node.js ${process.version}`,
      cpus: availableParallelism(),
      memoryBytes: totalmem(),
      startedAt: new Date(room.startedAt).toISOString(),
      uptimeMs: now - room.startedAt,
      dataDir: node.dataDir,
      url: node.url(),
    },
    database: {
      kind: database.kind,
      described: database.described,
      healthy: database.healthy(),
      version: facts.status === 'fulfilled' ? facts.value.version : null,
      sizeBytes: facts.status === 'fulfilled' ? facts.value.sizeBytes : null,
      pool: { ...database.pool(), max: database.poolMax },
    },
    log: { ...promises, survives: { ...promises.survives }, flushLagMs: Math.round(promises.flushLagMs) },
    tiles,
    queues: queues.status === 'fulfilled' ? queues.value : [],
    parts,
    warnings: config().warnings,
  };
}

function tileOf(metric: SampleMetricName, value: number | null): System['tiles'][number] {
  return { metric, value, state: stateOfSample(metric, value), ...sampleMetrics[metric] };
}

const worst = (states: readonly PartState[]): PartState => {
  const order: readonly PartState[] = ['bad', 'warning', 'ok'];
  return order.find((state) => states.includes(state)) ?? partStates[0];
};

async function readDatabaseFacts({ db }: Pick<Room, 'db'>): Promise<{ version: string; sizeBytes: number }> {
  const [row] = await db.query<{ version: string; sizeBytes: number }>(sql`
    -- read_database_facts: no table
    select current_setting('server_version') as version, pg_database_size(current_database())::bigint as "sizeBytes"`);
  return row ?? { version: '', sizeBytes: 0 };
}
