import { type BuildState, type Bulk, type BulkAnswer, buildLimits, buildTable, refusalOf } from '@muster/protocol';
import { z } from 'zod';
import { nameOf, type Principal, writeAudit } from '#kernel/auth';
import { invalid, MusterError, never, newId, notFound } from '#kernel/base';
import type { Tx } from '#kernel/db';
import type { Once } from '#kernel/http';
import { done, type Handler, type Outcome, retry, snooze } from '#kernel/queue';
import { stopIn } from './cancel-build.ts';
import { priorityChanged } from './change-build.ts';
import { DemandGone, demandFor } from './find-demand.ts';
import { readFilter } from './list-builds.ts';
import { type BuildRow, readBuildRow } from './queries/build-row.ts';
import * as bulks from './queries/bulk.ts';
import { addTags, readStates, setPriorities } from './queries/change.ts';
import { matchingIds } from './queries/read.ts';
import { retryInTx } from './retry-build.ts';
import type { Room } from './room.ts';
import { type Asked, demandOf } from './submit-build.ts';

export const bulkJob = 'builds.bulk';

/** Builds changed in one transaction. */
const batchMax = 200;
/** Refusals kept by name; the count of what was done tells the rest. */
const refusedMax = 1_000;

/** What a bulk row keeps; checked again when it is read back. */
const actionSchema = z.object({
  action: z.enum(['cancel', 'retry', 'setPriority', 'addTags']),
  priority: z.number().int().optional(),
  tags: z.record(z.string(), z.string()).optional(),
  reason: z.string().optional(),
  who: z.custom<Principal>((value) => typeof value === 'object' && value !== null && 'projectId' in value),
});
type Action = z.output<typeof actionSchema>;

/**
 * The same change to many builds: those of `ids`, or all that match `filter` at this moment. `dryRun` only counts. The work
 * is a job; `readBulk` tells how far it is. Errors: `forbidden` `missing_scope`; `invalid` `bulk_incomplete`,
 * `too_many`, `invalid_query`.
 */
export async function bulkBuilds(
  room: Room,
  who: Principal,
  input: Bulk,
  once: Once,
  asked: Asked,
): Promise<BulkAnswer> {
  room.auth.requireScope(who, 'builds:operate');
  checkComplete(input);
  const ids = input.ids
    ? [...new Set(input.ids)]
    : await matchingIds(room.db, who.projectId, readFilter(input.filter ?? {}), buildLimits.bulkMax + 1);
  if (ids.length > buildLimits.bulkMax)
    throw invalid('too_many', `A bulk action takes at most ${buildLimits.bulkMax} builds; narrow the filter.`);
  if (input.dryRun) return await preview(room, who, ids, input.action);
  const { action, priority, tags, reason } = input;
  return await room.db.transaction((tx) =>
    once(tx, async (): Promise<BulkAnswer> => {
      const id = newId('job');
      const kept = {
        action,
        who,
        ...(priority === undefined ? {} : { priority }),
        ...(tags ? { tags } : {}),
        ...(reason === undefined ? {} : { reason }),
      };
      await bulks.insertBulk(tx, { id, projectId: who.projectId, action: kept, ids, askedBy: nameOf(who) });
      if (ids.length === 0) await bulks.advanceBulk(tx, id, 0, []);
      else await room.queue.enqueue(tx, { kind: bulkJob, payload: { id }, uniqueKey: id, projectId: who.projectId });
      await writeAudit(tx, {
        who,
        action: `builds.bulk_${action}`,
        subject: id,
        after: { matched: ids.length, priority, tags, reason, filter: input.filter },
        ...asked,
      });
      return {
        jobId: id,
        matched: ids.length,
        dryRun: false,
        state: ids.length === 0 ? 'done' : 'running',
        done: 0,
        refused: [],
      };
    }),
  );
}

