import { reach } from '#kernel/base';
import type { Tx } from '#kernel/db';
import { stopIn } from './cancel-build.ts';
import { stopEnding } from './confirm-stop.ts';
import { dispatchLimits as limits } from './dispatch-limits.ts';
import { applyEndings } from './end-attempts.ts';
import { endBroken } from './end-of-attempt.ts';
import { failureOf } from './failures.ts';
import { lockBuilds } from './queries/finish.ts';
import { admitEligible, expireQueued, lockDue, raiseAll, soonEligible, takeSweep } from './queries/rescue.ts';
import { markSilent } from './queries/workers.ts';
import type { Room } from './room.ts';

/** Full batches in one round; what is left waits for the next. */
const batchesMax = 50;

/**
 * One round of looking after what nobody reports: leases that ended, builds that ran or waited too long, stops nobody
 * confirmed, backoffs that are over, workers that went silent. Any node does it; two never do the same row. After a gap
 * nothing is rescued in the first round, because silence then may have been ours (I6). Answers what it did.
 */
export async function rescueBuilds(room: Room): Promise<{ blind: boolean; done: number }> {
  const sweep = await room.db.transaction((tx) => openRound(room, tx));
  if (!sweep) return { blind: false, done: 0 };
  let done = 0;
  if (!sweep.blind) {
    for (const step of [stopOverdue, endGraces, endLeases, silenceWorkers]) done += await inBatches(room, step);
  }
  // These depend on nobody being heard.
  for (const step of [expire, admit]) done += await inBatches(room, step);
  await watchSoon(room);
  return { blind: sweep.blind, done };
}

async function openRound(room: Room, tx: Tx): Promise<{ blind: boolean } | undefined> {
  const taken = await takeSweep(tx, 'rescue');
  if (!taken) return undefined;
  if (taken.gapMs <= Math.max(limits.blindAfterMs, 3 * room.config.rescueEveryMs)) return { blind: false };
  const raised = await raiseAll(tx, room.config.cancelGraceMs);
  room.telemetry.logger.info(
    { gapMs: Math.round(taken.gapMs), ...raised },
    'nobody watched the leases for a while; all were raised, none is rescued in this round',
  );
  return { blind: true };
}

type Step = (room: Room, tx: Tx) => Promise<number>;

async function inBatches(room: Room, step: Step): Promise<number> {
  let done = 0;
  for (let batch = 0; batch < batchesMax; batch++) {
    const moved = await room.db.transaction((tx) => step(room, tx), { retries: 3 });
    done += moved;
    if (moved < limits.rescueBatchMax) break;
  }
  return done;
}

async function stopOverdue(room: Room, tx: Tx): Promise<number> {
  const ids = await lockDue(tx, 'run', limits.rescueBatchMax);
  if (ids.length > 0) {
    await stopIn(room, tx, ids, {
      event: 'timeLimit',
      stopReason: 'timed_out',
      detail: 'The build ran longer than its maxRunMs.',
    });
  }
  return ids.length;
}

async function endGraces(room: Room, tx: Tx): Promise<number> {
  const ids = await lockDue(tx, 'grace', limits.rescueBatchMax);
  if (ids.length > 0) await applyEndings(room, tx, (await lockBuilds(tx, ids)).map(stopEnding));
  return ids.length;
}

async function endLeases(room: Room, tx: Tx): Promise<number> {
  const ids = await lockDue(tx, 'lease', limits.rescueBatchMax);
  if (ids.length === 0) return 0;
  const rows = await lockBuilds(tx, ids);
  await applyEndings(
    room,
    tx,
    rows.map((row) => endBroken(row, { kind: 'leaseLost' }, room.random)),
  );
  await reach('rescue.mid-batch');
  return ids.length;
}

async function silenceWorkers(room: Room, tx: Tx): Promise<number> {
  const silent = await markSilent(tx, limits.rescueBatchMax);
  await room.emit(
    tx,
    silent.map(({ id, projectId }) => ({ projectId, type: 'offline', workerId: id, reason: 'silent' })),
  );
  return silent.length;
}

async function expire(room: Room, tx: Tx): Promise<number> {
  const failure = failureOf('queue_expired', 'No worker took the build before its queueDeadlineMs was over.');
  const late = await expireQueued(tx, failure, limits.rescueBatchMax);
  await room.emit(
    tx,
    late.map(({ id, projectId, term, queue }) => ({
      projectId,
      type: 'expired',
      buildId: id,
      term,
      queue,
      reason: failure.code,
      data: { failure },
      line: { level: 'error', text: `Build failed: ${failure.detail}` },
    })),
  );
  return late.length;
}

async function admit(room: Room, tx: Tx): Promise<number> {
  const admitted = await admitEligible(tx, limits.rescueBatchMax);
  const demands = new Map(admitted.map((demand) => [demand.sig, demand]));
  tx.afterCommit(() => {
    for (const demand of demands.values()) room.wake(demand);
  });
  return admitted.length;
}

/** What becomes eligible before the next round is not left to wait for it. */
async function watchSoon(room: Room): Promise<void> {
  const soon = await room.db.transaction((tx) =>
    soonEligible(tx, room.config.rescueEveryMs + 1_000, limits.rescueBatchMax),
  );
  for (const { inMs, ...demand } of soon) room.live.wakeAfter(Math.max(1, inMs), demand);
}
