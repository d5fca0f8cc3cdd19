import type { Actor, Comment, Item, Target } from '#gallery/model';
import { type Clock, never } from '#kernel/base';
import { targetLimits as limits } from './limits.ts';
import { shownTitle } from './publish.ts';

/** A write nobody knows the end of. `since`: epoch ms when it was opened. */
export type Sought =
  | { kind: 'post'; imageUrl: string | null; title: string; caption: string; since: number }
  | { kind: 'comment' | 'reply'; itemId: string; content: string; since: number }
  | { kind: 'like' | 'unlike'; itemId: string };

/** `gone`: what it was about is no longer there. */
export type Sighting = { found: true; remoteId: string | null } | { found: false } | { found: 'gone' };

/** Clocks of galleries differ, some by hours; what one says was made before we sent it may still be ours. */
const earlierMs = 86_400_000;

/**
 * Looks on the target whether a write was done. A look that fails throws its `TargetError`: not having seen is not the same
 * as not being there.
 */
export async function lookFor(target: Target, as: Actor, sought: Sought, signal: AbortSignal): Promise<Sighting> {
  switch (sought.kind) {
    case 'post':
      return await lookForPost(target, as, sought, signal);
    case 'comment':
    case 'reply':
      return await lookForComment(target, as, sought, signal);
    case 'like':
    case 'unlike': {
      const item = await target.item(sought.itemId, as, signal);
      if (!item) return { found: 'gone' };
      return item.isLiked === (sought.kind === 'like') ? { found: true, remoteId: null } : { found: false };
    }
    default:
      return never(sought);
  }
}

/** Two looks, 5 s apart, before anybody may say that it is not there: a write on its way needs time to be seen. */
export async function lookTwice(
  target: Target,
  as: Actor,
  sought: Sought,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<Sighting> {
  const first = await lookFor(target, as, sought, signal);
  if (first.found !== false) return first;
  await clock.sleep(limits.lookAgainMs, signal);
  return await lookFor(target, as, sought, signal);
}

/** By the picture, and where the target keeps pictures under addresses of its own, by title and caption: a bot never says the same twice. */
async function lookForPost(
  target: Target,
  as: Actor,
  sought: Extract<Sought, { kind: 'post' }>,
  signal: AbortSignal,
): Promise<Sighting> {
  const isOurs = (item: Item): boolean =>
    (sought.imageUrl !== null && item.imageUrl === sought.imageUrl) ||
    (recent(item, sought.since) &&
      item.title === shownTitle(sought.title, sought.caption) &&
      (item.description === sought.caption || item.description.startsWith(`${sought.caption}\n`)));
  const items = await target.itemsOf(as.username, signal);
  const found = items.find((item) => isOurs(item));
  return found ? { found: true, remoteId: found.id } : { found: false };
}

async function lookForComment(
  target: Target,
  as: Actor,
  { itemId, content, since }: Extract<Sought, { kind: 'comment' | 'reply' }>,
  signal: AbortSignal,
): Promise<Sighting> {
  const isOurs = (comment: Comment): boolean =>
    comment.author?.username === as.username && comment.content.trim() === content.trim() && recent(comment, since);
  for (let page = 0; page < limits.lookPagesMax; page++) {
    const offset = page * limits.lookPage;
    const comments = await target.thread(itemId, { limit: limits.lookPage, offset }, signal);
    if (!comments) return { found: 'gone' };
    const found = comments.find((comment) => isOurs(comment));
    if (found) return { found: true, remoteId: found.id };
    if (comments.length < limits.lookPage) return { found: false };
  }
  return { found: false };
}

/** 0: the target does not say when. */
const recent = ({ createdAt }: { createdAt: number }, since: number): boolean =>
  createdAt === 0 || createdAt >= since - earlierMs;
