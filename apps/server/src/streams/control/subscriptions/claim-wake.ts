import { refusalOf, subscriptionTable } from '@muster/protocol';
import type { Principal } from '#kernel/auth';
import type { Tx } from '#kernel/db';
import type { Room } from './deps.ts';
import { endExpired } from './end-lease.ts';
import { fault, noSuchSubscription } from './fault.ts';
import { watchLease } from './jobs.ts';
import { listLinks } from './link-queries.ts';
import { maySubscribe } from './may-subscribe.ts';
import { newWakeId } from './notice-appends.ts';
import { claimShape, read } from './parse-subscription.ts';
import { claimWake, findSubscription, lockSubscription } from './queries.ts';
import type { SubscriptionRow } from './rows.ts';
import { settle } from './settle-subscription.ts';
import { type ShownTail, showTails } from './show-subscription.ts';
import { tailsOf } from './tails.ts';

type Claimed = { wake_id: string; generation: number; token: string; streams: ShownTail[]; lease_ttl_ms: number };

/**
 * A worker takes what a pull-wake subscription has pending; it need not have seen the wake event. Errors: `ALREADY_CLAIMED`
 * with `current_holder` and `generation`, `NO_PENDING_WORK`, `SUBSCRIPTION_NOT_FOUND`, `INVALID_REQUEST`.
 */
export async function claimWork(room: Room, who: Principal, id: string, body: Uint8Array): Promise<Claimed> {
  maySubscribe(room, who);
  const { worker } = read(claimShape, body);
  const row = await findSubscription(room.db, who.projectId, id);
  if (!row) throw noSuchSubscription(id);
  if (row.type !== 'pull-wake')
    throw fault('INVALID_REQUEST', 'A webhook subscription wakes its webhook; only pull-wake ones are claimed.');
  let claimed = await room.db.transaction((tx) => take(room, tx, row, worker));
  if (!claimed) {
    // The rows know of nothing. An append of this moment may be on its way to them: the streams themselves are asked.
    await settle(room, row);
    claimed = await room.db.transaction((tx) => take(room, tx, row, worker));
  }
  if (!claimed) throw fault('NO_PENDING_WORK', 'Everything is acked: there is nothing to claim.');
  const links = await listLinks(room.db, row.no);
  const tails = await tailsOf(
    room.log,
    row.projectId,
    links.map(({ path }) => path),
  );
  return {
    wake_id: claimed.wakeId,
    generation: claimed.generation,
    token: room.tokens.mint(row, claimed.generation),
    streams: showTails(links, tails),
    lease_ttl_ms: row.leaseTtlMs,
  };
}

async function take(
  room: Room,
  tx: Tx,
  { no, id }: SubscriptionRow,
  worker: string,
): Promise<{ generation: number; wakeId: string } | undefined> {
  let row = await lockSubscription(tx, no);
  if (!row) throw noSuchSubscription(id);
  // The job that ends leases may be behind; the clock of the database decides.
  if (row.leaseOver) row = (await endExpired(room, tx, row)) ?? row;
  if (refusalOf(subscriptionTable, row.state, 'claim') === 'already_claimed')
    throw fault('ALREADY_CLAIMED', `${row.holder ?? 'Another worker'} has it.`, {
      current_holder: row.holder,
      generation: row.generation,
    });
  if (row.state === 'idle' && !(await listLinks(tx, no)).some(({ acked, noticed }) => noticed > acked))
    return undefined;
  const claimed = await claimWake(tx, no, worker, newWakeId());
  if (!claimed) return undefined;
  await watchLease(room.queue, tx, { no, generation: claimed.generation }, claimed.leaseEndsAt);
  return claimed;
}
