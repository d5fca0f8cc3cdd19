import { asError, jitter, never, type Random } from '#kernel/base';
import { queueLimits } from './limits.ts';
import type { AbortReason, Outcome } from './queue.ts';

/** What is to be written about a job whose handler is over. */
export type Verdict =
  | { write: 'finish'; outcome: 'done' | 'cancelled' | 'failed'; reason: string | null }
  | { write: 'return'; untilMs: number | null; delayMs: number; error: string | null; free: boolean };

export const backoffMsMin = 2_000;
export const backoffMsMax = 30 * 60_000;

/** 2 s, 4 s, 8 s … 30 min, each ± 20 %. `attempt` is the one that just failed, from 1. */
export const backoffMs = (attempt: number, random?: Random): number =>
  jitter(Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(attempt - 1, 20)), 0.2, random);

/** How a handler ended: with an outcome, or by throwing. */
export type HandlerEnd = { outcome: Outcome } | { thrown: unknown };

export type RunFacts = {
  attempt: number;
  attemptsMax: number;
  aborted: AbortReason | undefined;
  random?: Random;
};

/**
 * Decides what becomes of a job. Done is done, however late. A job that was not done because it was told to end is
 * cancelled when that was asked, and put back without counting when this server stops. Everything else follows the
 * outcome; a throw is a retry, and a retry without attempts left is a failure.
 */
export function verdictOf(end: HandlerEnd, facts: RunFacts): Verdict {
  const outcome = 'outcome' in end ? end.outcome : thrownOutcome(end.thrown);
  if (outcome.kind === 'done') return { write: 'finish', outcome: 'done', reason: null };
  if (facts.aborted === 'cancelled') return { write: 'finish', outcome: 'cancelled', reason: 'cancelled' };
  switch (outcome.kind) {
    case 'cancel':
      return { write: 'finish', outcome: 'cancelled', reason: storable(outcome.reason) };
    case 'snooze':
      return { write: 'return', untilMs: outcome.untilMs, delayMs: 0, error: null, free: true };
    case 'retry': {
      if (facts.aborted === 'stopping') return { write: 'return', untilMs: null, delayMs: 0, error: null, free: true };
      const error = storable(outcome.error ?? (facts.aborted === 'timed_out' ? 'timed_out' : 'retry'));
      if (facts.attempt >= facts.attemptsMax) return { write: 'finish', outcome: 'failed', reason: error };
      const delayMs = Math.max(0, outcome.afterMs ?? backoffMs(facts.attempt, facts.random));
      return { write: 'return', untilMs: null, delayMs, error, free: false };
    }
    default:
      return never(outcome);
  }
}

/** Errors of the kernel carry a reason; it leads, so that operators can search for it. */
function thrownOutcome(thrown: unknown): Outcome {
  const error = asError(thrown);
  const reason: unknown = Reflect.get(error, 'reason');
  const text = typeof reason === 'string' ? `${reason}: ${error.message}` : `${error.name}: ${error.message}`;
  return { kind: 'retry', error: text };
}

/** Checks what a handler returned: a handler without a return is a bug of ours and not a success. */
export function checkOutcome(outcome: unknown): Outcome {
  const kind: unknown = typeof outcome === 'object' && outcome !== null ? Reflect.get(outcome, 'kind') : undefined;
  if (kind === 'done' || kind === 'retry' || kind === 'cancel') return outcome as Outcome;
  if (kind === 'snooze' && Number.isFinite((outcome as { untilMs: number }).untilMs)) return outcome as Outcome;
  throw new Error('the handler returned no outcome');
}

/** Text that Postgres takes: no NUL, no half of a surrogate pair, and not too long. */
export const storable = (text: string): string =>
  text.slice(0, queueLimits.reasonCharsMax).replaceAll('\0', '').toWellFormed() || 'no reason given';
