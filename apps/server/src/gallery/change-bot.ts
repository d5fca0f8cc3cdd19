import {
  type GalleryBot,
  type PatchBot,
  patchBotSchema,
  type TraitName,
  type Traits,
  traitSchemas,
} from '@muster/protocol';
import { writeAudit } from '#kernel/auth';
import { conflict, invalid, must } from '#kernel/base';
import { noSuchBot } from './access.ts';
import { checkCaps, checkTraits, readBotBody } from './bot-input.ts';
import { effectiveOf, showOneBot, surroundings } from './bot-shape.ts';
import { goOn } from './budgets.ts';
import { ownTraits, requirePersona } from './create-bot.ts';
import { type BotSheet, readBot } from './queries/bot-row.ts';
import { changeBotRow, lockBot } from './queries/bots.ts';
import type { Asker, Room } from './room.ts';

/** Traits that decide when it thinks: a change of one sets its timer anew at once. */
const timing: readonly TraitName[] = ['tier', 'minIntervalMs', 'maxIntervalMs', 'timezone', 'curve'];

/**
 * What people say of a bot; `null` leaves a trait to the persona again. A think under way keeps what it began with. Errors:
 * those of `readBotBody`; `notFound` `no_such_gallery_bot`; `conflict` `version_conflict`, `is_deleted`.
 */
export async function changeBot(
  room: Room,
  asker: Asker,
  id: string,
  body: unknown,
  ifMatch: (version: number) => void,
): Promise<GalleryBot> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:operate');
  const input = readBotBody(patchBotSchema, body, 'change');
  checkCaps(room, asker, input.budget);
  const shown = await room.db.transaction(async (tx) => {
    const bot = await lockBot(tx, who.projectId, id);
    if (!bot) throw noSuchBot();
    ifMatch(bot.version);
    if (bot.state === 'deleted') throw conflict('is_deleted', `${bot.name} is deleted; restore it first.`);
    const next = changed(bot, input);
    const around = await surroundings(room, tx, who.projectId, next.personaId === null ? [] : [next.personaId]);
    requirePersona(around, next.personaId);
    checkTraits(room, { given: input, own: next.traits, effective: effectiveOf(next, around) });
    const again = next.personaId !== bot.personaId || timing.some((name) => input[name] !== undefined);
    await changeBotRow(tx, { ...next, id, again, at: new Date(room.clock.now()) });
    if (input.budget !== undefined) await goOn(room, tx, who, { kind: 'bot', id });
    await writeAudit(tx, {
      ...asker,
      action: 'gallery.bot.change',
      subject: id,
      before: Object.fromEntries(Object.keys(input).map((name) => [name, valueOf(bot, name)])),
      after: input,
    });
    return showOneBot(room, tx, must(await readBot(tx, who.projectId, id), 'the changed bot'));
  });
  await room.loop.changed(who.projectId, { bots: [id] });
  return shown;
}

type Changed = Pick<BotSheet, 'name' | 'personaId' | 'disclosureLabel' | 'traits' | 'caps'>;

function changed(bot: BotSheet, input: PatchBot): Changed {
  if (Object.keys(input).length === 0) {
    throw invalid('nothing_to_change', 'The body names nothing to change.', {
      errors: [{ pointer: '', detail: 'at least one field' }],
    });
  }
  const traits: Partial<Traits> = { ...bot.traits, ...ownTraits(input) };
  for (const name of Object.keys(traitSchemas) as TraitName[]) if (input[name] === null) delete traits[name];
  return {
    name: input.name ?? bot.name,
    personaId: input.personaId === undefined ? bot.personaId : input.personaId,
    disclosureLabel: input.disclosureLabel ?? bot.disclosureLabel,
    traits,
    caps: input.budget === undefined ? bot.caps : input.budget,
  };
}

const valueOf = (bot: BotSheet, name: string): unknown =>
  name === 'budget'
    ? bot.caps
    : name === 'name' || name === 'personaId' || name === 'disclosureLabel'
      ? bot[name]
      : (bot.traits[name as TraitName] ?? null);
