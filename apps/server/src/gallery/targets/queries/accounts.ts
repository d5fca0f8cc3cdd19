import type { DesiredState, GalleryBotState, ProvisionState } from '@muster/protocol';
import { type Reader, sql, type Tx } from '#kernel/db';

/** What the account of a bot on its target is made from. */
export type AccountRow = {
  botId: string;
  projectId: string;
  targetId: string;
  name: string;
  username: string;
  personaId: string | null;
  disclosureLabel: string;
  vibe: string | null;
  state: GalleryBotState;
  desired: DesiredState;
  provision: ProvisionState;
};

export async function readAccount(reader: Reader, botId: string): Promise<AccountRow | undefined> {
  const [row] = await reader.query<AccountRow>(sql`
    -- read_account: gallery_bots_pkey, gallery_personas_pkey
    select b.id as "botId", b.project_id as "projectId", b.target_id as "targetId", b.name, b.username,
      b.persona_id as "personaId", b.disclosure_label as "disclosureLabel",
      coalesce(b.traits ->> 'vibe', p.body ->> 'vibe') as vibe, b.state, b.desired, b.provision
    from gallery_bots b left join gallery_personas p on p.project_id = b.project_id and p.id = b.persona_id
    where b.id = ${botId}`);
  return row;
}

/** Bots that now wait for their account. `again`: also those that have one, which the target no longer takes. */
export async function markPending(
  tx: Tx,
  asked: { projectId: string; botIds: readonly string[]; again: boolean; at: Date },
): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(sql`
    -- mark_pending: gallery_bots_pkey
    update gallery_bots set provision = 'pending', provision_detail = null, updated_at = ${asked.at}
    where project_id = ${asked.projectId} and id = any(${asked.botIds}::text[]) and state <> 'deleted'
      and (provision in ('none', 'pending', 'failed', 'removed') or (${asked.again}::boolean and provision = 'done'))
    returning id`);
  return rows.map(({ id }) => id);
}

/** Bots of a target whose account was asked for and could not be had yet. */
export async function pendingOn(reader: Reader, projectId: string, targetId: string, limit: number): Promise<string[]> {
  const rows = await reader.query<{ id: string }>(sql`
    -- pending_on: gallery_bots_removing
    select id from gallery_bots where provision in ('pending', 'removing') and provision = 'pending'
      and project_id = ${projectId} and target_id = ${targetId}
    order by id limit ${limit}`);
  return rows.map(({ id }) => id);
}

/**
 * The account is there. A bot that waited for it begins (`idle` and wanted running → `running`), with a new timer that its
 * owner sets. Zero rows: it was deleted, or removed, meanwhile.
 */
export async function markProvisioned(
  tx: Tx,
  done: { botId: string; userId: string; at: Date },
): Promise<{ began: boolean } | undefined> {
  const [row] = await tx.query<{ began: boolean }>(sql`
    -- mark_provisioned: gallery_bots_pkey
    with found as (
      select id, state = 'idle' and desired = 'running' as begins from gallery_bots
      where id = ${done.botId} and provision = 'pending' and state <> 'deleted' for update)
    update gallery_bots b set provision = 'done', provision_detail = null, remote_user_id = ${done.userId},
      state = case when begins then 'running' else b.state end,
      reason = case when begins then null else b.reason end,
      next_think_at = case when begins then null else b.next_think_at end,
      generation = b.generation + case when begins then 1 else 0 end,
      updated_at = ${done.at}
    from found where b.id = found.id
    returning found.begins as began`);
  return row;
}

/**
 * The target will not have it: a person is needed. A bot that was to run is `error` with that reason from now on. Zero rows
 * as above.
 */
export async function markRefused(
  tx: Tx,
  refused: { botId: string; reason: string; detail: string; at: Date },
): Promise<{ broke: boolean } | undefined> {
  const [row] = await tx.query<{ broke: boolean }>(sql`
    -- mark_refused: gallery_bots_pkey
    with found as (
      select id, desired = 'running' and state in ('idle', 'running', 'sleeping') as breaks from gallery_bots
      where id = ${refused.botId} and provision = 'pending' and state <> 'deleted' for update)
    update gallery_bots b set provision = 'failed', provision_detail = ${refused.detail},
      state = case when breaks then 'error' else b.state end,
      reason = case when breaks then ${refused.reason}::text else b.reason end,
      last_error = case when breaks then ${refused.detail}::text else b.last_error end,
      retry_at = case when breaks then null else b.retry_at end,
      generation = b.generation + case when breaks then 1 else 0 end,
      updated_at = ${refused.at}
    from found where b.id = found.id
    returning found.breaks as broke`);
  return row;
}

/** Why it still waits; shown beside the bot. */
export function noteDelay(tx: Tx, delay: { botId: string; detail: string; at: Date }): void {
  tx.send(sql`
    -- note_delay: gallery_bots_pkey
    update gallery_bots set provision_detail = ${delay.detail}, updated_at = ${delay.at}
    where id = ${delay.botId} and provision in ('pending', 'removing') and provision_detail is distinct from ${delay.detail}`);
}

/** A bot that was deleted before its account was made needs none. */
export function forgetRequest(tx: Tx, botId: string): void {
  tx.send(sql`
    -- forget_request: gallery_bots_pkey
    update gallery_bots set provision = 'none', provision_detail = null where id = ${botId} and provision = 'pending'`);
}

/** Deleted bots whose accounts are to go. `had`: there may be something on the target. */
export async function markRemoving(
  tx: Tx,
  asked: { projectId: string; botIds: readonly string[]; at: Date },
): Promise<{ id: string; had: boolean }[]> {
  return tx.query<{ id: string; had: boolean }>(sql`
    -- mark_removing: gallery_bots_pkey
    with found as (
      select id, provision not in ('none', 'removed') as had from gallery_bots
      where project_id = ${asked.projectId} and id = any(${asked.botIds}::text[]) and state = 'deleted' for update)
    update gallery_bots b set provision = 'removing', updated_at = ${asked.at}
    from found where b.id = found.id
    returning b.id, found.had`);
}

export async function markRemoved(tx: Tx, botId: string, at: Date): Promise<boolean> {
  const rows = await tx.query(sql`
    -- mark_removed: gallery_bots_pkey
    update gallery_bots set provision = 'removed', provision_detail = null, remote_user_id = null,
      updated_at = ${at}
    where id = ${botId} and provision = 'removing'
    returning 1`);
  return rows.length > 0;
}

/** The bot is gone, with its memory; the username is free. What it did stays in ledger and feed. */
export async function purgeBot(tx: Tx, botId: string): Promise<boolean> {
  tx.send(sql`
    -- purge_memories: gallery_memories_bot
    delete from gallery_memories where bot_id = ${botId}`);
  tx.send(sql`
    -- purge_relations: gallery_relations_pkey
    delete from gallery_relations where bot_id = ${botId}`);
  const rows = await tx.query(sql`
    -- purge_bot: gallery_bots_pkey
    delete from gallery_bots where id = ${botId} and state = 'deleted' and provision in ('removing', 'removed')
    returning 1`);
  return rows.length > 0;
}
