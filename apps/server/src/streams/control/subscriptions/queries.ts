import { type SubscriptionEvent, statesAllowing, statesLeavingBy, subscriptionTable } from '@muster/protocol';
import { type Reader, sql, type Tx } from '#kernel/db';
import type { SubscriptionRow } from './rows.ts';

const allowing = (event: SubscriptionEvent): readonly string[] => statesAllowing(subscriptionTable, event);

export async function findSubscription(
  reader: Reader,
  projectId: string,
  id: string,
): Promise<SubscriptionRow | undefined> {
  const [row] = await reader.query<SubscriptionRow>(sql`
    -- find_subscription: unique (project_id, id)
    select * from subscription_rows where "projectId" = ${projectId} and id = ${id}`);
  return row;
}

export async function findByNo(reader: Reader, no: number): Promise<SubscriptionRow | undefined> {
  const [row] = await reader.query<SubscriptionRow>(sql`
    -- find_subscription_by_no: primary key
    select * from subscription_rows where no = ${no}`);
  return row;
}

/** Whoever changes a subscription or its links holds its row; all lock in this order, so nobody waits in a ring. */
export async function lockSubscriptions(tx: Tx, nos: readonly number[]): Promise<SubscriptionRow[]> {
  return tx.query<SubscriptionRow>(sql`
    -- lock_subscriptions: primary key
    select * from subscription_rows where no = any(${nos}) order by no for update`);
}

export async function lockSubscription(tx: Tx, no: number): Promise<SubscriptionRow | undefined> {
  const [row] = await lockSubscriptions(tx, [no]);
  return row;
}

export async function countSubscriptions(tx: Tx, projectId: string): Promise<number> {
  const [row] = await tx.query<{ count: number }>(sql`
    -- count_subscriptions: unique (project_id, id), index only
    select count(*)::int as count from subscriptions where project_id = ${projectId}`);
  return row?.count ?? 0;
}

/** Makers of one project's subscriptions take turns, so that the count they are held to is true. */
export async function lockMakers(tx: Tx, projectId: string): Promise<void> {
  await tx.query(sql`
    -- lock_subscription_makers: no table
    select pg_advisory_xact_lock(hashtextextended('muster.subscriptions:' || ${projectId}, 0))`);
}

export type NewSubscription = Pick<
  SubscriptionRow,
  | 'projectId'
  | 'id'
  | 'type'
  | 'pattern'
  | 'webhookUrl'
  | 'wakeStream'
  | 'leaseTtlMs'
  | 'description'
  | 'configHash'
  | 'baseUrl'
> & { createdBy: string };

export async function insertSubscription(tx: Tx, input: NewSubscription): Promise<number> {
  const rows = await tx.query<{ no: number }>(sql`
    -- insert_subscription: primary key
    insert into subscriptions (project_id, id, type, pattern, webhook_url, wake_stream, lease_ttl_ms, description, config_hash, base_url, created_by)
    values (${input.projectId}, ${input.id}, ${input.type}, ${input.pattern}, ${input.webhookUrl}, ${input.wakeStream}, ${input.leaseTtlMs},
      ${input.description}, ${input.configHash}, ${input.baseUrl}, ${input.createdBy})
    returning subscription_no as no`);
  return rows[0]?.no ?? 0;
}

export async function deleteSubscription(tx: Tx, no: number): Promise<void> {
  await tx.query(sql`
    -- delete_subscription: primary key; its links go with it
    delete from subscriptions where subscription_no = ${no}`);
}

/** What the index of patterns and links in memory is made from. */
export async function listPatterns(
  reader: Reader,
): Promise<{ no: number; projectId: string; pattern: string | null; wakeStream: string | null }[]> {
  return reader.query(sql`
    -- list_subscription_patterns: sequential, at start and when hints may have been lost
    select subscription_no as no, project_id as "projectId", pattern, wake_stream as "wakeStream" from subscriptions`);
}

/** A new wake for work that was noticed while nobody had one. */
export async function startWakes(
  tx: Tx,
  wakes: readonly { no: number; wakeId: string; by: string }[],
): Promise<{ no: number; generation: number; type: SubscriptionRow['type'] }[]> {
  return tx.query(sql`
    -- start_wakes: primary key
    update subscriptions s set state = 'waking', generation = generation + 1, wake_id = w.wake_id, woken_at = now(), woken_by = w.by_path
    from unnest(${wakes.map(({ no }) => no)}::bigint[], ${wakes.map(({ wakeId }) => wakeId)}::text[], ${wakes.map(({ by }) => by)}::text[]) w(no, wake_id, by_path)
    where s.subscription_no = w.no and s.state = any(${statesLeavingBy(subscriptionTable, 'notice')})
    returning s.subscription_no as no, s.generation, s.type`);
}

