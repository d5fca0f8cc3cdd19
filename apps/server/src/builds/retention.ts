import { MusterError } from '#kernel/base';
import type { BlobKey } from '#kernel/blobs';
import type { Tx } from '#kernel/db';
import { firstIdAt } from './list-builds.ts';
import * as queries from './queries/retention.ts';
import { dropUnusedBlobs } from './queries/storage.ts';
import type { Room } from './room.ts';
import { buildEventsKey, logKey } from './stream-keys.ts';

/** Rows of one transaction. */
const batch = 500;
const bulksDays = 30;
const dayMs = 86_400_000;
/** Ids are made by the clocks of nodes, ages by the database's. */
const clockSlackMs = 3_600_000;

export type RetentionCounts = {
  inputs: number;
  outputs: number;
  rows: number;
  telemetry: number;
  diagnostics: number;
  bulks: number;
  blobs: number;
};

type Expired = { buildId: string; projectId?: string; blobs: BlobKey[] };

/**
 * Removes what has had its time, in batches: source and certs, then artifacts and log, telemetry, diagnostics, at last the
 * builds themselves. Never an unfinished build, never one tagged `keep`, never a file another build still uses. Rows
 * first, then files: a crash between leaves a file without a row, which the sweep takes.
 */
export async function applyRetention(room: Room, signal?: AbortSignal): Promise<RetentionCounts> {
  const { config } = room;
  const counts: RetentionCounts = { inputs: 0, outputs: 0, rows: 0, telemetry: 0, diagnostics: 0, bulks: 0, blobs: 0 };
  const due = (days: number, prefix = 'bld'): queries.Due => ({
    days,
    limit: batch,
    bornBefore: firstIdAt(room.clock.now() + clockSlackMs - days * dayMs, prefix),
  });
  const files = (what: 'inputs' | 'outputs' | 'rows', take: (tx: Tx) => Promise<Expired[]>): Promise<void> =>
    inBatches(signal, async () => {
      const expired = await expire(room, take, counts);
      counts[what] += expired.length;
      if (what !== 'inputs') await removeStreams(room, expired, what);
      return expired.length;
    });
  const rows = (what: 'telemetry' | 'diagnostics' | 'bulks', take: (tx: Tx) => Promise<number>): Promise<void> =>
    inBatches(signal, async () => {
      const removed = await room.db.transaction(take);
      counts[what] += removed;
      return removed;
    });
  await files('inputs', (tx) => queries.expireInputs(tx, due(config.retentionSourceDays)));
  await files('outputs', (tx) => queries.expireOutputs(tx, due(config.retentionArtifactsDays)));
  await rows('telemetry', (tx) => queries.removeTelemetry(tx, due(config.retentionTelemetryDays)));
  await rows('diagnostics', (tx) => queries.removeDiagnostics(tx, due(config.retentionDiagnosticsDays, 'dgr')));
  await rows('bulks', (tx) => queries.removeBulks(tx, due(bulksDays, 'job')));
  await files('rows', (tx) => queries.removeBuilds(tx, due(config.retentionRowsDays)));
  return counts;
}

/** A batch that comes back full may not have been the last. */
async function inBatches(signal: AbortSignal | undefined, one: () => Promise<number>): Promise<void> {
  for (;;) {
    if (signal?.aborted || (await one()) < batch) return;
  }
}

async function expire(room: Room, take: (tx: Tx) => Promise<Expired[]>, counts: RetentionCounts): Promise<Expired[]> {
  const { expired, blobs } = await room.db.transaction(
    async (tx) => {
      await queries.lockRetention(tx);
      const expired = await take(tx);
      return {
        expired,
        blobs: await dropUnusedBlobs(
          tx,
          expired.flatMap((build) => build.blobs),
        ),
      };
    },
    { retries: 3 },
  );
  for (const blob of blobs) await room.blobs.remove(blob);
  counts.blobs += blobs.length;
  return expired;
}

/** The log goes with the artifacts; the events go with the row. */
async function removeStreams(room: Room, expired: readonly Expired[], what: 'outputs' | 'rows'): Promise<void> {
  for (const { buildId, projectId } of expired) {
    if (projectId === undefined) continue;
    const keys = [logKey(projectId, buildId), ...(what === 'rows' ? [buildEventsKey(projectId, buildId)] : [])];
    for (const key of keys) {
      try {
        await room.log.remove(key, 'expired');
      } catch (error) {
        // Never written, or removed by the run before.
        if (!(error instanceof MusterError) || error.code !== 'notFound') throw error;
      }
    }
  }
}