/** How far a bulk action is. `notFound` `no_such_bulk`. */
export async function readBulk(room: Room, who: Principal, id: string): Promise<BulkAnswer> {
  const row = await bulks.findBulk(room.db, who.projectId, id);
  if (!row) throw notFound('no_such_bulk', 'There is no such bulk action.');
  const { matched, state, done, refused } = row;
  const stopped = state === 'done' && done < matched ? { stopped: true } : {};
  return { jobId: row.id, matched, dryRun: false, state, done, refused, ...stopped };
}

/**
 * Leaves what is not done yet undone; the batch that is being worked off is finished. Stopping what is over changes nothing.
 * Errors: `forbidden` `missing_scope`; `notFound` `no_such_bulk`.
 */
export async function stopBulk(room: Room, who: Principal, id: string, asked: Asked): Promise<BulkAnswer> {
  room.auth.requireScope(who, 'builds:operate');
  await room.db.transaction(async (tx) => {
    const stopped = await bulks.stopBulk(tx, who.projectId, id);
    if (stopped) await writeAudit(tx, { who, action: 'builds.bulk_stop', subject: id, after: stopped, ...asked });
  });
  return await readBulk(room, who, id);
}

/** What each event of the table answers in the states found, before anything is asked for. */
const eventOf = { cancel: 'cancel', retry: 'retry', setPriority: 'change', addTags: undefined } as const;

async function preview(
  room: Room,
  who: Principal,
  ids: readonly string[],
  action: Bulk['action'],
): Promise<BulkAnswer> {
  const known = await room.db.transaction((tx) => readStates(tx, who.projectId, ids), { readOnly: true });
  const event = eventOf[action];
  const excluded: Record<string, number> = {};
  const count = (reason: string, by = 1): void => void (excluded[reason] = (excluded[reason] ?? 0) + by);
  if (known.size < ids.length) count('no_such_build', ids.length - known.size);
  if (event) {
    for (const state of known.values()) {
      const reason = refusalOf(buildTable, state, event);
      if (reason !== undefined) count(reason);
    }
  }
  return { jobId: null, matched: known.size, dryRun: true, state: 'preview', done: 0, refused: [], excluded };
}

function checkComplete(input: Bulk): void {
  const missing =
    (input.ids === undefined) === (input.filter === undefined)
      ? 'either ids or filter'
      : input.action === 'setPriority' && input.priority === undefined
        ? 'priority'
        : input.action === 'addTags' && Object.keys(input.tags ?? {}).length === 0
          ? 'tags'
          : undefined;
  if (missing !== undefined) {
    throw invalid('bulk_incomplete', `${input.action} needs ${missing}.`, {
      errors: [{ pointer: '', detail: `needs ${missing}` }],
    });
  }
}

/**
 * Works a bulk action off, batch by batch: what a batch does and how far the row says it is are one transaction, so a
 * crash repeats nothing (I9).
 */
export const bulkHandler = (room: Room): Handler => {
  return async (job) => {
    const { id } = z.object({ id: z.string() }).parse(job.payload);
    for (;;) {
      if (job.signal.aborted) return retry(0, 'the server is stopping');
      const outcome = await oneBatch(room, id);
      if (outcome !== 'more') return outcome;
    }
  };
};

async function oneBatch(room: Room, id: string): Promise<Outcome | 'more'> {
  try {
    const prepared = await prepareRetry(room, id);
    return await room.db.transaction(
      async (tx) => {
        const peeked = await bulks.takeBulk(tx, id, batchMax);
        if (!peeked) return done;
        const action = actionSchema.parse(peeked.action);
        // A retry can be refused half-way for reasons of its own, so each has its own transaction.
        const ids = action.action === 'retry' ? peeked.ids.slice(0, 1) : peeked.ids;
        const refused = await apply(room, tx, action, ids, prepared);
        await bulks.advanceBulk(tx, id, ids.length, refused.slice(0, Math.max(0, refusedMax - peeked.refusedCount)));
        return 'more';
      },
      { retries: 3 },
    );
  } catch (error) {
    if (error instanceof DemandGone) return 'more';
    if (error instanceof Refused) return await refuseOne(room, id, error);
    // A full queue has room again later; the line of this action waits for it.
    if (error instanceof MusterError && error.code === 'exhausted')
      return snooze(room.clock.now() + (error.retryAfterMs ?? 5_000));
    throw error;
  }
}

