import { reach } from '#kernel/base';
import type { Tx } from '#kernel/db';
import type { Room } from './deps.ts';
import { over } from './end-lease.ts';
import { fault, fenced, noSuchSubscription } from './fault.ts';
import { watchLease } from './jobs.ts';
import { ackLinks, findLinks } from './link-queries.ts';
import { ackShape, read, releaseShape } from './parse-subscription.ts';
import { extendWake, findByNo, lockSubscription } from './queries.ts';
import { beforeFirst, type SubscriptionRow } from './rows.ts';
import { isOffsetOf, tailsOf } from './tails.ts';

type Named = { wake_id: string; generation: number };

/**
 * What a worker or a webhook has done of its wake: moves the cursors it names, and begins the lease again or, with `done`,
 * ends the wake. All or nothing. Errors: `TOKEN_INVALID`, `TOKEN_EXPIRED`, `SUBSCRIPTION_NOT_FOUND`, `FENCED`, `INVALID_OFFSET`.
 */
export async function ackWake(
  room: Room,
  id: string,
  token: string | undefined,
  body: Uint8Array,
): Promise<{ ok: true; next_wake: boolean }> {
  const right = room.tokens.read(token, id);
  const { acks, done, ...named } = read(ackShape, body);
  const row = await standing(room, right, named, id);
  // Asked before the row is locked; an append after that is noticed by itself.
  const tails = await tailsOf(
    room.log,
    row.projectId,
    acks.map(({ path }) => path),
  );
  for (const { path, offset } of acks) {
    const tail = tails.get(path);
    const key = { projectId: row.projectId, path };
    if (tail !== undefined && !(await isOffsetOf(room.log, key, offset, tail)))
      throw wrongOffset(path, `goes only up to ${tail}`);
  }
  return room.db.transaction(async (tx) => {
    const locked = await held(tx, row, named);
    await moveCursors(tx, locked, acks, tails);
    if (done) {
      const ended = await over(room, tx, locked, 'finish');
      if (!ended) throw fenced();
      await reach('subscription.acked');
      return { ok: true, next_wake: ended.nextWake };
    }
    const extended = await extendWake(tx, locked, 'extend', 'webhook');
    if (!extended) throw fenced();
    await watchLease(room.queue, tx, locked, extended.leaseEndsAt);
    return { ok: true, next_wake: false };
  });
}

/** Gives a wake back: what is pending wakes again. Errors as `ackWake`. */
export async function releaseWake(room: Room, id: string, token: string | undefined, body: Uint8Array): Promise<void> {
  const right = room.tokens.read(token, id);
  const named = read(releaseShape, body);
  const row = await standing(room, right, named, id);
  await room.db.transaction(async (tx) => {
    if (!(await over(room, tx, await held(tx, row, named), 'release'))) throw fenced();
  });
}

/** The subscription a token opens, when it speaks of its present wake. */
async function standing(
  room: Room,
  right: { no: number; generation: number },
  named: Named,
  id: string,
): Promise<SubscriptionRow> {
  const row = await findByNo(room.db, right.no);
  if (row?.id !== id) throw noSuchSubscription(id);
  if (right.generation !== row.generation || right.generation !== named.generation) throw fenced();
  return row;
}

/** The row, locked, when its wake is still the one that is named and its lease is not over. */
async function held(tx: Tx, { no, id }: SubscriptionRow, named: Named): Promise<SubscriptionRow & { wakeId: string }> {
  const row = await lockSubscription(tx, no);
  if (!row) throw noSuchSubscription(id);
  const { wakeId } = row;
  if (wakeId === null || wakeId !== named.wake_id || row.generation !== named.generation || row.leaseOver)
    throw fenced();
  return { ...row, wakeId };
}

async function moveCursors(
  tx: Tx,
  { no }: SubscriptionRow,
  acks: readonly { path: string; offset: string }[],
  tails: ReadonlyMap<string, string>,
): Promise<void> {
  if (acks.length === 0) return;
  const links = new Map(
    (
      await findLinks(
        tx,
        no,
        acks.map(({ path }) => path),
      )
    ).map((link) => [link.path, link]),
  );
  const last = new Map<string, { path: string; offset: string; tail: string }>();
  for (const { path, offset } of acks) {
    const link = links.get(path);
    if (!link) throw wrongOffset(path, 'is not linked to this subscription');
    // What was noticed was there once, also when the stream is gone by now.
    const tail = latest(tails.get(path) ?? beforeFirst, link.noticed);
    const from = last.get(path)?.offset ?? link.acked;
    if (offset === beforeFirst || offset < from) throw wrongOffset(path, `was acked up to ${from} already`);
    if (offset > tail) throw wrongOffset(path, `goes only up to ${tail}`);
    last.set(path, { path, offset, tail });
  }
  ackLinks(tx, no, [...last.values()]);
}

const latest = (a: string, b: string): string => (a > b ? a : b);
const wrongOffset = (path: string, why: string): Error => fault('INVALID_OFFSET', `${path} ${why}.`, { stream: path });
