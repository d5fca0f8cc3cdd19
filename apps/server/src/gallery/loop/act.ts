import { TargetError } from '#gallery/model';
import { reach } from '#kernel/base';
import { endingOfFault } from './act-fault.ts';
import { sendOnce } from './act-send.ts';
import { actId } from './ledger.ts';
import type { ThinkingDeps } from './think-deps.ts';
import type { One, Planned } from './think-one.ts';
import { eventOfFound, findOut } from './verify.ts';
import { withAccount } from './with-account.ts';

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
    const write = { key: one.thoughtId, signal: untilItsEnd, may: one.due.may };
    const { remoteId, corrected } = await withAccount(one, () => sendOnce(one, planned, write));
    await reach('gallery.commit-at-target');
    one.outcome = { state: 'done', outcome: null, remoteId };
    one.corrected = corrected;
    one.ending = { result: 'acted', reason: null, event: { type: 'ok' } };
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    if (error.fault.kind === 'unknown') await resolve(deps, one, planned);
    else refused(one, error);
  }
}

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
  const { thoughtId, at, due } = one;
  try {
    const found = await findOut(deps, {
      one,
      act: { ...planned, key: thoughtId, openedAt: at },
      may: due.may,
      signal: untilItsEnd,
    });
    one.outcome = found.outcome;
    one.corrected = found.corrected === true;
    const event = eventOfFound(found);
    const reason = found.outcome.outcome;
    if (found.outcome.state === 'done') one.ending = { result: 'acted', reason: null, event };
    else one.ending = { result: event.type === 'broken' ? 'failed' : 'dropped', reason, event };
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    // Not seen is not the same as not there (I6): it stays open, and comes first at this bot's next think.
    delete one.outcome;
    const ending = endingOfFault(error.fault, one, error);
    if (error.fault.kind === 'account') {
      // It may not even look. The bot waits for a person, and its act for the first look it may take again.
      one.opened = false;
      one.reserved.delete(actId(thoughtId));
      one.ending = ending;
      return;
    }
    one.ending = { ...ending, result: 'put_off', event: null };
    one.ending.againAt ??= at + 5_000;
  }
}