/** The first build in line cannot be done; its transaction is rolled back, this one only says so. */
async function refuseOne(room: Room, id: string, { entry }: Refused): Promise<'more'> {
  await room.db.transaction(async (tx) => {
    const peeked = await bulks.takeBulk(tx, id, 1);
    if (peeked?.ids[0] === entry.id)
      await bulks.advanceBulk(tx, id, 1, peeked.refusedCount < refusedMax ? [entry] : []);
  });
  return 'more';
}

class Refused extends Error {
  readonly entry: { id: string; reason: string };

  constructor(entry: { id: string; reason: string }) {
    super(entry.reason);
    this.entry = entry;
  }
}

type Prepared = { id: string; old: BuildRow | undefined; sig: number };

/** The demand of the next retry, found or made before the transaction: making one must not wait behind it. */
async function prepareRetry(room: Room, id: string): Promise<Prepared | undefined> {
  const next = await bulks.nextToRetry(room.db, id);
  if (next === undefined) return undefined;
  const old = await readBuildRow(room.db, next);
  return { id: next, old, sig: old ? await demandFor(room, demandOf(old.projectId, old)) : 0 };
}

async function apply(
  room: Room,
  tx: Tx,
  input: Action,
  ids: readonly string[],
  prepared: Prepared | undefined,
): Promise<BulkAnswer['refused']> {
  const { action, who } = input;
  const { projectId } = who;
  switch (action) {
    case 'cancel': {
      const states = await readStates(tx, projectId, ids);
      const moved = await stopIn(room, tx, [...states.keys()], {
        event: 'cancel',
        stopReason: 'bulk',
        detail: input.reason ?? null,
      });
      return refusals(ids, states, new Set(moved.map((build) => build.id)), 'cancel');
    }
    case 'setPriority': {
      const priority = input.priority ?? 0;
      const moved = await setPriorities(tx, projectId, ids, priority);
      await room.emit(
        tx,
        moved.map((build) => priorityChanged({ projectId, id: build.id, queue: build.queue }, priority)),
      );
      return refusals(ids, await readStates(tx, projectId, ids), new Set(moved.map((build) => build.id)), 'change');
    }
    case 'addTags': {
      const tagged = new Set(await addTags(tx, projectId, ids, input.tags ?? {}, buildLimits.tagsMax));
      const known = await readStates(tx, projectId, ids);
      return ids.flatMap((id) =>
        tagged.has(id) ? [] : [{ id, reason: known.has(id) ? 'too_many_tags' : 'no_such_build' }],
      );
    }
    case 'retry':
      // Prepared for another one: somebody else was faster. Look again.
      if (prepared === undefined || prepared.id !== ids[0]) throw new DemandGone();
      await retryOne(room, tx, who, prepared);
      return [];
    default:
      return never(action);
  }
}

async function retryOne(room: Room, tx: Tx, who: Principal, { id, old, sig }: Prepared): Promise<void> {
  if (old?.projectId !== who.projectId) throw new Refused({ id, reason: 'no_such_build' });
  try {
    await retryInTx(room, tx, who, { old, sig }, {});
  } catch (error) {
    if (error instanceof MusterError && error.code === 'conflict') throw new Refused({ id, reason: error.reason });
    throw error;
  }
}

/** Builds that did not move, with the table's reason; one that stands where it was asked to go is no refusal. */
function refusals(
  ids: readonly string[],
  states: ReadonlyMap<string, BuildState>,
  moved: ReadonlySet<string>,
  event: 'cancel' | 'change',
): BulkAnswer['refused'] {
  return ids.flatMap((id) => {
    if (moved.has(id)) return [];
    const state = states.get(id);
    if (state === undefined) return [{ id, reason: 'no_such_build' }];
    const reason = refusalOf(buildTable, state, event);
    return reason === undefined ? [] : [{ id, reason }];
  });
}
