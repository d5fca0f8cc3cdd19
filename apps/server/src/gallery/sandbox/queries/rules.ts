import { type Reader, sql, type Tx } from '#kernel/db';

export type SettingsRow = {
  paused: boolean;
  fleetDailyMax: number | null;
  fleetMonthlyMax: number | null;
  agentDailyMax: number | null;
  agentMonthlyMax: number | null;
  version: number;
};

export async function readSettings(reader: Reader, projectId: string): Promise<SettingsRow | undefined> {
  const [row] = await reader.query<SettingsRow>(sql`
    -- sandbox_settings: sandbox_settings_pkey
    select paused, fleet_daily_max as "fleetDailyMax", fleet_monthly_max as "fleetMonthlyMax",
           agent_daily_max as "agentDailyMax", agent_monthly_max as "agentMonthlyMax", version
    from sandbox_settings where project_id = ${projectId}`);
  return row;
}

/** Locked until the end of the transaction, made when it is not there. */
export async function lockSettings(tx: Tx, projectId: string, at: Date): Promise<SettingsRow> {
  const [row] = await tx.query<SettingsRow>(sql`
    -- sandbox_lock_settings: sandbox_settings_pkey
    insert into sandbox_settings as s (project_id, updated_at) values (${projectId}, ${at})
    on conflict (project_id) do update set updated_at = s.updated_at
    returning paused, fleet_daily_max as "fleetDailyMax", fleet_monthly_max as "fleetMonthlyMax",
              agent_daily_max as "agentDailyMax", agent_monthly_max as "agentMonthlyMax", version`);
  return row as SettingsRow;
}

export async function writeSettings(tx: Tx, projectId: string, settings: SettingsRow, at: Date): Promise<void> {
  await tx.query(sql`
    -- sandbox_write_settings: sandbox_settings_pkey
    update sandbox_settings set paused = ${settings.paused}, fleet_daily_max = ${settings.fleetDailyMax},
      fleet_monthly_max = ${settings.fleetMonthlyMax}, agent_daily_max = ${settings.agentDailyMax},
      agent_monthly_max = ${settings.agentMonthlyMax}, version = version + 1, updated_at = ${at}
    where project_id = ${projectId}`);
}

export type FaultRow = { id: string; body: unknown; leftOver: number | null; expiresAt: Date };

export async function readFaults(reader: Reader, projectId: string, at: Date): Promise<FaultRow[]> {
  return reader.query<FaultRow>(sql`
    -- sandbox_faults: sandbox_faults_pkey
    select id, body, left_over as "leftOver", expires_at as "expiresAt" from sandbox_faults
    where project_id = ${projectId} and expires_at > ${at} and (left_over is null or left_over > 0) order by position`);
}

export async function replaceFaults(
  tx: Tx,
  projectId: string,
  faults: readonly { id: string; body: unknown; leftOver: number | null; expiresAt: Date }[],
): Promise<void> {
  tx.send(sql`
    -- sandbox_clear_faults: sandbox_faults_pkey
    delete from sandbox_faults where project_id = ${projectId}`);
  await tx.query(sql`
    -- sandbox_new_faults: sandbox_faults_pkey
    insert into sandbox_faults (project_id, id, position, body, left_over, expires_at)
    select ${projectId}, f.id, f.at, f.body, f."leftOver", f."expiresAt"
    from rows from (jsonb_to_recordset(${JSON.stringify(faults)}::jsonb)
      as (id text, body jsonb, "leftOver" int, "expiresAt" timestamptz)) with ordinality
      as f (id, body, "leftOver", "expiresAt", at)`);
}

/** One of its times is used up; `false` when none was left, also when another node took the last one. */
export async function spendFault(tx: Tx, projectId: string, id: string): Promise<boolean> {
  const rows = await tx.query(sql`
    -- sandbox_spend_fault: sandbox_faults_pkey
    update sandbox_faults set left_over = left_over - 1
    where project_id = ${projectId} and id = ${id} and left_over > 0 returning id`);
  return rows.length > 0;
}

/** Everything that was made here. Accounts stay, and what people said of bots on their posts. */
export async function clearGallery(tx: Tx, projectId: string): Promise<void> {
  tx.send(sql`
    -- sandbox_reset_items: sandbox_items_recent
    delete from sandbox_items where project_id = ${projectId}`);
  tx.send(sql`
    -- sandbox_reset_images: the whole table, seldom
    delete from sandbox_images where project_id = ${projectId}`);
  tx.send(sql`
    -- sandbox_reset_keys: sandbox_keys_pkey
    delete from sandbox_keys k using sandbox_accounts a where a.id = k.account_id and a.project_id = ${projectId}`);
  tx.send(sql`
    -- sandbox_reset_days: sandbox_days_day
    delete from sandbox_days where project_id = ${projectId}`);
  await tx.query(sql`
    -- sandbox_reset_faults: sandbox_faults_pkey
    delete from sandbox_faults where project_id = ${projectId}`);
}

export async function dropOldKeys(tx: Tx, before: Date): Promise<void> {
  await tx.query(sql`
    -- sandbox_old_keys: sandbox_keys_at
    delete from sandbox_keys where at < ${before}`);
}
