import {
  type ActivityType,
  type BotCommand,
  type GalleryBotEvent,
  type GalleryBotState,
  type GalleryEventType,
  galleryBotMachine,
  refusalOf,
  statesAllowing,
} from '@muster/protocol';
import type { Tx } from '#kernel/db';
import { activityIds } from './many-ids.ts';
import { botsToProvision, botsToRemove, commandBots, type Outcome } from './queries/commands.ts';
import type { Room } from './room.ts';

/** How a command shows in the feed and to webhooks. */
const words: Record<BotCommand, { activity: ActivityType; done: string; event: GalleryEventType }> = {
  start: { activity: 'started', done: 'started', event: 'gallery.bot.started' },
  pause: { activity: 'paused', done: 'paused', event: 'gallery.bot.paused' },
  resume: { activity: 'resumed', done: 'resumed', event: 'gallery.bot.started' },
  stop: { activity: 'stopped', done: 'stopped', event: 'gallery.bot.stopped' },
  wake: { activity: 'woke', done: 'woken', event: 'gallery.bot.woke' },
  delete: { activity: 'other', done: 'deleted', event: 'gallery.bot.deleted' },
  restore: { activity: 'other', done: 'restored', event: 'gallery.bot.restored' },
  purge: { activity: 'other', done: 'marked for purging', event: 'gallery.bot.deleted' },
};

export type Refused = { reason: string; count: number; example: string | null };
export type CommandResult = { found: number; changed: number; refused: Refused[] };

/**
 * The command for these bots, in the transaction: rows, feed, accounts asked for or given up, events. `refused` says by reason
 * how many may not be told this now; ids of other projects are found nowhere and counted by nobody.
 */
export async function commandIn(
  room: Room,
  tx: Tx,
  projectId: string,
  event: BotCommand,
  ids: readonly string[],
): Promise<CommandResult> {
  const { activity, done, event: type } = words[event];
  const outcomes = await commandBots(tx, {
    event,
    projectId,
    ids,
    allowed: statesAllowing<GalleryBotState, GalleryBotEvent>(galleryBotMachine, event),
    activityIds: activityIds(ids.length, room.clock.now()),
    activity,
    done,
    at: new Date(room.clock.now()),
  });
  const changed = sum(outcomes.filter(({ now }) => now !== null));
  if (changed > 0) {
    tx.afterCommit(() => room.told(projectId));
    await accounts(room, tx, projectId, event, ids);
    const only = ids.length === 1 ? ids[0] : undefined;
    room.emit(tx, [{ projectId, type, ...(only === undefined ? { count: changed } : { botId: only }) }]);
  }
  return { found: sum(outcomes), changed, refused: refusals(event, outcomes) };
}

/** A start asks for the accounts that are missing; deletions give them up where the target wants that, purges always. */
async function accounts(
  room: Room,
  tx: Tx,
  projectId: string,
  event: BotCommand,
  ids: readonly string[],
): Promise<void> {
  if (event === 'start') {
    const botIds = await botsToProvision(tx, projectId, ids);
    if (botIds.length > 0) await room.targets.askProvisioning(tx, { projectId, botIds });
  } else if (event === 'delete') {
    const botIds = await botsToRemove(tx, projectId, ids);
    if (botIds.length > 0) await room.targets.askRemoval(tx, { projectId, botIds, purge: false });
  }
}

/** Tells the owners; thousands of names say no more than "all". */
export const tellOwners = (
  room: Room,
  projectId: string,
  ids: readonly string[],
  most: number,
): Promise<{ confirmed: boolean; inFlight: number }> =>
  room.loop.changed(projectId, ids.length > most ? 'all' : { bots: ids });

const sum = (outcomes: readonly Outcome[]): number => outcomes.reduce((total, { bots }) => total + bots, 0);

function refusals(event: BotCommand, outcomes: readonly Outcome[]): Refused[] {
  const refused = new Map<string, Refused>();
  for (const { was, now, blocked, bots, example } of outcomes) {
    const reason = now === null ? (refusal(event, was) ?? blocked) : null;
    if (reason === null) continue;
    const same = refused.get(reason);
    refused.set(reason, { reason, count: bots + (same?.count ?? 0), example: same?.example ?? example });
  }
  return [...refused.values()];
}

export const refusal = (event: BotCommand, state: GalleryBotState): string | undefined =>
  refusalOf<GalleryBotState, GalleryBotEvent>(galleryBotMachine, state, event);