/** A worker takes the work: the wake that waits, or a new one. */
export async function claimWake(
  tx: Tx,
  no: number,
  worker: string,
  newWakeId: string,
): Promise<{ generation: number; wakeId: string; leaseEndsAt: Date } | undefined> {
  const [row] = await tx.query<{ generation: number; wakeId: string; leaseEndsAt: Date }>(sql`
    -- claim_wake: primary key
    update subscriptions set
      generation = case when state = 'idle' then generation + 1 else generation end,
      wake_id = coalesce(wake_id, ${newWakeId}),
      woken_at = case when state = 'idle' then now() else woken_at end,
      state = 'leased', holder = ${worker}, failures = 0, last_error = null, next_attempt_at = null,
      lease_ends_at = now() + lease_ttl_ms * interval '1 millisecond'
    where subscription_no = ${no} and state = any(${allowing('claim')})
    returning generation, wake_id as "wakeId", lease_ends_at as "leaseEndsAt"`);
  return row;
}

type Wake = { no: number; generation: number; wakeId: string };

/** The holder was heard of: its lease begins again. Both the first sign of a webhook and every ack. */
export async function extendWake(
  tx: Tx,
  { no, generation, wakeId }: Wake,
  event: 'accept' | 'extend',
  holder: string,
): Promise<{ leaseEndsAt: Date } | undefined> {
  const [row] = await tx.query<{ leaseEndsAt: Date }>(sql`
    -- extend_wake: primary key
    update subscriptions set state = 'leased', holder = coalesce(holder, ${holder}), failures = 0, last_error = null, next_attempt_at = null,
      lease_ends_at = now() + lease_ttl_ms * interval '1 millisecond'
    where subscription_no = ${no} and generation = ${generation} and wake_id = ${wakeId} and state = any(${allowing(event)})
    returning lease_ends_at as "leaseEndsAt"`);
  return row;
}

/**
 * A wake is over: rest, or the next wake when work is pending. One statement, so that no append can fall between the look
 * and the move: whoever notices one holds the same row.
 */
export async function endWake(
  tx: Tx,
  { no, generation, wakeId }: Wake,
  event: 'finish' | 'release' | 'leaseEnd' | 'drop',
  newWakeId: string,
): Promise<{ generation: number; waking: boolean; type: SubscriptionRow['type'] } | undefined> {
  const [row] = await tx.query<{ generation: number; waking: boolean; type: SubscriptionRow['type'] }>(sql`
    -- end_wake: primary keys of both; a subscription has at most 10,000 links
    with pending as (
      select path from subscription_links where subscription_no = ${no} and noticed > acked order by path limit 1)
    update subscriptions set
      state = case when exists (select from pending) then 'waking' else 'idle' end,
      generation = generation + case when exists (select from pending) then 1 else 0 end,
      wake_id = case when exists (select from pending) then ${newWakeId} end,
      woken_at = case when exists (select from pending) then now() else woken_at end,
      woken_by = (select path from pending),
      holder = null, lease_ends_at = null, failures = 0, last_error = null, next_attempt_at = null
    where subscription_no = ${no} and generation = ${generation} and wake_id = ${wakeId} and state = any(${allowing(event)})
      and (${event} <> 'leaseEnd' or lease_ends_at <= now())
    returning generation, state = 'waking' as waking, type`);
  return row;
}

/** It did not arrive; the next attempt stands in the row, so that no restart forgets or hurries it. */
export async function failWake(
  tx: Tx,
  { no, generation }: Pick<Wake, 'no' | 'generation'>,
  error: string,
  retryMs: number,
): Promise<{ nextAttemptAt: Date; failures: number } | undefined> {
  const [row] = await tx.query<{ nextAttemptAt: Date; failures: number }>(sql`
    -- fail_wake: primary key
    update subscriptions set failures = failures + 1, last_error = ${error}, next_attempt_at = now() + ${retryMs}::float8 * interval '1 millisecond'
    where subscription_no = ${no} and generation = ${generation} and state = 'waking'
    returning next_attempt_at as "nextAttemptAt", failures`);
  return row;
}

/** The wake's event arrived in its stream. */
export async function wakeArrived(tx: Tx, no: number, generation: number): Promise<void> {
  await tx.query(sql`
    -- wake_arrived: primary key
    update subscriptions set announced = ${generation}, failures = 0, last_error = null, next_attempt_at = null
    where subscription_no = ${no} and generation = ${generation}`);
}

export function markOverflow(tx: Tx, nos: readonly number[]): void {
  tx.send(sql`
    -- mark_overflow: primary key
    update subscriptions set overflowed_at = now() where subscription_no = any(${nos}) and overflowed_at is null`);
}

/** Wakes and leases that should long have been looked after by their jobs. */
export async function listNeglected(
  reader: Reader,
  afterMs: number,
  limit: number,
): Promise<{ no: number; generation: number; type: SubscriptionRow['type']; state: 'waking' | 'leased' }[]> {
  return reader.query(sql`
    -- list_neglected_wakes: sequential, once a minute
    select subscription_no as no, generation, type, state from subscriptions
    where (state = 'waking' and (type = 'webhook' or announced is distinct from generation)
        and coalesce(next_attempt_at, woken_at) < now() - ${afterMs}::float8 * interval '1 millisecond')
      or (state = 'leased' and lease_ends_at < now() - ${afterMs}::float8 * interval '1 millisecond')
    order by woken_at limit ${limit}`);
}
