import type { BuildState } from '@muster/protocol';
import { extendLeases } from '../extend-lease.ts';
import type { BuildsConfig } from '../limits.ts';
import type { Room } from '../room.ts';
import { startBuild } from '../start-build.ts';
import type { Held } from './auth.ts';
import { endUpload, noteSign, type Sign, type Signs } from './queries.ts';

/* Old clients hold a lease without knowing it. What an attempt has sent so far tells which kind of client it is, and so
 * how long it may be silent:
 * - nothing yet: an image is being cloned, which makes no call
 * - heartbeats, or the VM said it is ready: it goes on every 20 s
 * - telemetry only: every 30 s
 * - source or certs and then silence: a worker or script that says nothing until it is done
 */

/** How long the upload of a result holds the lease. */
const uploadHoldMs = 30 * 60_000;

export function leaseMs(signs: Signs, config: BuildsConfig): number {
  const ms = signs.heartbeat
    ? config.legacyLeaseHeartbeatMs
    : signs.telemetry
      ? config.legacyLeaseTelemetryMs
      : signs.files
        ? config.legacyLeaseSilentMs
        : config.legacyLeaseFirstMs;
  return Math.round(Math.max(ms, signs.uploadMs));
}

type More = { uploadMs?: number; monitor?: boolean; progress?: number | undefined };

/**
 * The holder did something: its first sign starts the build, every one extends the lease. Answers the state, `cancelling`
 * when it is to stop, and what was known of the attempt. Errors: those of `startBuild`.
 */
export async function signOfLife(
  room: Room,
  held: Held,
  sign: Sign,
  more: More = {},
): Promise<{ state: BuildState; signs: Signs }> {
  const { buildId, term, workerId, projectId } = held;
  const signs = await room.db.transaction((tx) => noteSign(tx, { id: buildId, term }, sign, more));
  const ttlMs = leaseMs(signs, room.config);
  const { state } = await startBuild(room, { workerId, projectId }, { buildId, term, ttlMs });
  if (more.progress !== undefined) {
    await extendLeases(room, { workerId, projectId }, [{ buildId, term, progress: more.progress, ttlMs }]);
  }
  return { state, signs };
}

/** Holds the lease while `work` runs; afterwards the lease is what it was before, whether it went well or not. */
export async function whileUploading<T>(room: Room, held: Held | undefined, work: () => Promise<T>): Promise<T> {
  if (!held) return work();
  await signOfLife(room, held, 'other', { uploadMs: uploadHoldMs });
  try {
    return await work();
  } finally {
    await room.db.transaction((tx) => endUpload(tx, { id: held.buildId, term: held.term }));
  }
}
