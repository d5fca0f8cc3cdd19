import { type Publication, TargetError } from '#gallery/model';
import { lookTwice, type Sought } from '#gallery/targets';
import type { Clock } from '#kernel/base';
import { sendOnce } from './act-send.ts';
import type { BotEvent, One, Planned } from './think-one.ts';
import { withAccount } from './with-account.ts';

/* An act that was opened and whose outcome nobody knows (gallery.md §9.3). */

/** An act as the ledger has it. */
export type Opened = Pick<Planned, 'kind' | 'itemId' | 'content' | 'publication'> & {
  /** Its idempotency key. */
  key: string;
  /** Epoch ms. */
  openedAt: number;
};
export type FoundOut = {
  how: 'adopted' | 'sent' | 'dropped';
  outcome: { state: 'done' | 'failed' | 'dropped'; outcome: string | null; remoteId: string | null };
  corrected?: boolean;
};
type Looking = {
  one: Pick<One, 'bot' | 'client' | 'traits' | 'actor'>;
  act: Opened;
  may: () => boolean;
  signal: AbortSignal;
};

/** Targets keep keys for a day; somewhat less is counted on. */
const keysKeptMs = 23 * 3_600_000;

/**
 * Finds out, and does it if it was not done: by the same key where the target keeps keys, else by two looks. Throws the
 * `TargetError` of a look that failed: then nothing is concluded. `may` false: what is not there is not sent any more.
 */
export async function findOut({ clock }: { clock: Clock }, of: Looking): Promise<FoundOut> {
  const { one, act, may, signal } = of;
  const { client, actor } = one;
  const keyed = client.capabilities.idempotency && clock.now() - act.openedAt < keysKeptMs;
  if (keyed && may()) return await sendAgain(of, 'adopted');
  const sighting = await withAccount(one, () => lookTwice(client, actor, soughtOf(act), { clock, signal }));
  if (sighting.found === true) {
    return { how: 'adopted', outcome: { state: 'done', outcome: 'adopted', remoteId: sighting.remoteId } };
  }
  if (sighting.found === 'gone') {
    return { how: 'dropped', outcome: { state: 'failed', outcome: 'item_gone', remoteId: null } };
  }
  if (!may()) return { how: 'dropped', outcome: { state: 'dropped', outcome: 'stopped', remoteId: null } };
  return await sendAgain(of, 'sent');
}

async function sendAgain({ one, act, may, signal }: Looking, how: 'adopted' | 'sent'): Promise<FoundOut> {
  try {
    const sent = await withAccount(one, () => sendOnce(one, act, { key: act.key, signal, may }));
    const { remoteId, corrected } = sent;
    return { how, outcome: { state: 'done', outcome: how, remoteId }, corrected };
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    const { fault } = error;
    // These say surely that it is not there and will not be.
    if (fault.kind === 'gone' || fault.kind === 'invalid' || fault.kind === 'account') {
      return { how: 'dropped', outcome: { state: 'failed', outcome: fault.reason, remoteId: null } };
    }
    throw error;
  }
}

/** What it makes of the bot. An account that was refused, made once more and refused again needs a person. */
export const eventOfFound = ({ outcome: { outcome } }: FoundOut): BotEvent =>
  outcome === 'target_forbidden' ? { type: 'broken', reason: outcome } : { type: 'ok' };

function soughtOf({ kind, itemId, content, publication, openedAt }: Opened): Sought {
  if (kind === 'post') {
    const there: (Publication['image'] & { onTarget?: string }) | undefined = publication?.image;
    return {
      kind,
      imageUrl: there?.onTarget ?? there?.publicUrl ?? null,
      title: publication?.title ?? content,
      caption: content,
      since: openedAt,
    };
  }
  if (itemId === null) throw new Error(`invariant broken: a ${kind} on nothing`);
  return kind === 'like' ? { kind, itemId } : { kind, itemId, content, since: openedAt };
}
