import type { BotRow } from '#gallery/model';
import { asError } from '#kernel/base';
import type { Due } from './contract.ts';
import { actId, publicationOf } from './ledger.ts';
import type { SeenItem } from './observe.ts';
import { readBots, readTerm } from './queries/close.ts';
import { closeActions, type OpenAction, readOpen, readOpenOfShard } from './queries/ledger.ts';
import { closingOf } from './remember.ts';
import type { Thoughts } from './think.ts';
import { beginOne, type One, Stop } from './think-one.ts';
import { eventOfFound, type FoundOut, findOut } from './verify.ts';

/* Acts that somebody opened and did not close: a crash, a lost term, an answer that never came. */

const pageMax = 200;
const atOnce = 8;
type Counts = { adopted: number; sent: number; dropped: number };

/** All of a shard that were opened under an older term. One that cannot be looked at now stays open (I6). */
export async function verifyOpen(
  thoughts: Thoughts,
  { shard, term, signal }: { shard: number; term: bigint; signal: AbortSignal },
): Promise<Counts> {
  const { db, clock, telemetry, view } = thoughts.parts.deps;
  const counts: Counts = { adopted: 0, sent: 0, dropped: 0 };
  let after = '';
  while (!signal.aborted) {
    const page = await readOpenOfShard(db, { shard, below: term, after, limit: pageMax });
    if (page.length === 0) break;
    after = page.at(-1)?.thoughtId ?? after;
    const bots = new Map(
      (
        await readBots(
          db,
          page.map(({ botId }) => botId),
        )
      ).map((bot) => [bot.id, bot]),
    );
    // Of one bot at most one act is open; those of different bots have nothing to do with each other.
    for (let from = 0; from < page.length; from += atOnce) {
      await Promise.all(
        page.slice(from, from + atOnce).map(async (action) => {
          const bot = bots.get(action.botId);
          const may = (): boolean => !signal.aborted && bot !== undefined && mayAct(view, bot);
          try {
            const { how } = await settleOne(thoughts, action, { bot, term, signal, may, at: clock.now() });
            counts[how] += 1;
          } catch (thrown) {
            const error = asError(thrown);
            telemetry.logger.warn({ error, thoughtId: action.thoughtId }, 'an open act could not be looked after yet');
          }
        }),
      );
    }
  }
  return counts;
}

/** Whether an act that turns out not to have been done may still be done. */
function mayAct(view: Thoughts['parts']['deps']['view'], bot: BotRow): boolean {
  const target = view.target(bot.projectId, bot.targetId);
  if (!target || bot.desired !== 'running') return false;
  const open = view.fleet(bot.projectId)?.gate.state === 'open' && target.gate.state === 'open';
  return open && (target.kind === 'sandbox' || target.acknowledged);
}

/** Those of one bot, at the start of its think; that think is over then, and the bot comes again at once. */
export async function settleOpenOf(thoughts: Thoughts, one: One, open: readonly string[]): Promise<void> {
  const { bot, due, at } = one;
  const { term, signal, may } = due;
  for (const action of await readOpen(thoughts.parts.deps.db, open)) {
    const { row } = await settleOne(thoughts, action, { bot: one.movedOn ?? bot, term, signal, may, at });
    if (row) one.movedOn = row;
  }
  thoughts.parts.recalls.forget(bot.id);
  throw new Stop({ result: 'put_off', reason: 'restoring', event: null, againAt: at + 1_000 });
}

