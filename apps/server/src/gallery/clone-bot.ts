import { type CloneBot, cloneBotSchema, type GalleryBot, usernameSchema } from '@muster/protocol';
import { nextUsernames } from '#gallery/personas';
import { writeAudit } from '#kernel/auth';
import { conflict, invalid, must, newId } from '#kernel/base';
import type { Tx } from '#kernel/db';
import type { Once } from '#kernel/http';
import { requireBot } from './access.ts';
import { readBotBody } from './bot-input.ts';
import { showOneBot, surroundings } from './bot-shape.ts';
import { provisionIn, requireActing, requireRoom, shardOf } from './create-bot.ts';
import { type BotSheet, readBot } from './queries/bot-row.ts';
import { insertBots, type NewBot } from './queries/bots.ts';
import type { Asker, Room } from './room.ts';

/** The same traits under a new seed and username; what it did and remembers stays with the first. Errors: as `createBot`. */
export async function cloneBot(room: Room, asker: Asker, id: string, body: unknown, once: Once): Promise<GalleryBot> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:operate');
  const input = readBotBody(cloneBotSchema, body, 'create');
  const shown = await room.db.transaction((tx) =>
    once(tx, async () => {
      const first = await requireBot(tx, who, id);
      const around = await surroundings(room, tx, who.projectId, []);
      requireActing(around, first.targetId, input.start);
      await requireRoom(room, tx, who.projectId, 1);
      const copy = await insertCopy(room, tx, first, input);
      await provisionIn(room, tx, around, { projectId: who.projectId, targetId: copy.targetId, botIds: [copy.id] });
      await writeAudit(tx, { ...asker, action: 'gallery.bot.clone', subject: copy.id, after: { from: id, ...input } });
      room.emit(tx, [
        { projectId: who.projectId, type: 'gallery.bot.created', botId: copy.id, data: { clonedFrom: id } },
      ]);
      return showOneBot(room, tx, must(await readBot(tx, who.projectId, copy.id), 'the clone'));
    }),
  );
  if (input.start) await room.loop.changed(who.projectId, { bots: [shown.id] });
  return shown;
}

async function insertCopy(room: Room, tx: Tx, first: BotSheet, input: CloneBot): Promise<NewBot> {
  const id = newId('galleryBot');
  const copy: NewBot = {
    id,
    projectId: first.projectId,
    shard: shardOf(id),
    name: input.name ?? first.name,
    username: first.username,
    targetId: first.targetId,
    personaId: first.personaId,
    disclosureLabel: first.disclosureLabel,
    traits: first.traits,
    caps: first.caps,
    seed: Math.floor(room.random() * 2 ** 32),
    seedKey: null,
    seedIndex: null,
    desired: input.start ? 'running' : 'stopped',
    at: room.clock.now(),
  };
  const wanted = input.username === undefined ? undefined : usernameSchema.safeParse(input.username);
  if (wanted?.success === false) {
    throw invalid('invalid_body', `/username: ${wanted.error.issues[0]?.message ?? 'not a username'}.`, {
      errors: [{ pointer: '/username', detail: wanted.error.issues[0]?.message ?? 'not a username' }],
    });
  }
  for (const username of wanted ? [wanted.data] : nextUsernames(first.username)) {
    const named = { ...copy, username };
    if ((await insertBots(tx, [named])).size > 0) return named;
  }
  throw conflict(
    'username_taken',
    `${input.username ?? `Every username near ${first.username}`} is taken on ${first.targetId}.`,
  );
}
