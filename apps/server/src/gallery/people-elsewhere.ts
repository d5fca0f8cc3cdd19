import { type Comment, type Target, TargetError } from '#gallery/model';

const dayMs = 86_400_000;
const days = 7;
/** What one count may read of a gallery: newest first, so what is beyond it is the oldest. */
const bounds = { page: 100, pagesMax: 20, threadsMax: 200, threadTail: 100 };

/**
 * Acts of people a day on a gallery that is not ours: items and comments it shows whose authors are neither bots of ours nor
 * said to be agents, mean over the last 7 full UTC days before `at` (epoch ms). Likes have no author there, so they do not
 * count. `null`: it could not be looked at, which is not the same as nobody being there (I6).
 */
export async function peoplesActsElsewhere(
  target: Pick<Target, 'feed' | 'thread'>,
  ours: (usernames: readonly string[]) => Promise<ReadonlySet<string>>,
  at: number,
): Promise<number | null> {
  const to = at - (at % dayMs);
  const from = to - days * dayMs;
  try {
    const acts = (await seenActs(target, from)).filter((act) => act.at >= from && act.at < to);
    const own = await ours([...new Set(acts.map(({ username }) => username))]);
    return acts.filter(({ username }) => !own.has(username)).length / days;
  } catch (error) {
    if (error instanceof TargetError) return null;
    throw error;
  }
}

type Act = { username: string; at: number };

async function seenActs(target: Pick<Target, 'feed' | 'thread'>, from: number): Promise<Act[]> {
  const { signal } = new AbortController();
  const acts: Act[] = [];
  const note = ({ author, createdAt }: Pick<Comment, 'author' | 'createdAt'>): void => {
    if (author && author.isAgent !== true) acts.push({ username: author.username, at: createdAt });
  };
  const seen = new Set<string>();
  let threads = 0;
  for (let page = 0; page < bounds.pagesMax; page++) {
    const items = await target.feed('recent', { limit: bounds.page, offset: page * bounds.page }, signal);
    for (const item of items) {
      // Pages shift while others post.
      if (seen.has(item.id)) continue;
      seen.add(item.id);
      note(item);
      if (item.commentCount === 0 || threads >= bounds.threadsMax) continue;
      threads += 1;
      const offset = Math.max(0, item.commentCount - bounds.threadTail);
      const comments = await target.thread(item.id, { limit: bounds.threadTail, offset }, signal);
      for (const comment of comments ?? []) note(comment);
    }
    if (items.length < bounds.page || items.every(({ createdAt }) => createdAt < from)) break;
  }
  return acts;
}
