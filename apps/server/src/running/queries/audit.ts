import { type Reader, sql, type Tx } from '#kernel/db';

export type ProjectEventRow = {
  id: string;
  projectId: string;
  at: Date;
  action: string;
  subject: string;
  actorKind: string;
  actor: string;
  outcome: 'done' | 'refused';
};

/** The right to publish changes of people and streams until the transaction ends; `false`: another node does. */
export async function takePublishing(tx: Tx): Promise<boolean> {
  const [row] = await tx.query<{ taken: boolean }>(sql`
    -- take_publishing: no table
    select pg_try_advisory_xact_lock(hashtext('muster.running.events')) as taken`);
  return row?.taken ?? false;
}

/** Changes that no capability tells in its own feed, oldest first. */
export async function readProjectEvents(
  reader: Reader,
  after: { at: Date; id: string },
  limit: number,
): Promise<ProjectEventRow[]> {
  return reader.query<ProjectEventRow>(sql`
    -- read_project_events: audit_pkey of the months since
    select id, project_id as "projectId", at, action, subject, actor_kind as "actorKind", actor, outcome from audit
     where (at, id) > (${after.at}, ${after.id}) and project_id is not null
       and action !~ '^(builds|gallery|action)[.]'
     order by at, id limit ${limit}`);
}

/** Up to when changes have been told, and by which process; before the first look: since ever, by nobody. */
export async function readToldUntil(reader: Reader): Promise<{ at: number; by: string }> {
  const [row] = await reader.query<{ at: number; by: string }>(sql`
    -- read_told_until: meta_pkey
    select (value ->> 'at')::float8 as at, value ->> 'by' as by from meta where key = 'running.events'`);
  return row ?? { at: 0, by: '' };
}

/** With the transaction that told them. */
export function writeToldUntil(tx: Tx, { at, by }: { at: number; by: string }): void {
  tx.send(sql`
    -- write_told_until: meta_pkey
    insert into meta (key, value) values ('running.events', jsonb_build_object('at', ${at}::float8, 'by', ${by}::text))
    on conflict (key) do update set value = excluded.value, updated_at = now()`);
}
