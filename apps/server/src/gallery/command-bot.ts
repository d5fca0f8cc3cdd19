import type { BotCommand, Commanded, Purged } from '@muster/protocol';
import { writeAudit } from '#kernel/auth';
import { conflict, type MusterError, must } from '#kernel/base';
import { requireBot } from './access.ts';
import { showOneBot } from './bot-shape.ts';
import { commandIn } from './command-bots.ts';
import { type BotSheet, readBot } from './queries/bot-row.ts';
import type { Asker, Room } from './room.ts';

const remedies: Readonly<Record<string, string>> = {
  not_running: 'Start it first.',
  not_paused: 'It never started; start it.',
  is_paused: 'Resume it first.',
  is_deleted: 'Restore it first.',
  not_deleted: 'Only deleted bots can be restored or purged; delete it first.',
  is_purging: 'Its account on the target is being removed; it cannot come back.',
  target_not_acknowledged: 'Accept the three statements of its target: muster gallery target ack.',
};

/**
 * One command to one bot. Answers after the owner of the bot has heard of it, so that of a paused bot nothing more comes but
 * what `inFlight` says. Errors: `notFound` `no_such_gallery_bot`; `conflict` with the table's reason: `not_running`,
 * `not_paused`, `is_paused`, `is_deleted`, `not_deleted`, `is_purging`, `target_not_acknowledged`.
 */
export async function commandBot(
  room: Room,
  asker: Asker,
  id: string,
  event: Exclude<BotCommand, 'purge'>,
  ifMatch?: (version: number) => void,
): Promise<Commanded> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:operate');
  const same = await room.db.transaction(async (tx) => {
    const before = await requireBot(tx, who, id);
    ifMatch?.(before.version);
    const { changed, refused } = await commandIn(room, tx, who.projectId, event, [id]);
    const [no] = refused;
    if (no) throw refusedBot(before, event, no.reason);
    if (changed > 0)
      await writeAudit(tx, { ...asker, action: `gallery.bot.${event}`, subject: id, before: { state: before.state } });
    return changed === 0;
  });
  const { confirmed, inFlight } = await room.loop.changed(who.projectId, { bots: [id] });
  const bot = must(await readBot(room.db, who.projectId, id), 'the bot that was told');
  return { bot: await showOneBot(room, room.db, bot), same, confirmed, inFlight };
}

/**
 * Out of the tables, with its memory; its account on the target goes first, its username is free then. What it did stays in
 * ledger and feed under its id. Errors: as `commandBot`.
 */
export async function purgeBot(room: Room, asker: Asker, id: string): Promise<Purged> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:admin');
  await room.db.transaction(async (tx) => {
    const before = await requireBot(tx, who, id);
    const { refused, changed } = await commandIn(room, tx, who.projectId, 'purge', [id]);
    const [no] = refused;
    if (no) throw refusedBot(before, 'purge', no.reason);
    if (changed > 0) await room.targets.askRemoval(tx, { projectId: who.projectId, botIds: [id], purge: true });
    await writeAudit(tx, { ...asker, action: 'gallery.bot.purge', subject: id, before: { username: before.username } });
  });
  await room.loop.changed(who.projectId, { bots: [id] });
  const left = await readBot(room.db, who.projectId, id);
  return { id, purged: left === undefined, jobId: null };
}

function refusedBot(bot: BotSheet, event: BotCommand, reason: string): MusterError {
  const remedy = remedies[reason];
  return conflict(reason, `${bot.name} is ${bot.state}: ${event} is refused (${reason.replaceAll('_', ' ')}).`, {
    extra: { state: bot.state, ...(remedy === undefined ? {} : { remedy }) },
  });
}
