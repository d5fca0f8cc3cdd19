import {
  type BotFilter,
  type BotListQuery,
  desiredStates,
  type GalleryBot,
  galleryBotStates,
  type Page,
  tiers,
} from '@muster/protocol';
import type { Principal } from '#kernel/auth';
import { invalid } from '#kernel/base';
import { readCursor, writeCursor } from './access.ts';
import { showBots } from './bot-shape.ts';
import { type BotWhere, listBots } from './queries/bots.ts';
import type { Room } from './room.ts';

const upwards: Readonly<Record<string, boolean>> = { name: true, nextThinkAt: true };

/** Bots of the project. Errors: `invalid` `invalid_query`, `bad_cursor`. */
export async function listGalleryBots(room: Room, who: Principal, query: BotListQuery): Promise<Page<GalleryBot>> {
  const { sort, limit, cursor } = query;
  const up = query.order === undefined ? upwards[sort] === true : query.order === 'asc';
  const [sortedBy, key, id] = readCursor(cursor, ['string', 'string', 'string']) ?? [];
  if (sortedBy !== undefined && sortedBy !== `${sort} ${up ? 'asc' : 'desc'}`) {
    throw invalid('bad_cursor', 'The cursor is of a list in another order.', {
      errors: [{ pointer: '?cursor', detail: 'not a cursor of this order' }],
    });
  }
  await room.ready(who.projectId);
  const after = key === undefined || id === undefined ? null : { key: String(key), id: String(id) };
  const rows = await listBots(room.db, who.projectId, whereOf(room, query), { sort, up, after, limit: limit + 1 });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: await showBots(
      room,
      room.db,
      page.map(({ bot }) => bot),
    ),
    nextCursor:
      rows.length > limit && last ? writeCursor([`${sort} ${up ? 'asc' : 'desc'}`, last.key, last.bot.id]) : null,
  };
}

/** Checks a filter's words. `invalid` `invalid_query` naming the parameter. */
export function whereOf(room: Pick<Room, 'minds'>, filter: BotFilter): BotWhere {
  const states = words('state', filter.state, galleryBotStates);
  const personas = filter.persona?.split(',').map((name) => name.trim());
  return {
    states,
    desired: words('desired', filter.desired, desiredStates),
    personas: personas?.filter((name) => name !== 'custom'),
    custom: personas?.includes('custom'),
    tiers: words('tier', filter.tier, tiers),
    target: filter.target,
    reason: filter.reason,
    q: filter.q,
    mind: filter.mind,
    deleted: filter.deleted ?? (states?.includes('deleted') ? 'too' : 'no'),
    defaultMind: room.minds.defaultName,
  };
}

function words<W extends string>(name: string, text: string | undefined, known: readonly W[]): W[] | undefined {
  return text?.split(',').map((part) => {
    const word = known.find((candidate) => candidate === part.trim());
    if (word !== undefined) return word;
    throw invalid('invalid_query', `?${name}: expected one or more of ${known.join(', ')}.`, {
      errors: [{ pointer: `?${name}`, detail: `expected one or more of ${known.join(', ')}` }],
    });
  });
}