/** Throws `TargetError` when it could not be seen. */
async function settleOne(
  thoughts: Thoughts,
  action: OpenAction,
  of: { bot: BotRow | undefined; term: bigint; signal: AbortSignal; may: () => boolean; at: number },
): Promise<{ how: FoundOut['how']; row?: BotRow }> {
  const { deps } = thoughts.parts;
  if (!of.bot || action.kind === 'unlike') {
    await closeAlone(thoughts, action, of);
    return { how: 'dropped' };
  }
  const due: Due = { bot: of.bot, dueAt: of.at, term: of.term, signal: of.signal, may: of.may };
  const first = await beginOne(deps, due, of.at);
  const one =
    first.thoughtId === action.thoughtId ? first : await beginOne(deps, due, of.at, { thoughtId: action.thoughtId });
  await resume(thoughts, one, action, action.kind);
  const { planned } = one;
  if (!planned) throw new Error('invariant broken: nothing was planned');
  const openedAt = action.openedAt.getTime();
  const found = await findOut(deps, {
    one,
    act: { ...planned, key: action.key, openedAt },
    may: of.may,
    signal: of.signal,
  });
  one.outcome = found.outcome;
  one.corrected = found.corrected === true;
  const { state, outcome } = found.outcome;
  one.reserved.set(actId(one.thoughtId), state === 'done' ? null : { acts: 0, posts: 0, comments: 0, likes: 0 });
  one.ending = {
    result: state === 'done' ? 'acted' : state,
    reason: state === 'done' ? null : outcome,
    event: eventOfFound(found),
  };
  const [settled] = await thoughts.closingUp.do([closingOf(one)]);
  if (settled?.status !== 'fulfilled') throw settled?.reason ?? new Error('invariant broken: no outcome');
  thoughts.parts.recalls.forget(of.bot.id);
  return { how: found.how, ...(settled.value ? { row: settled.value } : {}) };
}

/** Puts the think back where its row in the ledger says it was. */
export async function resume(
  thoughts: Thoughts,
  one: One,
  action: OpenAction,
  kind: Exclude<OpenAction['kind'], 'unlike'>,
): Promise<void> {
  const { deps, recalls } = thoughts.parts;
  const { itemId, parentId, content, detail } = action;
  const text = (name: string): string | null => (typeof detail[name] === 'string' ? detail[name] : null);
  const author = text('author');
  const publication = publicationOf(detail, (stored) => deps.pictures.again(stored));
  one.opened = true;
  one.planned = { kind, itemId, parentId, content, author, publication };
  const isPost = kind === 'post';
  one.decided = {
    decision: {
      do: kind,
      on: -1,
      why: text('why') ?? '',
      text: isPost ? '' : content,
      caption: isPost ? content : '',
      prompt: publication?.prompt ?? '',
      alt: publication?.alt ?? '',
      tags: publication?.tags ?? [],
    },
    by: 'mind',
    mind: text('mind') ?? 'unknown',
    offer:
      itemId === null
        ? null
        : {
            item: itemOf(itemId, { title: text('title') ?? '', author, isAgent: detail['authorIsAgent'] }),
            score: 0,
            barred: {},
            waiting: null,
            thread: null,
          },
  };
  await recalls.load(deps.db, [one.bot]);
  const recall = recalls.get(one.bot);
  const world = { at: one.at, items: [], byId: new Map(), byAuthor: new Map(), piles: new Map() };
  if (recall) one.seen = { world, recall, offers: [], odds: {}, barred: {} };
}

/** As much of an item as the ledger knows. */
const itemOf = (id: string, of: { title: string; author: string | null; isAgent: unknown }): SeenItem => ({
  id,
  title: of.title,
  description: '',
  category: null,
  tags: [],
  likeCount: 0,
  commentCount: 0,
  viewCount: 0,
  isLiked: false,
  createdAt: 0,
  author:
    of.author === null
      ? null
      : {
          id: '',
          username: of.author,
          name: of.author,
          ...(typeof of.isAgent === 'boolean' ? { isAgent: of.isAgent } : {}),
        },
  imageUrl: null,
  words: new Set(),
});

/** Its bot is gone: nobody is left to act, and the ledger says so. */
async function closeAlone(
  thoughts: Thoughts,
  { thoughtId, shard }: OpenAction,
  { term, at }: { term: bigint; at: number },
): Promise<void> {
  await thoughts.parts.deps.db.transaction(async (tx) => {
    if ((await readTerm(tx, shard)) !== term) return;
    closeActions(tx, [{ thoughtId, state: 'dropped', outcome: 'is_deleted', remoteId: null, at }]);
  });
}
