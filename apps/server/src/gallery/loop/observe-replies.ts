import { type Comment, drawsOf } from '#gallery/model';
import { namesIn, type SeenItem } from './observe.ts';

/** A comment that waits for an answer of the bot. */
export type Waiting = { item: SeenItem; comment: Comment; thread: readonly Comment[]; depth: number; own: boolean };

const answeredWithinMs = 48 * 3_600_000;
/** Answers between two bots, one after the other. */
export const depthMax = 4;

/**
 * Who said something to the bot and got no answer yet: others below its own posts, and whoever called its name below other
 * ones. Bots tire of each other: each answer halves the chance of the next one, drawn once for each comment.
 */
export function waitingIn(
  thread: readonly Comment[],
  of: {
    item: SeenItem;
    me: { id: string; username: string };
    fleetSeed: number;
    answered: ReadonlySet<string>;
    quiet: ReadonlySet<string>;
    at: number;
  },
): Waiting[] {
  const { item, me, answered, quiet, at } = of;
  const own = item.author?.username === me.username;
  return thread.flatMap((comment, place): Waiting[] => {
    const { author } = comment;
    if (!author || author.username === me.username || quiet.has(author.username)) return [];
    if (answered.has(comment.id) || at - comment.createdAt > answeredWithinMs) return [];
    const named = namesIn(comment);
    if (named.length > 0 ? !named.includes(me.username) : !own) return [];
    const depth = author.isAgent === true ? depthOf(thread.slice(0, place + 1), me.username, author.username) : 0;
    if (depth >= depthMax) return [];
    if (!drawsOf(of.fleetSeed, me.id, comment.id, 'depth').chance(0.5 ** depth)) return [];
    return [{ item, comment, thread, depth, own }];
  });
}

/** How many answers these two gave each other so far. */
function depthOf(thread: readonly Comment[], one: string, other: string): number {
  return thread.filter((comment) => {
    const { author } = comment;
    if (author?.username !== one && author?.username !== other) return false;
    return namesIn(comment).includes(author.username === one ? other : one);
  }).length;
}
