import type { BlobKey } from '#kernel/blobs';
import { sql, type Tx } from '#kernel/db';

/* Retention works on the old end of indexes by id: ids sort by birth, so `bornBefore` leaves out what cannot be due.
 * Whether something is due is decided by `finished_at` and the database's clock alone. A tag `keep` exempts. */

export type Due = { days: number; bornBefore: string; limit: number };

/** Marks source and certs of builds that ended long enough ago as removed; resolves with their files. */
export async function expireInputs(tx: Tx, due: Due): Promise<{ buildId: string; blobs: BlobKey[] }[]> {
  return await tx.query(sql`
    -- expire_inputs: build_specs_inputs_due, builds_pkey
    update build_specs s set inputs_removed_at = now()
     where s.build_id = any(array(
       select d.build_id from build_specs d join builds b on b.id = d.build_id
        where d.inputs_removed_at is null and d.build_id < ${due.bornBefore}
          and b.finished_at < now() - ${due.days}::float8 * interval '1 day' and not (d.tags ? 'keep')
        order by d.build_id limit ${due.limit} for update of d skip locked))
    returning s.build_id as "buildId", array_remove(array[s.source_blob, s.certs_blob], null) as blobs`);
}

/** The same for artifacts and log. */
export async function expireOutputs(
  tx: Tx,
  due: Due,
): Promise<{ buildId: string; projectId: string; blobs: BlobKey[] }[]> {
  return await tx.query(sql`
    -- expire_outputs: build_specs_outputs_due, builds_pkey, build_artifacts_build_id_term_name_key
    with due as (
      update build_specs s set outputs_removed_at = now()
       where s.build_id = any(array(
         select d.build_id from build_specs d join builds b on b.id = d.build_id
          where d.outputs_removed_at is null and d.build_id < ${due.bornBefore}
            and b.finished_at < now() - ${due.days}::float8 * interval '1 day' and not (d.tags ? 'keep')
          order by d.build_id limit ${due.limit} for update of d skip locked))
      returning s.build_id),
    gone as (
      update build_artifacts a set removed_at = now() from due
       where a.build_id = due.build_id and a.removed_at is null returning a.build_id, a.blob)
    select due.build_id as "buildId", b.project_id as "projectId",
           array(select g.blob from gone g where g.build_id = due.build_id) as blobs
      from due join builds b on b.id = due.build_id`);
}

/** Removes whole builds, and resolves with whatever files they still had. */
export async function removeBuilds(
  tx: Tx,
  due: Due,
): Promise<{ buildId: string; projectId: string; blobs: BlobKey[] }[]> {
  return await tx.query(sql`
    -- remove_builds: builds_finished, build_specs_pkey, build_artifacts_build_id_term_name_key
    with due as (
      select b.id, b.project_id, s.source_blob, s.certs_blob from builds b join build_specs s on s.build_id = b.id
       where b.finished_at < now() - ${due.days}::float8 * interval '1 day' and not (s.tags ? 'keep')
       order by b.finished_at limit ${due.limit} for update of b skip locked),
    files as (
      select due.id, array_remove(array[due.source_blob, due.certs_blob], null)
                     || array(select a.blob from build_artifacts a where a.build_id = due.id) as blobs from due),
    gone as (delete from builds b using due where b.id = due.id)
    select due.id as "buildId", due.project_id as "projectId", files.blobs from due join files on files.id = due.id`);
}

export async function removeTelemetry(tx: Tx, due: Pick<Due, 'days' | 'limit'>): Promise<number> {
  const gone = await tx.query(sql`
    -- remove_telemetry: build_telemetry_age
    delete from build_telemetry where ctid = any(array(
      select ctid from build_telemetry where at < now() - ${due.days}::float8 * interval '1 day' order by at limit ${due.limit}))
    returning 1`);
  return gone.length;
}

export async function removeDiagnostics(tx: Tx, due: Due): Promise<number> {
  const gone = await tx.query(sql`
    -- remove_diagnostics: worker_diagnostics_pkey
    delete from worker_diagnostics where id = any(array(
      select id from worker_diagnostics
       where id < ${due.bornBefore} and created_at < now() - ${due.days}::float8 * interval '1 day' order by id limit ${due.limit}))
    returning 1`);
  return gone.length;
}

export async function removeBulks(tx: Tx, due: Due): Promise<number> {
  const gone = await tx.query(sql`
    -- remove_bulks: build_bulks_pkey
    delete from build_bulks where id = any(array(
      select id from build_bulks
       where id < ${due.bornBefore} and finished_at < now() - ${due.days}::float8 * interval '1 day' order by id limit ${due.limit}))
    returning 1`);
  return gone.length;
}

/** Retention of one node at a time: whether a shared file is still used must not change while it is asked. */
export async function lockRetention(tx: Tx): Promise<void> {
  await tx.query(sql`select pg_advisory_xact_lock(7105, 0)`);
}

/**
 * Whole hours since this was last asked, at most `hoursMax`, and the hour it counts to from now on. `undefined`: nothing
 * to count yet. Asked for the first time it only begins.
 */
export async function takeHours(
  tx: Tx,
  name: string,
  hoursMax: number,
): Promise<{ hours: number; at: Date } | undefined> {
  const [row] = await tx.query<{ hours: number; at: Date }>(sql`
    -- take_hours: build_sweeps_pkey
    update build_sweeps s set ran_at = date_trunc('hour', now())
      from (select ran_at from build_sweeps where name = ${name} for update) before
     where s.name = ${name} and before.ran_at < date_trunc('hour', now())
    returning least(${hoursMax}::int, (extract(epoch from s.ran_at - before.ran_at) / 3600)::int) as hours, s.ran_at as at`);
  if (row) return row;
  await tx.query(sql`
    -- begin_hours: build_sweeps_pkey
    insert into build_sweeps (name, ran_at) values (${name}, date_trunc('hour', now())) on conflict do nothing`);
  return undefined;
}
