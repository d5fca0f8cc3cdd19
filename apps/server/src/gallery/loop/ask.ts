import type { BotRow, Situation } from '#gallery/model';
import { asksIfBot, checkText } from '#gallery/text';
import { exhausted, newId } from '#kernel/base';
import type { Due } from './contract.ts';
import { plain } from './observe.ts';
import { beginOne, type One, Stop } from './think-one.ts';
import type { ThinkParts } from './think-parts.ts';
import { reserveFor } from './think-reserve.ts';
import { situationOf } from './write.ts';

const never = new AbortController().signal;
const asker = 'operator';

/**
 * A question to a bot out of the world: answered from its persona and what it remembers, never posted and not remembered.
 * Throws `exhausted` when a cap is in the way of a paid mind.
 */
export async function askBot(
  parts: ThinkParts,
  bot: BotRow,
  question: string,
): Promise<{ answer: string; mind: string; costMicros: number }> {
  const { deps, recalls } = parts;
  const at = deps.clock.now();
  const due: Due = { bot, dueAt: at, term: 0n, signal: never, may: () => true };
  const one = await beginOne(deps, due, at, { thoughtId: newId('activity', at) });
  await recalls.load(deps.db, [bot]);
  const recall = recalls.get(bot);
  if (!recall) throw new Error('invariant broken: what a bot remembers');
  const world = { at, items: [], byId: new Map(), byAuthor: new Map(), piles: new Map() };
  one.seen = { world, recall, offers: [], odds: { reply: 1 }, barred: {} };
  try {
    const thought = await answer(parts, one, plain(question));
    const { text } = thought.decision;
    const verdict = checkText(text, { kind: 'reply', language: one.traits.language, people: [asker] });
    // Asked whether it is one, it says so, whatever its mind made of the question.
    const honest = asksIfBot(question) ? `Yes: ${bot.disclosureLabel}. ` : '';
    const said = verdict.ok ? verdict.text.replace(new RegExp(`^@${asker}[\\s,:]*`, 'i'), '') : '';
    return { answer: `${honest}${said}`.trim() || '…', mind: thought.mind, costMicros: thought.costMicros };
  } catch (thrown) {
    if (!(thrown instanceof Stop)) throw thrown;
    throw exhausted(thrown.ending.reason ?? 'fleet_budget', 'A cap on what minds may cost is reached.');
  } finally {
    await parts.settle(one);
  }
}

async function answer(parts: ThinkParts, one: One, question: string) {
  const mind = await parts.payingMindOf(one);
  const heard = { author: asker, isAgent: false, own: false, text: question };
  const situation: Situation = {
    ...situationOf(one),
    candidates: [
      {
        itemId: 'question',
        kind: 'reply',
        title: 'a question',
        caption: question,
        facts: [],
        tags: [],
        author: asker,
        authorIsAgent: false,
        ageHours: 0,
        thread: [heard],
        answers: { commentId: 'question', username: asker, text: question },
        liked: false,
        score: 1,
      },
    ],
    wanted: { kind: 'reply', on: 0, why: 'it was asked' },
  };
  const id = parts.paidId(one, 'mind');
  if (mind.kind === 'paid')
    await reserveFor({ ...parts.deps, reserving: parts.reserving }, one, id, mind.bound(situation));
  const thought = await mind.think(situation, { draws: one.draws('ask', question), signal: never });
  if (mind.kind === 'paid') {
    one.reserved.set(id, { money: thought.costMicros, tokensIn: thought.tokens.in, tokensOut: thought.tokens.out });
  }
  return thought;
}
