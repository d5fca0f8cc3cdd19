import type { Job } from '@muster/protocol';
import { reach } from '#kernel/base';
import { dispatchLimits } from './dispatch-limits.ts';
import { failureOf } from './failures.ts';
import { jobsFor } from './job-shape.ts';
import { type Ability, type Claimed, claim } from './queries/claim.ts';
import { releaseAttempt } from './release-attempt.ts';
import type { Room } from './room.ts';
import { sqlState } from './sql-state.ts';

export type Handout = { workerId: string; job: Job; submittedAt: Date };
export type ClaimOutcome = {
  /** The workers of the statement that succeeded; after a retry only the first. */
  asked: readonly string[];
  /** Builds now assigned, each to another worker. */
  taken: Handout[];
  /** Workers that could have taken one, those who did included, in the order they were asked. */
  ready: readonly string[];
  /** Builds were seen that others held at that moment: worth another look. */
  contended: boolean;
};

type Pair = Claimed & { buildId: string };

/**
 * Hands builds to equal workers in one statement: at most one each, longest waiting first. Rows, attempts, tokens and
 * events are one transaction. When a seat was taken meanwhile (23505) or two nodes met (40P01) it is done again with one
 * worker, at most three times. Errors: `unavailable` `store_down`.
 */
export async function claimBuilds(
  room: Room,
  ability: Ability,
  workerIds: readonly string[],
  batch: number = dispatchLimits.claimBatchMax,
): Promise<ClaimOutcome> {
  let ids = workerIds.slice(0, batch);
  for (let retries = 0; ; retries++) {
    try {
      const outcome = await claimOnce(room, ability, ids);
      room.metrics.claims.add(
        { result: outcome.taken.length > 0 ? 'taken' : 'empty' },
        Math.max(1, outcome.taken.length),
      );
      return retries === 0 ? outcome : { ...outcome, contended: true };
    } catch (error) {
      const cause = causes[sqlState(error)];
      if (!cause) throw error;
      room.metrics.claimRetries.add({ cause });
      if (retries >= dispatchLimits.claimRetriesMax) return { asked: ids, taken: [], ready: ids, contended: true };
      ids = ids.slice(0, 1);
    }
  }
}

const causes: Record<string, string> = { '23505': 'seat_taken', '40P01': 'deadlock' };

async function claimOnce(room: Room, ability: Ability, workerIds: readonly string[]): Promise<ClaimOutcome> {
  const { leaseTtlMs, legacyLeaseFirstMs } = room.config;
  const outcome = await room.db.transaction(async (tx) => {
    const began = room.clock.monotonic();
    const rows = await claim(tx, {
      ability,
      workerIds,
      leaseTtlMs,
      legacyLeaseTtlMs: legacyLeaseFirstMs,
      runMarginMs: dispatchLimits.runMarginMs,
    });
    room.metrics.claimSql.observe({}, (room.clock.monotonic() - began) / 1_000);
    const pairs = rows.filter((row): row is Pair => row.buildId !== null);
    await room.emit(
      tx,
      pairs.map((pair) => assigned(ability.projectId, pair)),
    );
    const { jobs, broken } = await jobsFor(
      room,
      tx,
      pairs.map((pair) => pair.buildId),
    );
    for (const { buildId, term } of broken) {
      const failure = failureOf(
        'secrets_unreadable',
        'The secret variables of this build cannot be decrypted by this server.',
      );
      await releaseAttempt(room, tx, { buildId, term, cause: { kind: 'fault', failure } });
    }
    const taken = pairs.flatMap(({ buildId, workerId, submittedAt }): Handout[] => {
      const job = jobs.get(buildId);
      return job ? [{ workerId, job, submittedAt }] : [];
    });
    const seen = rows[0]?.seen ?? 0;
    return { asked: workerIds, taken, ready: rows.map((row) => row.workerId), contended: seen > pairs.length };
  });
  if (outcome.taken.length > 0) await reach('claim.committed');
  return outcome;
}

function assigned(
  projectId: string,
  { buildId, workerId, workerName, term, queue, platform, waitedSince, assignedAt }: Pair,
): Parameters<Room['emit']>[1][number] {
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
