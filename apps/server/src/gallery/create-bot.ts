import { createHash } from 'node:crypto';
import { createBotSchema, type GalleryBot, type TraitName, type Traits, traitSchemas } from '@muster/protocol';
import { writeAudit } from '#kernel/auth';
import { conflict, exhausted, invalid, must, newId } from '#kernel/base';
import type { Reader, Tx } from '#kernel/db';
import type { Once } from '#kernel/http';
import { noSuchTarget } from './access.ts';
import { checkCaps, checkTraits, readBotBody } from './bot-input.ts';
import { effectiveOf, type Surroundings, showOneBot, surroundings } from './bot-shape.ts';
import { readBot } from './queries/bot-row.ts';
import { countBots, insertBots, type NewBot, whoHolds } from './queries/bots.ts';
import type { Asker, Room } from './room.ts';

const shards = 64;
/** Fixed for ever: which owner a bot belongs to lies in its row. */
export const shardOf = (botId: string): number => createHash('sha256').update(botId).digest().readUInt8(0) % shards;

/**
 * A bot, and its account on the target if it can be had there. Errors: `forbidden` `missing_scope`; `invalid` with pointers
 * (`no_such_target`, `no_such_persona`, `mind_unknown`, `timezone_unknown`, …); `conflict` `username_taken`,
 * `target_not_acknowledged` (with `start`); `exhausted` `bots_full`.
 */
export async function createBot(room: Room, asker: Asker, body: unknown, once: Once): Promise<GalleryBot> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:operate');
  const input = readBotBody(createBotSchema, body, 'create');
  checkCaps(room, asker, input.budget);
  await room.ready(who.projectId);
  const traits = ownTraits(input);
  const around = await surroundings(room, room.db, who.projectId, input.personaId === null ? [] : [input.personaId]);
  checkReferences(around, input);
  checkTraits(room, {
    given: input,
    own: traits,
    effective: effectiveOf({ traits, personaId: input.personaId }, around),
  });
  requireActing(around, input.targetId, input.start);
  const id = newId('galleryBot');
  const bot: NewBot = {
    id,
    projectId: who.projectId,
    shard: shardOf(id),
    name: input.name,
    username: input.username,
    targetId: input.targetId,
    personaId: input.personaId,
    disclosureLabel: input.disclosureLabel ?? 'automated account',
    traits,
    caps: input.budget ?? null,
    seed: input.seed ?? Math.floor(room.random() * 2 ** 32),
    seedKey: null,
    seedIndex: null,
    desired: input.start ? 'running' : 'stopped',
    at: room.clock.now(),
  };
  const shown = await room.db.transaction((tx) =>
    once(tx, async () => {
      await requireRoom(room, tx, who.projectId, 1);
      const made = await insertBots(tx, [bot]);
      if (made.size === 0) throw await usernameTaken(tx, bot);
      await provisionIn(room, tx, around, { projectId: who.projectId, targetId: bot.targetId, botIds: [id] });
      await writeAudit(tx, { ...asker, action: 'gallery.bot.create', subject: id, after: { ...input, traits } });
      room.emit(tx, [{ projectId: who.projectId, type: 'gallery.bot.created', botId: id }]);
      return showOneBot(room, tx, must(await readBot(tx, who.projectId, id), 'the bot just made'));
    }),
  );
  if (input.start) await room.loop.changed(who.projectId, { bots: [id] });
  return shown;
}

/** The traits of a body, without those that are left to the persona. */
export function ownTraits(input: { [Name in TraitName]?: Traits[Name] | null | undefined }): Partial<Traits> {
  const names = Object.keys(traitSchemas) as TraitName[];
  return Object.fromEntries(
    names.flatMap((name) => (input[name] === undefined || input[name] === null ? [] : [[name, input[name]]])),
  );
}

function checkReferences(around: Surroundings, input: { targetId: string; personaId: string | null }): void {
  if (!around.targets.has(input.targetId)) throw noSuchTarget(input.targetId);
  requirePersona(around, input.personaId);
}

export function requirePersona(around: Pick<Surroundings, 'personas'>, personaId: string | null): void {
  if (personaId === null || around.personas.has(personaId)) return;
  throw invalid('no_such_persona', `There is no persona ${personaId}.`, {
    errors: [{ pointer: '/personaId', detail: 'no such persona' }],
  });
}

/** Bots act only where an operator has said that they may. */
export function requireActing(around: Pick<Surroundings, 'targets'>, targetId: string, acting: boolean): void {
  if (!acting || around.targets.get(targetId)?.acknowledged === true) return;
  throw conflict('target_not_acknowledged', `Target ${targetId} was not acknowledged; bots may not act there yet.`, {
    extra: { remedy: `Accept the three statements: muster gallery target ack ${targetId}` },
  });
}

export async function requireRoom(room: Room, reader: Reader, projectId: string, more: number): Promise<void> {
  const { botsMax } = room.config;
  const there = await countBots(reader, projectId, botsMax + 1);
  if (there + more <= botsMax) return;
  throw exhausted('bots_full', `A project has at most ${botsMax} gallery bots; it has ${there}.`, {
    retryAfterMs: 60_000,
    extra: { remedy: 'Purge deleted bots, or raise MUSTER_GALLERY_BOTS_MAX.' },
  });
}

/** Accounts are asked for as soon as the target may be spoken to; else the first start does it. */
export async function provisionIn(
  room: Room,
  tx: Tx,
  around: Pick<Surroundings, 'targets'>,
  bots: { projectId: string; targetId: string; botIds: readonly string[] },
): Promise<void> {
  const { projectId, targetId, botIds } = bots;
  const target = around.targets.get(targetId);
  if (!target?.acknowledged || (target.kind !== 'sandbox' && !target.tokenSet) || botIds.length === 0) return;
  await room.targets.askProvisioning(tx, { projectId, botIds });
}

async function usernameTaken(reader: Reader, bot: NewBot): Promise<Error> {
  const [holder] = await whoHolds(reader, bot.projectId, bot.targetId, [bot.username]);
  const by = holder ? `${holder.name} (${holder.id}${holder.deleted ? ', deleted' : ''})` : 'another bot';
  return conflict('username_taken', `The username ${bot.username} on ${bot.targetId} belongs to ${by}.`, {
    errors: [{ pointer: '/username', detail: `taken by ${by}` }],
    extra: {
      heldBy: holder?.id ?? null,
      ...(holder?.deleted ? { remedy: 'Purge the deleted bot; its username is free then.' } : {}),
    },
  });
}
