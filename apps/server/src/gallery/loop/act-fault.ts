import { MindError, TargetError, type TargetFault } from '#gallery/model';
import { type BreakerView, gateFor } from '#gallery/targets';
import { asError, MusterError, never } from '#kernel/base';
import { isStoreDown } from '#kernel/db';
import { type Ending, type One, Stop } from './think-one.ts';

const backMs = { min: 5_000, max: 15_000 };
/** A gate that a person has to open is looked at again by the owner, not by each bot. */
const heldLookMs = 60_000;

/** Of one that never came as far as a target. */
const closed: BreakerView = { state: 'closed', until: null, reason: null };
type Faulted = Pick<One, 'at' | 'draws'> & { client?: { breaker: { view(): BreakerView } } };

/**
 * What a fault of the target means for a think that has not acted. Faults of targets and providers shut gates or put thinks
 * off; they never count against a bot, but for the refusal of its own account. One bad answer puts off one bot: the gate
 * trips by the target's breaker, which counts the calls of all, and at once only where another contract is kept.
 */
export function endingOfFault(fault: TargetFault, one: Faulted, error: Error): Ending {
  const shut = gateFor(fault, one.client?.breaker.view() ?? closed);
  const gate = shut === null ? {} : { gate: { scope: 'target', ...shut } as const };
  const off = { result: 'put_off', event: null, error, ...gate } as const;
  switch (fault.kind) {
    case 'sleep': {
      if (fault.scope === 'bot') {
        const event = { type: 'sleep', until: fault.wakeAt, reason: fault.reason } as const;
        return { result: 'skipped', reason: fault.reason, event, error };
      }
      // Below its shut gate it waits for the gate, which a person may open before that time.
      return { ...off, reason: fault.reason, againAt: one.at + one.draws('back').whole(backMs.min, backMs.max) };
    }
    case 'held':
      return { ...off, reason: fault.reason, againAt: one.at + heldLookMs };
    case 'unavailable':
    case 'contract':
    case 'unknown': {
      const reason = fault.kind === 'unknown' ? 'target_unreachable' : fault.reason;
      const waitMs = fault.kind === 'unavailable' ? (fault.retryAfterMs ?? 0) : 0;
      const againAt = one.at + Math.max(waitMs, one.draws('back').whole(backMs.min, backMs.max));
      return { ...off, reason, againAt };
    }
    case 'account':
      return { result: 'failed', reason: fault.reason, event: { type: 'broken', reason: fault.reason }, error };
    case 'gone':
      return { result: 'skipped', reason: fault.reason, event: { type: 'ok' }, error };
    case 'invalid':
      // Our request was wrong and will be wrong again: it is kept, with what the target said, and not repeated.
      return {
        result: 'failed',
        reason: fault.reason,
        event: { type: 'ok' },
        error: new Error(`the target refused it: ${fault.body.slice(0, 2_000)}`, { cause: error }),
      };
    case 'dropped':
      return { result: 'dropped', reason: null, event: { type: 'ok' }, error };
    default:
      return never(fault);
  }
}

/** Any throw of a step becomes the end of this one think. */
export function endingOfThrow(thrown: unknown, one: Faulted & Pick<One, 'due'>): Ending {
  if (thrown instanceof Stop) return thrown.ending;
  const error = asError(thrown);
  const again = (reason: string, waitMs = 0): Ending => ({
    result: 'put_off',
    reason,
    event: null,
    error,
    againAt: one.at + Math.max(waitMs, one.draws('back').whole(backMs.min, backMs.max)),
  });
  if (error instanceof TargetError) return endingOfFault(error.fault, one, error);
  if (error instanceof MindError) {
    switch (error.reason) {
      case 'mind_unavailable':
      case 'fleet_budget':
      case 'bot_budget':
        return again(error.reason, error.retryAfterMs);
      case 'mind_invalid':
      case 'price_unknown':
        return { result: 'failed', reason: error.reason, event: { type: 'ok' }, error };
    }
  }
  // Paused, stopped, panic, term lost, deadline: whoever did it set what comes next.
  if (one.due.signal.aborted) return { result: 'dropped', reason: null, event: null, error };
  if (isStoreDown(error)) return again('capacity');
  if (error instanceof MusterError && error.reason === 'target_not_acknowledged') {
    return again('target_not_acknowledged', heldLookMs);
  }
  return { result: 'failed', reason: 'internal', event: { type: 'fail', reason: 'internal' }, error };
}
