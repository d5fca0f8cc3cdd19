import { type Actor, TargetError, type WriteOptions } from '#gallery/model';
import { requireActing } from './caller.ts';
import { readOne } from './read-item.ts';
import { likedShape, readAs } from './shapes.ts';
import type { Speaker } from './speaker.ts';

/**
 * Liked when it resolves, however often it is called. With an explicit like the target sees to that; a toggle is only pressed
 * when the item, read as this bot, is not liked, and pressed once more when it answers that it took the like away.
 */
export const ensureLiked = (speaker: Speaker, as: Actor, itemId: string, write: WriteOptions): Promise<Toggled> =>
  speaker.row.capabilities.explicitUnlike
    ? explicit(speaker, as, itemId, true, write)
    : toggled(speaker, as, itemId, true, write);

export async function unlike(speaker: Speaker, as: Actor, itemId: string, write: WriteOptions): Promise<void> {
  await (speaker.row.capabilities.explicitUnlike ? explicit : toggled)(speaker, as, itemId, false, write);
}

type Toggled = { corrected: boolean };

async function explicit(
  { caller, dialect }: Speaker,
  as: Actor,
  itemId: string,
  wanted: boolean,
  { key, signal, may }: WriteOptions,
): Promise<Toggled> {
  const liked = await caller.call({
    route: wanted ? 'like' : 'unlike',
    kind: 'write',
    method: wanted ? dialect.explicitLike : 'DELETE',
    path: dialect.likePath(itemId),
    as,
    key,
    signal,
    may,
    mayBeGone: true,
    read: (json) => readAs(likedShape, json, 'the like').liked,
  });
  if (liked !== wanted) throw unsure(itemId, wanted);
  return { corrected: false };
}

async function toggled(
  speaker: Speaker,
  as: Actor,
  itemId: string,
  wanted: boolean,
  write: WriteOptions,
): Promise<Toggled> {
  requireActing(speaker.row);
  const seen = await readOne(speaker, itemId, as, write.signal);
  if (!seen) throw new TargetError({ kind: 'gone', reason: 'item_gone' }, `The item ${itemId} is gone.`);
  if (seen.isLiked === wanted) return { corrected: false };
  if ((await press(speaker, as, itemId, wanted, write)) === wanted) return { corrected: false };
  // Somebody pressed it between our look and our toggle. The first key names an answer that is known already.
  if ((await pressBack(speaker, as, itemId, wanted, { ...write, key: `${write.key}:again` })) === wanted)
    return { corrected: true };
  throw unsure(itemId, wanted);
}

const press = (
  { caller, dialect }: Speaker,
  as: Actor,
  itemId: string,
  wanted: boolean,
  { key, signal, may }: WriteOptions,
): Promise<boolean> =>
  caller.call({
    route: wanted ? 'like' : 'unlike',
    kind: 'write',
    method: 'POST',
    path: dialect.likePath(itemId),
    body: {},
    as,
    key,
    signal,
    may,
    mayBeGone: true,
    read: (json) => readAs(likedShape, json, 'the like').liked,
  });

/** Half of the act is done: a refusal of the second half must not read as if nothing had been sent. */
async function pressBack(...given: Parameters<typeof press>): Promise<boolean> {
  try {
    return await press(...given);
  } catch (error) {
    if (!(error instanceof TargetError) || (error.fault.kind !== 'unavailable' && error.fault.kind !== 'dropped'))
      throw error;
    throw new TargetError({ kind: 'unknown', detail: 'the toggle could not be pressed back' }, error.message, {
      cause: error,
    });
  }
}

const unsure = (itemId: string, wanted: boolean): TargetError =>
  new TargetError(
    { kind: 'unknown', detail: `the answer says liked: ${String(!wanted)}` },
    `The item ${itemId} should be ${wanted ? 'liked' : 'not liked'}, and its gallery says otherwise.`,
  );
