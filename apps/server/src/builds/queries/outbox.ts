import type { BuildEventType, WorkerEventType } from '@muster/protocol';
import { type Reader, sql, type Tx } from '#kernel/db';

/** What one row of the outbox becomes: a record of the event streams, a line of the build's log, or both. */
export type OutboxRow = {
  id: number;
  projectId: string;
  buildId: string | null;
  term: number;
  at: Date;
  event: OutboxEvent | null;
  line: { level: 'info' | 'warn' | 'error'; text: string } | null;
};
export type OutboxEvent = {
  type: BuildEventType | WorkerEventType | 'paused';
  workerId?: string;
  queue?: string;
  reason?: string;
  data?: Readonly<Record<string, unknown>>;
};
export type NewOutboxRow = Omit<OutboxRow, 'id' | 'at'>;

/** Appends, together with the transaction's next statement or its commit; ids grow in the order of the list. */
export function insertOutbox(tx: Tx, rows: readonly NewOutboxRow[]): void {
  const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));
  tx.send(sql`
    -- insert_outbox: no look-up
    insert into build_outbox (project_id, build_id, term, event, line)
    select r.project_id, r.build_id, r.term, r.event::jsonb, r.line::jsonb
    from unnest(${rows.map((row) => row.projectId)}::text[], ${rows.map((row) => row.buildId)}::text[],
                ${rows.map((row) => row.term)}::integer[], ${rows.map((row) => json(row.event))}::text[],
                ${rows.map((row) => json(row.line))}::text[])
         with ordinality r(project_id, build_id, term, event, line, n)
    order by r.n`);
}

/** What a pass begins with. */
export type OutboxTurn = { /** Whose name stood there last. */ holder: string; rows: OutboxRow[] };

/**
 * Takes the right to flush until the transaction ends, and reads the oldest rows, in order. Four statements in one trip:
 * what comes after the lock sees what its last owner committed.
 */
export async function takeOutbox(tx: Tx, limit: number): Promise<OutboxTurn> {
  tx.send(sql`set local lock_timeout = '10s'`);
  tx.send(sql`select pg_advisory_xact_lock(hashtext('muster.builds.outbox'))`);
  const [holders, rows] = await Promise.all([
    tx.query<{ holder: string }>(sql`
      -- read_outbox_holder: one row
      select holder from build_outbox_holder`),
    tx.query<OutboxRow>(sql`
      -- read_outbox: build_outbox_pkey
      select id, project_id as "projectId", build_id as "buildId", coalesce(term, 0) as term, at, event, line
      from build_outbox order by id limit ${limit}`),
  ]);
  return { holder: holders[0]?.holder ?? '', rows };
}

export async function setOutboxHolder(tx: Tx, holder: string): Promise<void> {
  await tx.query(sql`
    -- set_outbox_holder: one row
    update build_outbox_holder set holder = ${holder}`);
}

/** Together with the commit. */
export function deleteOutbox(tx: Tx, ids: readonly number[]): void {
  tx.send(sql`
    -- delete_outbox: build_outbox_pkey
    delete from build_outbox where id = any((select ${ids}::bigint[])::bigint[])`);
}

/** Those of these builds that have rows which wait. */
export async function outboxWaits(reader: Reader, buildIds: readonly string[]): Promise<Set<string>> {
  const rows = await reader.query<{ id: string }>(sql`
    -- outbox_waits: build_outbox_build
    select b.id from unnest((select ${buildIds}::text[])) b(id)
    where exists (select 1 from build_outbox o where o.build_id = b.id)`);
  return new Set(rows.map((row) => row.id));
}

/** Whether any row waits. */
export async function outboxWaitsAtAll(reader: Reader): Promise<boolean> {
  const rows = await reader.query(sql`
    -- outbox_waits_at_all: build_outbox_pkey
    select 1 from build_outbox limit 1`);
  return rows.length > 0;
}
