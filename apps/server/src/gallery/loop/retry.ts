import type { BotRow } from '#gallery/model';
import { conflict, must, newId, notFound } from '#kernel/base';
import { act } from './act.ts';
import { actId } from './ledger.ts';
import { readBots, readTerm } from './queries/close.ts';
import { type OpenAction, readAction } from './queries/ledger.ts';
import { closingOf } from './remember.ts';
import type { Thoughts } from './think.ts';
import { beginOne, type One } from './think-one.ts';
import { resume } from './verify-open.ts';

const never = new AbortController().signal;

/**
 * Does an act that failed or was dropped once more, with the same words and a key of its own, beside the bot's own thinks and
 * under all their guards. Throws `notFound` `no_such_action`; `conflict` `not_retriable` when it was done or is under way,
 * `no_owner` while nobody holds the bot, or what stood in the way.
 */
export async function retryAct(thoughts: Thoughts, projectId: string, thoughtId: string): Promise<string> {
  const { deps } = thoughts.parts;
  const action = await readAction(deps.db, { projectId, thoughtId });
  if (!action || action.kind === 'unlike') throw notFound('no_such_action', 'There is no such act.');
  if (action.state !== 'failed' && action.state !== 'dropped') {
    throw conflict('not_retriable', `It is ${action.state}: only what failed or was dropped is done once more.`);
  }
  const [bot] = await readBots(deps.db, [action.botId]);
  if (!bot) throw notFound('no_such_gallery_bot', 'The bot of this act is gone.');
  const term = await readTerm(deps.db, bot.shard);
  if (term === undefined) throw conflict('no_owner', 'No node holds this bot now; come again in a few seconds.');
  const one = await again(thoughts, bot, term, action);
  await perform(thoughts, one);
  return one.thoughtId;
}

async function again(thoughts: Thoughts, bot: BotRow, term: bigint, action: OpenAction): Promise<One> {
  const { deps } = thoughts.parts;
  const at = deps.clock.now();
  const due = { bot, dueAt: at, term, signal: never, may: () => mayStill(thoughts, bot) };
  const one = await beginOne(deps, due, at, { thoughtId: newId('activity', at) });
  if (action.kind === 'unlike') throw new Error('invariant broken: nothing takes a like back');
  await resume(thoughts, one, action, action.kind);
  one.opened = false;
  return one;
}

function mayStill({ parts }: Thoughts, { projectId, targetId }: BotRow): boolean {
  const { view } = parts.deps;
  return view.fleet(projectId)?.gate.state === 'open' && view.target(projectId, targetId)?.gate.state === 'open';
}

async function perform(thoughts: Thoughts, one: One): Promise<void> {
  const [opened] = await thoughts.besideOpening.do([one]);
  if (opened?.status !== 'fulfilled') throw opened?.reason ?? new Error('invariant broken: no outcome');
  if (opened.value !== null) {
    throw conflict(opened.value.reason ?? 'not_running', 'The bot may not do that now.');
  }
  one.opened = true;
  one.reserved.set(actId(one.thoughtId), null);
  await act(thoughts.parts.deps, one, must(one.planned, 'what is done once more'));
  // Nobody knows yet: it is looked after before the bot's next think.
  if (!one.outcome) return;
  if (one.outcome.state !== 'done')
    one.reserved.set(actId(one.thoughtId), { acts: 0, posts: 0, comments: 0, likes: 0 });
  const [closed] = await thoughts.besideClosing.do([closingOf(one)]);
  if (closed?.status === 'rejected') throw closed.reason;
  thoughts.parts.recalls.forget(one.bot.id);
}
