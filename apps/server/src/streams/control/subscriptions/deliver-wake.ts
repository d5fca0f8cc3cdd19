import { asError, jitter, MusterError, reach } from '#kernel/base';
import type { OutboundAnswer } from '#kernel/outbound';
import { done, type Handler, type Outcome, snooze } from '#kernel/queue';
import type { Room } from './deps.ts';
import { over } from './end-lease.ts';
import { wakePayload, watchLease } from './jobs.ts';
import { subscriptionLimits } from './limits.ts';
import { ackSnapshot, calmLinks, countLinks, listLinks, snapshotLinks } from './link-queries.ts';
import { extendWake, failWake, findByNo, lockSubscription } from './queries.ts';
import type { SubscriptionRow } from './rows.ts';
import { baseOf, type ShownTail, showTails, subscriptionUrl } from './show-subscription.ts';
import { tailsOf } from './tails.ts';

type Waking = SubscriptionRow & { wakeId: string };

/**
 * Carries a wake to its webhook: tells what is pending, signed, and takes the answer. What went wrong is tried again, 1 s
 * to 60 s, for as long as the subscription lives; the time of the next attempt is in the row and in the job.
 */
export const deliverHandler =
  (room: Room): Handler =>
  async (job) => {
    const { no, generation } = wakePayload.parse(job.payload);
    const row = await wakingRow(room, no, generation);
    if (!row) return done;
    if (row.resting && row.nextAttemptAt) return snooze(row.nextAttemptAt.getTime());
    const place = await room.places.take(hostOf(row));
    if (!place) return snooze(room.clock.now() + jitter(subscriptionLimits.noPlaceMs, 0.5, room.random));
    using _ = place;
    const streams = await snapshot(room, row);
    if (!streams) return done;
    const began = room.clock.monotonic();
    const took = (): number => room.clock.monotonic() - began;
    try {
      const answer = await post(room, row, streams, job.signal);
      if (answer.status < 200 || answer.status > 299) throw new Refused(`The webhook answered ${answer.status}.`);
      const finished = saysDone(answer);
      await reach('subscription.told');
      await (finished ? finish(room, row) : accept(room, row));
      room.events.delivered(finished ? 'done' : 'accepted', took());
      return done;
    } catch (error) {
      if (job.signal.aborted || !isFailure(error)) throw error;
      room.events.delivered('failed', took());
      return retryLater(room, row, asError(error).message);
    }
  };

const hostOf = ({ webhookUrl }: Waking): string => URL.parse(webhookUrl ?? '')?.host ?? '';

class Refused extends Error {}
/** Failures of the other side; ours are the queue's to repeat. */
const isFailure = (error: unknown): boolean =>
  error instanceof Refused ||
  (error instanceof MusterError && error.reason.startsWith('outbound_') && error.code === 'unavailable') ||
  (error instanceof MusterError && ['address_not_allowed', 'url_malformed'].includes(error.reason));

export async function wakingRow(room: Room, no: number, generation: number): Promise<Waking | undefined> {
  const row = await findByNo(room.db, no);
  if (row?.generation !== generation || row.state !== 'waking' || row.wakeId === null) return undefined;
  return { ...row, wakeId: row.wakeId };
}

/** What the webhook is told, kept in the rows so that its `done` acks exactly that. `undefined`: nothing is left to tell. */
async function snapshot(room: Room, row: Waking): Promise<ShownTail[] | undefined> {
  const links = await listLinks(room.db, row.no);
  const tails = await tailsOf(
    room.log,
    row.projectId,
    links.map(({ path }) => path),
  );
  const streams = showTails(links, tails);
  const pending = streams.filter(({ has_pending }) => has_pending);
  const behind = new Set(pending.map(({ path }) => path));
  const calm = links
    .filter(({ path, acked, noticed }) => noticed > acked && !behind.has(path))
    .map(({ path, noticed }) => ({ path, noticed, gone: !tails.has(path) }));
  return room.db.transaction(async (tx) => {
    const locked = await lockSubscription(tx, row.no);
    if (locked?.generation !== row.generation || locked.state !== 'waking') return undefined;
    if (calm.length > 0) countLinks(tx, row.no, -(await calmLinks(tx, row.no, calm)));
    if (pending.length === 0) {
      await over(room, tx, row, 'drop');
      return undefined;
    }
    const snapped = pending.map(({ path, tail_offset }) => ({ path, tail: tail_offset }));
    snapshotLinks(tx, row.no, row.generation, snapped);
    return streams;
  });
}

async function post(
  room: Room,
  row: Waking,
  streams: readonly ShownTail[],
  signal: AbortSignal,
): Promise<OutboundAnswer> {
  const body = JSON.stringify({
    subscription_id: row.id,
    wake_id: row.wakeId,
    generation: row.generation,
    streams,
    callback_url: subscriptionUrl(baseOf(room, row), row.id, 'callback'),
    callback_token: room.tokens.mint(row, row.generation),
  });
  return room.outbound.call({
    url: row.webhookUrl ?? '',
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      'user-agent': 'Muster',
      'webhook-signature': await room.keys.sign(body),
    },
    body: Buffer.from(body),
    signal,
  });
}

function saysDone({ body }: OutboundAnswer): boolean {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null && Reflect.get(value, 'done') === true;
  } catch {
    return false;
  }
}

/** `{"done": true}`: what it was told is acked, and the wake is over. A callback may have been quicker. */
const finish = (room: Room, row: Waking): Promise<void> =>
  room.db.transaction(async (tx) => {
    const locked = await lockSubscription(tx, row.no);
    if (locked?.generation !== row.generation || locked.wakeId !== row.wakeId) return;
    ackSnapshot(tx, row.no, row.generation);
    await over(room, tx, row, 'finish');
  });

/** It works on it and will call back. */
const accept = (room: Room, row: Waking): Promise<void> =>
  room.db.transaction(async (tx) => {
    const locked = await lockSubscription(tx, row.no);
    // A lease that its callback began already is not made longer by the answer.
    if (locked?.state !== 'waking') return;
    const accepted = await extendWake(tx, row, 'accept', 'webhook');
    if (accepted) await watchLease(room.queue, tx, row, accepted.leaseEndsAt);
  });

/** The next attempt, by the number of those that failed. The queue must not count them: they go on for ever. */
export async function retryLater(room: Room, row: Waking, why: string): Promise<Outcome> {
  const { retryMsMin, retryMsMax, lastErrorCharsMax } = subscriptionLimits;
  const delay = jitter(Math.min(retryMsMax, retryMsMin * 2 ** Math.min(row.failures, 10)), 0.2, room.random);
  const failed = await room.db.transaction((tx) => failWake(tx, row, why.slice(0, lastErrorCharsMax), delay));
  if (!failed) return done;
  room.events.failing({ no: row.no, id: row.id, projectId: row.projectId, failures: failed.failures }, why);
  return snooze(failed.nextAttemptAt.getTime());
}
