import type { Job } from '@muster/protocol';
import { reach } from '#kernel/base';
import { dispatchLimits } from './dispatch-limits.ts';
import { failureOf } from './failures.ts';
import { jobsOf } from './job-shape.ts';
import { type Match, matchBuilds } from './match-builds.ts';
import { type Claimed, claim, lookForBuilds } from './queries/claim.ts';
import { releaseAttempt } from './release-attempt.ts';
import type { Room } from './room.ts';
import { sqlState } from './sql-state.ts';

export type Handout = { workerId: string; job: Job; submittedAt: Date };
export type ClaimOutcome = {
  /** Builds now assigned, each to another worker. */
  taken: Handout[];
  /** Workers that could have taken one, those who did included, in the order they were asked. */
  ready: readonly string[];
  /** Of these, who came back empty because nothing is left for it. */
  dry: readonly string[];
  /** Somebody came back empty though builds were seen: others held them, or there may be more behind them. */
  again: boolean;
};

/**
 * Hands builds to workers, whatever they are able to: at most one each, longest waiting first. A look says whom to ask for
 * what; then rows, attempts, tokens and events are one transaction. When a seat was taken meanwhile (23505) or two nodes
 * met (40P01) it is done again with one worker, at most three times. Errors: `unavailable` `store_down`.
 */
export async function claimBuilds(room: Room, workerIds: readonly string[]): Promise<ClaimOutcome> {
  let ids = workerIds;
  for (let retries = 0; ; retries++) {
    const sight = await lookForBuilds(room.db, ids);
    const { slots, dry } = matchBuilds(sight);
    const ready = sight.workers.map(({ id }) => id);
    try {
      const taken = slots.length > 0 ? await takeBuilds(room, slots) : [];
      room.metrics.claims.add({ result: taken.length > 0 ? 'taken' : 'empty' }, Math.max(1, taken.length));
      return { taken, ready, dry, again: retries > 0 || taken.length + dry.length < ready.length };
    } catch (error) {
      const cause = causes[sqlState(error)];
      if (!cause) throw error;
      room.metrics.claimRetries.add({ cause });
      if (retries >= dispatchLimits.claimRetriesMax) return { taken: [], ready, dry, again: true };
      ids = ready.slice(0, 1);
    }
  }
}

const causes: Record<string, string> = { '23505': 'seat_taken', '40P01': 'deadlock' };

async function takeBuilds(room: Room, slots: Match['slots']): Promise<Handout[]> {
  const { leaseTtlMs, legacyLeaseFirstMs } = room.config;
  const handouts = await room.db.transaction(async (tx) => {
    const began = room.clock.monotonic();
    const rows = await claim(tx, {
      slots,
      leaseTtlMs,
      legacyLeaseTtlMs: legacyLeaseFirstMs,
      runMarginMs: dispatchLimits.runMarginMs,
    });
    room.metrics.claimSql.observe({}, (room.clock.monotonic() - began) / 1_000);
    await room.emit(tx, rows.map(assigned));
    const { jobs, broken } = await jobsOf(room, tx, rows);
    for (const { buildId, term } of broken) {
      const failure = failureOf(
        'secrets_unreadable',
        'The secret variables of this build cannot be decrypted by this server.',
      );
      await releaseAttempt(room, tx, { buildId, term, cause: { kind: 'fault', failure } });
    }
    return rows.flatMap(({ buildId, workerId, submittedAt }): Handout[] => {
      const job = jobs.get(buildId);
      return job ? [{ workerId, job, submittedAt }] : [];
    });
  });
  if (handouts.length > 0) await reach('claim.committed');
  return handouts;
}

function assigned({
  projectId,
  buildId,
  workerId,
  workerName,
  term,
  queue,
  platform,
  waitedSince,
  assignedAt,
}: Claimed): Parameters<Room['emit']>[1][number] {
  return {
    projectId,
    type: 'assigned',
    buildId,
    workerId,
    term,
    queue,
    data: { platform, waitMs: Math.max(0, assignedAt.getTime() - waitedSince.getTime()) },
    line: { level: 'info', text: `Assigned to worker ${workerName}` },
  };
}
