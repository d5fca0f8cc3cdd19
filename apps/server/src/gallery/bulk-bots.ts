import { type BotCommand, botCommands, type bulkBotsSchema, type GalleryTask } from '@muster/protocol';
import { z } from 'zod';
import { nameOf, writeAudit } from '#kernel/auth';
import { invalid, must, newId } from '#kernel/base';
import type { Once } from '#kernel/http';
import { done, type Handler, retry } from '#kernel/queue';
import { type CommandResult, commandIn, tellOwners } from './command-bots.ts';
import { roomLimits } from './limits.ts';
import { whereOf } from './list-bots.ts';
import { matchingBots } from './queries/bots.ts';
import { advanceTask, finishTask, insertTask, readTask, takeTask } from './queries/tasks.ts';
import type { Asker, Room } from './room.ts';
import { mergeRefused, previewTask, showTask } from './tasks.ts';

export const bulkKind = 'gallery.bulk';
type Input = z.output<typeof bulkBotsSchema>;
const inputSchema = z.object({ action: z.enum(botCommands) });

/**
 * The same command to many bots: those of `ids`, all that match `filter` now, or all. `dryRun` counts what would happen and
 * changes nothing. Up to 500 are done when the answer comes; more are a job whose task says how far it is. Errors:
 * `invalid` `filter_empty`, `bulk_incomplete`, `invalid_query`; `forbidden` `missing_scope` (purging needs `gallery:admin`).
 */
export async function bulkBots(room: Room, asker: Asker, input: Input, once: Once): Promise<GalleryTask> {
  const { who } = asker;
  room.auth.requireScope(who, input.action === 'purge' ? 'gallery:admin' : 'gallery:operate');
  await room.ready(who.projectId);
  const ids = await idsOf(room, who.projectId, input);
  if (input.dryRun) return dryRun(room, who.projectId, input.action, ids);
  const id = newId('job');
  const atOnce = ids.length <= roomLimits.atOnceMax;
  const task = await room.db.transaction((tx) =>
    once(tx, async () => {
      const at = new Date(room.clock.now());
      const { action, filter, all } = input;
      const kept = { action, filter: filter ?? null, all: all ?? false };
      await insertTask(tx, {
        id,
        projectId: who.projectId,
        kind: 'bulk',
        input: kept,
        ids,
        total: ids.length,
        by: nameOf(who),
        at,
      });
      if (!atOnce)
        await room.queue.enqueue(tx, {
          kind: bulkKind,
          payload: { id },
          uniqueKey: id,
          projectId: who.projectId,
          priority: 10,
        });
      await writeAudit(tx, {
        ...asker,
        action: `gallery.bulk_${action}`,
        subject: id,
        after: { ...kept, matched: ids.length },
      });
      if (!atOnce) return showTask(must(await readTask(tx, who.projectId, id), 'the task just made'));
      const result = await applyIn(room, tx, who.projectId, action, ids);
      await advanceTask(tx, id, { done: ids.length, changed: result.changed, refused: missing(result, ids) });
      await finishTask(tx, id, { at });
      return showTask(must(await readTask(tx, who.projectId, id), 'the task just done'));
    }),
  );
  if (!atOnce) return task;
  const { confirmed } = await tellOwners(room, who.projectId, ids, roomLimits.changedIdsMax);
  return { ...task, confirmed };
}

async function idsOf(room: Room, projectId: string, input: Input): Promise<string[]> {
  const said = [input.ids, input.filter, input.all].filter((way) => way !== undefined).length;
  if (said !== 1) {
    throw invalid('bulk_incomplete', 'Say which bots: ids, filter or all, one of them.', {
      errors: [{ pointer: '', detail: 'needs one of ids, filter, all' }],
    });
  }
  if (input.filter && Object.keys(input.filter).length === 0) {
    throw invalid('filter_empty', 'An empty filter would mean every bot; say all: true if that is meant.', {
      errors: [{ pointer: '/filter', detail: 'is empty; say all: true for every bot' }],
    });
  }
  if (input.ids) return [...new Set(input.ids)].sort();
  const filter = input.filter ?? {};
  const deleted = input.action === 'restore' || input.action === 'purge' ? 'only' : undefined;
  const where = whereOf(room, {
    ...filter,
    ...((filter.deleted ?? deleted) ? { deleted: filter.deleted ?? deleted } : {}),
  });
  return matchingBots(room.db, projectId, where, room.config.botsMax + 1);
}

/** The command itself, and everything taken back: what it would do is what it does. */
async function dryRun(room: Room, projectId: string, action: BotCommand, ids: readonly string[]): Promise<GalleryTask> {
  class TakenBack extends Error {}
  let result: CommandResult = { found: 0, changed: 0, refused: [] };
  const silent: Room = { ...room, emit: () => undefined, told: () => undefined };
  await room.db
    .transaction(async (tx) => {
      for (let at = 0; at < ids.length; at += roomLimits.commandBatchMax) {
        const part = await applyIn(silent, tx, projectId, action, ids.slice(at, at + roomLimits.commandBatchMax));
        result = {
          found: result.found + part.found,
          changed: result.changed + part.changed,
          refused: mergeRefused(result.refused, part.refused),
        };
      }
      throw new TakenBack();
    })
    .catch((error: unknown) => {
      if (!(error instanceof TakenBack)) throw error;
    });
  return previewTask(room, 'bulk', { total: ids.length, changed: result.changed, refused: missing(result, ids) });
}

async function applyIn(
  room: Room,
  tx: Parameters<typeof commandIn>[1],
  projectId: string,
  action: BotCommand,
  ids: readonly string[],
): Promise<CommandResult> {
  const result = await commandIn(room, tx, projectId, action, ids);
  if (action === 'purge' && result.changed > 0)
    await room.targets.askRemoval(tx, { projectId, botIds: ids, purge: true });
  return result;
}

/** Ids that named nobody of this project are refused by that name. */
function missing({ found, refused }: CommandResult, ids: readonly string[]): GalleryTask['refused'] {
  if (found >= ids.length) return refused;
  return mergeRefused(refused, [{ reason: 'no_such_gallery_bot', count: ids.length - found, example: null }]);
}

/** Works a bulk action off: each batch and how far the task says it is are one transaction (I9). */
export const bulkHandler = (room: Room): Handler => {
  return async (job) => {
    const { id } = z.object({ id: z.string() }).parse(job.payload);
    for (;;) {
      if (job.signal.aborted) return retry(0, 'the server is stopping');
      const step = await room.db.transaction(async (tx) => {
        const task = await takeTask(tx, id, roomLimits.commandBatchMax);
        if (!task) return undefined;
        if (task.next.length > 0) {
          const { action } = inputSchema.parse(task.input);
          const result = await applyIn(room, tx, task.projectId, action, task.next);
          const refused = mergeRefused(task.refused, missing(result, task.next));
          await advanceTask(tx, id, { done: task.next.length, changed: result.changed, refused });
        }
        return { projectId: task.projectId, ids: task.next, last: task.done + task.next.length >= task.total };
      });
      if (!step) return done;
      const { confirmed } = await tellOwners(room, step.projectId, step.ids, roomLimits.changedIdsMax);
      if (!step.last) continue;
      await room.db.transaction((tx) => finishTask(tx, id, { confirmed, at: new Date(room.clock.now()) }));
      return done;
    }
  };
};
