import { TargetError } from '#gallery/model';
import { reach } from '#kernel/base';
import { endingOfFault } from './act-fault.ts';
import { sendOnce } from './act-send.ts';
import type { ThinkingDeps } from './think-deps.ts';
import type { One, Planned } from './think-one.ts';
import { findOut } from './verify.ts';

/** Writes on the wire finish by themselves; only the client's own limits end them. */
const untilItsEnd = new AbortController().signal;

/**
 * Does what was planned and opened, once. The last look is the client's to take, right before the first byte (`may`). Leaves
 * outcome and ending in the think; an act nobody knows the outcome of stays open, and the bot does nothing else before it is
 * known.
 */
export async function act(deps: ThinkingDeps, one: One, planned: Planned): Promise<void> {
  await reach('gallery.send');
  try {
    const remoteId = await send(one, planned);
    await reach('gallery.commit-at-target');
    one.outcome = { state: 'done', outcome: null, remoteId };
    one.ending = { result: 'acted', reason: null, event: { type: 'ok' } };
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    if (error.fault.kind === 'unknown') await resolve(deps, one, planned);
    else refused(one, error);
  }
}

async function send(one: One, planned: Planned): Promise<string | null> {
  const write = { key: one.thoughtId, signal: untilItsEnd, may: one.due.may };
  try {
    return await sendOnce(one, planned, write);
  } catch (error) {
    if (!(error instanceof TargetError) || error.fault.kind !== 'account') throw error;
    // The account may have been lost over there: made once more, then it is for a person to say.
    const { bot, client } = one;
    await client.provision({
      botId: bot.id,
      name: bot.name,
      username: bot.username,
      bio: bioOf(one),
      personaId: bot.personaId,
    });
    return await sendOnce(one, planned, write);
  }
}

/** Every bot's profile ends with what it is. */
const bioOf = ({ bot, traits }: One): string => `${traits.vibe}. ${bot.disclosureLabel}`;

/** Surely not done. */
function refused(one: One, error: TargetError): void {
  const ending = endingOfFault(error.fault, one, error);
  const { reason } = ending;
  const state = ending.result === 'failed' ? 'failed' : 'dropped';
  one.outcome = { state, outcome: reason ?? 'stopped', remoteId: null };
  // It was decided and opened, so this thought is used up: what put others off drops this one.
  const event = ending.event ?? { type: 'ok' as const };
  const result = ending.result === 'put_off' ? 'dropped' : ending.result;
  const gone = error.fault.kind === 'gone' ? one.planned?.itemId : null;
  one.ending = { ...ending, event, result, ...(gone ? { gone } : {}) };
}

/** The answer was lost after the write (case 35). */
async function resolve(deps: ThinkingDeps, one: One, planned: Planned): Promise<void> {
  const { client, actor, thoughtId, at, due } = one;
  try {
    const found = await findOut(deps, {
      client,
      actor,
      act: { ...planned, key: thoughtId, openedAt: at },
      may: due.may,
      signal: untilItsEnd,
    });
    one.outcome = found.outcome;
    one.ending =
      found.outcome.state === 'done'
        ? { result: 'acted', reason: null, event: { type: 'ok' } }
        : { result: 'dropped', reason: found.outcome.outcome, event: { type: 'ok' } };
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    // Not seen is not the same as not there (I6): it stays open, and comes first at this bot's next think.
    delete one.outcome;
    one.ending = { ...endingOfFault(error.fault, one, error), result: 'put_off', event: null };
    one.ending.againAt ??= at + 5_000;
  }
}
