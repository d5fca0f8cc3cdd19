/* What an answer means to an idempotent producer, and what it does next. Pure, and total: every answer has one meaning.
 *
 *  stored – safe on the server, now or from an earlier try of the same request
 *  again  – no answer, or one that says "later": the same request, same epoch, same seq, after a wait
 *  raise  – another process with this id was here before us, and nothing of ours went out yet: begin above its epoch
 *  split  – too much for one request: fewer messages, same seq
 *  pause  – somebody must look: what was sent is refused for good, or a newer process has taken over
 *
 * Exactly once rests on this: a request that may have arrived is never sent under another number. */
import { MusterError } from '@muster/protocol/errors';
import { isPassing } from '../base/patience.ts';
import type { Sending } from './outbox.ts';

/** `accepted`: the highest seq of this epoch that the server has. */
export type Answered = { stored: true; accepted: number | undefined } | { stored: false; error: MusterError };

export type Standing = {
  sending: Sending;
  /** An earlier try of this very request may have arrived. */
  unsure: boolean;
  /** The server has taken something from this process in this epoch. */
  settled: boolean;
};

export type Verdict =
  | { do: 'stored' }
  | { do: 'again'; error: MusterError; unsure: boolean }
  | { do: 'raise'; epoch: number }
  | { do: 'split' }
  | { do: 'pause'; error: MusterError };

export function judge({ sending, unsure, settled }: Standing, answered: Answered): Verdict {
  if (answered.stored) {
    // Said of a repeat, which something in between may have made on its own. More than we ever sent is not ours.
    if (answered.accepted !== undefined && answered.accepted > sending.seq)
      return { do: 'pause', error: clash(sending) };
    return { do: 'stored' };
  }
  const { error } = answered;
  // 429 is said before anything is done; every other failure may hide a success.
  const passing: boolean = isPassing(error);
  if (passing) return { do: 'again', error, unsure: unsure || error.code !== 'exhausted' };
  if (error.status === 413 && sending.count > 1) return { do: 'split' };
  const epoch = epochOf(error);
  if (error.status === 403 && epoch !== undefined && sending.seq === 0 && !settled && !unsure) {
    return { do: 'raise', epoch: epoch + 1 };
  }
  return { do: 'pause', error };
}

/** The epoch that fences ours, if that is what the refusal is about. */
export function epochOf(error: MusterError): number | undefined {
  const said = (error.extra['stream'] as Record<string, string> | undefined)?.['producer-epoch'];
  return said === undefined ? undefined : Number(said);
}

const clash = ({ epoch, seq }: Sending): MusterError =>
  new MusterError('conflict', {
    reason: 'producer_clash',
    detail: `The server has more than request ${seq} of epoch ${epoch}: another process writes under the same producer id.`,
  });

/**
 * The epoch of a process that begins: above its outbox's last, and not below the time of day, finer than a millisecond. So
 * a process that lost its outbox still comes after itself, and two that share a copied one never meet on one number.
 */
export const firstEpoch = (known: number | undefined, nowMs: number, chance: number): number =>
  Math.max((known ?? -1) + 1, Math.floor((nowMs + chance) * 1_024));
