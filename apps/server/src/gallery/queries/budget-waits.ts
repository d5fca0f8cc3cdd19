import { sql, type Tx } from '#kernel/db';

/* What sleeps on a cap, and is let go when the cap is raised. Gates and bots that sleep for another reason stay. */

/** Answers whether the gate of the fleet slept on a budget. */
export async function openFleetBudgetGate(tx: Tx, projectId: string, at: Date): Promise<boolean> {
  const rows = await tx.query(sql`
    -- open_fleet_budget_gate: gallery_fleets_pkey
    update gallery_fleets set gate = 'open', gate_until = null, gate_reason = null, updated_at = ${at}
    where project_id = ${projectId} and gate = 'sleeping' and gate_reason = 'fleet_budget'
    returning project_id`);
  return rows.length > 0;
}

export async function openTargetBudgetGate(tx: Tx, projectId: string, targetId: string, at: Date): Promise<boolean> {
  const rows = await tx.query(sql`
    -- open_target_budget_gate: gallery_targets_pkey
    update gallery_targets set gate = 'open', gate_until = null, gate_reason = null, updated_at = ${at}
    where project_id = ${projectId} and id = ${targetId} and gate = 'sleeping' and gate_reason = 'fleet_budget'
    returning id`);
  return rows.length > 0;
}

export type WokenBot = { id: string; name: string; personaId: string | null; state: string };

/** Ends the sleep that `bot_budget` caused, also of those paused in it; their owner sets the next think. */
export async function endBudgetSleep(
  tx: Tx,
  projectId: string,
  of: { botId: string } | { personaId: string },
  at: Date,
): Promise<WokenBot[]> {
  const which = 'botId' in of ? sql`id = ${of.botId}` : sql`persona_id = ${of.personaId}`;
  return tx.query<WokenBot>(sql`
    -- end_budget_sleep: gallery_bots_pkey, gallery_bots_persona
    update gallery_bots set state = case when state = 'sleeping' then 'running' else state end, reason = null,
      sleep_until = null, next_think_at = null, generation = generation + 1, updated_at = ${at}
    where project_id = ${projectId} and ${which} and state in ('sleeping', 'paused') and reason = 'bot_budget'
    returning id, name, persona_id as "personaId", state`);
}
