import { newId } from '#kernel/base';
import { type Reader, sql, type Tx } from '#kernel/db';
import { redact } from '#kernel/telemetry';
import { nameOf, type Principal } from './auth.ts';
import { authLimits } from './limits.ts';

/** One row per mutation, in the transaction of the mutation. */
export type AuditEntry = {
  /** `undefined`: somebody without a valid credential. */
  who: Principal | undefined;
  /** Somebody on the machine itself, with the rights of the data folder; `who` then says the project only. */
  by?: 'cli';
  action: string;
  subject: string;
  before?: unknown;
  after?: unknown;
  address?: string;
  requestId?: string;
  outcome?: 'done' | 'refused';
};

export type AuditRow = {
  id: string;
  at: Date;
  projectId: string | null;
  actorKind: string;
  actor: string;
  action: string;
  subject: string;
  before: unknown;
  after: unknown;
  address: string | null;
  requestId: string | null;
  outcome: 'done' | 'refused';
};

/** As `writeAudits`, for one entry. */
export const writeAudit = (tx: Tx, entry: AuditEntry): Promise<void> => writeAudits(tx, [entry]);

/**
 * Values under secret names are written as `changed`; what is too large is left out with a note. The rows travel with the
 * transaction's next statement or its commit; when they cannot be written, the transaction fails.
 */
export async function writeAudits(tx: Tx, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const each = (read: (entry: AuditEntry) => string | null): (string | null)[] => entries.map(read);
  tx.send(sql`
    -- write_audit: insert into the month's partition
    insert into audit (id, project_id, actor_kind, actor, action, subject, before, after, address, request_id, outcome)
    select e.id, e.project_id, e.actor_kind, e.actor, e.action, e.subject, e.before::jsonb, e.after::jsonb, e.address,
      e.request_id, e.outcome
    from unnest(${each(() => newId('audit'))}::text[], ${each(({ who }) => who?.projectId ?? null)}::text[],
      ${each(({ who, by }) => by ?? who?.kind ?? 'unknown')}::text[], ${each(({ who, by }) => by ?? (who ? nameOf(who) : 'unknown'))}::text[],
      ${each(({ action }) => action)}::text[], ${each(({ subject }) => subject)}::text[],
      ${each(({ before }) => shown(before))}::text[], ${each(({ after }) => shown(after))}::text[],
      ${each(({ address }) => address ?? null)}::text[], ${each(({ requestId }) => requestId ?? null)}::text[],
      ${each(({ outcome }) => outcome ?? 'done')}::text[])
      with ordinality e(id, project_id, actor_kind, actor, action, subject, before, after, address, request_id, outcome, n)
    order by e.n`);
}

function shown(value: unknown): string | null {
  if (value === undefined) return null;
  const text = JSON.stringify(redact({ value }, 'changed')['value'] ?? null);
  return text.length > authLimits.auditJsonBytesMax ? JSON.stringify({ omitted: `${text.length} bytes` }) : text;
}

export type AuditFilter = {
  /** Null: what concerns no project, such as tries of people nobody knows. */
  projectId: string | null;
  action?: string | undefined;
  subject?: string | undefined;
  actor?: string | undefined;
  outcome?: 'done' | 'refused' | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
};

/** Newest first, from before `(at, id)`. */
export async function readAudit(
  reader: Reader,
  filter: AuditFilter,
  before: { at: Date; id: string } | undefined,
  limit: number,
): Promise<AuditRow[]> {
  return reader.query<AuditRow>(sql`
    -- read_audit: index audit_project (project_id, at desc, id desc), partitions outside since…until left out
    select id, at, project_id as "projectId", actor_kind as "actorKind", actor, action, subject, before, after, address, request_id as "requestId", outcome
    from audit
    where ${filter.projectId === null ? sql`project_id is null` : sql`project_id = ${filter.projectId}`}
      and (${before?.at ?? null}::timestamptz is null or (at, id) < (${before?.at ?? null}, ${before?.id ?? null}))
      and (${filter.since ?? null}::timestamptz is null or at >= ${filter.since ?? null})
      and (${filter.until ?? null}::timestamptz is null or at < ${filter.until ?? null})
      and (${filter.action ?? null}::text is null or action = ${filter.action ?? null})
      and (${filter.subject ?? null}::text is null or subject = ${filter.subject ?? null})
      and (${filter.actor ?? null}::text is null or actor = ${filter.actor ?? null})
      and (${filter.outcome ?? null}::text is null or outcome = ${filter.outcome ?? null})
    order by at desc, id desc limit ${limit}`);
}

/** Partitions for this month and the next; months wholly older than `keepDays` go, whole. */
export async function keepAuditPartitions(tx: Tx, keepDays: number): Promise<string[]> {
  await tx.query(sql`
    -- keep_audit_partitions: no table
    select audit_partition(now()), audit_partition(now() + interval '1 month')`);
  const old = await tx.query<{ name: string }>(sql`
    -- keep_audit_partitions: catalogue
    select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'audit'::regclass and c.relname ~ '^audit_[0-9]{4}_[0-9]{2}$'
      and to_date(c.relname, '"audit_"YYYY_MM') + interval '1 month' <= now() - ${keepDays}::int * interval '1 day'`);
  for (const { name } of old) {
    await tx.query(sql`
      -- keep_audit_partitions: the name was matched against audit_YYYY_MM above
      select audit_drop_partition(${name})`);
  }
  return old.map(({ name }) => name);
}
