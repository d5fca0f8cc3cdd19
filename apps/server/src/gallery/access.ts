import type { Principal } from '#kernel/auth';
import { invalid, type MusterError, notFound } from '#kernel/base';
import type { Reader } from '#kernel/db';
import type { Call } from '#kernel/http';
import { type BotSheet, readBot } from './queries/bot-row.ts';
import type { Asker } from './room.ts';

export const noSuchBot = (): MusterError => notFound('no_such_gallery_bot', 'There is no such gallery bot.');
export const noSuchPersona = (id?: string): MusterError =>
  notFound('no_such_persona', id === undefined ? 'There is no such persona.' : `There is no persona ${id}.`);
export const noSuchTarget = (id: string): MusterError =>
  invalid('no_such_target', `There is no target ${id}.`, {
    errors: [{ pointer: '/targetId', detail: 'no such target' }],
  });

export const asker = (call: Pick<Call<Principal>, 'who' | 'address' | 'requestId'>): Asker => ({
  who: call.who,
  address: call.address,
  requestId: call.requestId,
});

/** A bot of the asker's project, deleted ones included. `notFound` `no_such_gallery_bot`, also for bots of others. */
export async function requireBot(reader: Reader, who: Principal, id: string): Promise<BotSheet> {
  const bot = await readBot(reader, who.projectId, id);
  if (!bot) throw noSuchBot();
  return bot;
}

/** A position in a list as text of its own kind, and back. */
export const writeCursor = (place: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(place)).toString('base64url');

export function readCursor(
  cursor: string | undefined,
  kinds: readonly ('string' | 'number')[],
): (string | number)[] | null {
  if (cursor === undefined) return null;
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(place) && place.length === kinds.length && place.every((part, i) => typeof part === kinds[i]))
      return place as (string | number)[];
  } catch {
    // Any damage is the same to the caller.
  }
  throw invalid('bad_cursor', 'The cursor is not one that this list answered.', {
    errors: [{ pointer: '?cursor', detail: 'not a cursor' }],
  });
}
