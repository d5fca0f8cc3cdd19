import { z } from 'zod';
import { nameOf, writeAudit } from '#kernel/auth';
import { asError, exhausted, MusterError, newId, notFound } from '#kernel/base';
import type { Once } from '#kernel/http';
import type { StreamKey } from '#kernel/log';
import { done, type Handler, retry } from '#kernel/queue';
import { ruleOf } from './change-stream.ts';
import { type Asked, firstOf, type Room } from './deps.ts';
import { catalogLimits } from './limits.ts';
import { advanceBulk, type BulkRow, countUnfinished, findBulk, insertBulk, type Refused } from './queries.ts';
import type { BulkBody, BulkShape } from './shapes.ts';

export const bulkJob = 'streams.bulk';

/**
 * The same change to every stream below a prefix, as a job; `readBulk` tells how far it is. Streams of rooms are passed over.
 * Errors: `forbidden` `missing_scope`; `exhausted` `bulk_unfinished_max`.
 */
export async function bulkStreams(
  room: Room,
  { who, address, requestId }: Asked,
  input: BulkBody,
  once: Once,
): Promise<BulkShape> {
  room.auth.requireScope(who, 'streams:admin');
  const { action, filter, dryRun } = input;
  const retention = input.retention ? ruleOf(input.retention) : null;
  return room.db.transaction((tx) =>
    once(tx, async () => {
      if ((await countUnfinished(tx, who.projectId)) >= catalogLimits.bulkUnfinishedMax)
        throw exhausted('bulk_unfinished_max', 'Too many bulk changes of this project are not finished yet.', {
          retryAfterMs: 5000,
        });
      const id = newId('job');
      const { prefix } = filter;
      await insertBulk(tx, {
        id,
        projectId: who.projectId,
        action,
        prefix,
        retention,
        dryRun,
        requestedBy: nameOf(who),
      });
      await room.queue.enqueue(tx, { kind: bulkJob, payload: { id }, uniqueKey: id, projectId: who.projectId });
      await writeAudit(tx, {
        who,
        address,
        requestId,
        action: `streams.bulk_${action}`,
        subject: id,
        after: { prefix, dryRun, ...(action === 'retain' ? { retention } : {}) },
      });
      const row = await findBulk(tx, id);
      if (!row) throw noSuchBulk();
      return showBulk(row);
    }),
  );
}

/** How far a bulk change is. `notFound` `no_such_bulk`. */
export async function readBulk(room: Room, { who }: Pick<Asked, 'who'>, id: string): Promise<BulkShape> {
  room.auth.requireScope(who, 'streams:admin');
  const row = await findBulk(room.db, id);
  if (row?.projectId !== who.projectId) throw noSuchBulk();
  return showBulk(row);
}

const noSuchBulk = (): Error => notFound('no_such_bulk', 'There is no such bulk change.');

const showBulk = (row: BulkRow): BulkShape => ({
  jobId: row.id,
  action: row.action,
  prefix: row.prefix,
  dryRun: row.dryRun,
  state: row.state,
  matched: row.matched,
  changed: row.changed,
  skipped: row.skipped,
  refused: row.problems,
  createdAt: row.createdAt.toISOString(),
  finishedAt: row.finishedAt?.toISOString() ?? null,
});

/**
 * Walks the streams page by page. What a page did is noted after it was done: after a crash the page is done again, which
 * changes nothing that was changed already.
 */
export const bulkHandler =
  (room: Room): Handler =>
  async (job) => {
    const { id } = z.object({ id: z.string() }).parse(job.payload);
    for (;;) {
      if (job.signal.aborted) return retry(0, 'the server is stopping');
      const row = await findBulk(room.db, id);
      if (!row || row.finishedAt !== null) return done;
      await onePage(room, row);
    }
  };

async function onePage(room: Room, row: BulkRow): Promise<void> {
  const page = await room.log.list(row.projectId, row.prefix, {
    limit: catalogLimits.bulkPageMax,
    ...(row.cursor === null ? {} : { cursor: row.cursor }),
  });
  const own = page.items.filter(({ key }) => room.managedScope(firstOf(key.path)) === undefined);
  const refused: Refused[] = [];
  for (let at = 0; at < own.length && !row.dryRun; at += catalogLimits.bulkAtOnce) {
    const some = own.slice(at, at + catalogLimits.bulkAtOnce);
    const problems = await Promise.all(some.map(({ key }) => changeOne(room, row, key)));
    refused.push(...problems.filter((problem) => problem !== undefined));
  }
  await room.db.transaction((tx) =>
    advanceBulk(tx, row.id, row.cursor, {
      cursor: page.nextCursor,
      matched: page.items.length,
      changed: row.dryRun ? 0 : own.length - refused.length,
      skipped: page.items.length - own.length + refused.length,
      refused,
    }),
  );
}

/** What speaks against it, in the job's answer; what is wrong with us is thrown, and the queue tries again. */
async function changeOne(room: Room, row: BulkRow, key: StreamKey): Promise<Refused | undefined> {
  try {
    if (row.action === 'delete') await room.log.remove(key, 'deleted');
    else if (row.action === 'close') await room.log.append({ key, messages: [], close: true });
    else await room.log.configure(key, { retention: row.retention });
    return undefined;
  } catch (error) {
    if (!(error instanceof MusterError) || ['internal', 'unavailable', 'exhausted'].includes(error.code)) throw error;
    // Gone in the meantime is as good as deleted.
    if (error.code === 'notFound' && row.action === 'delete') return undefined;
    return { path: key.path, reason: error.reason, detail: asError(error).message };
  }
}
