import type { Gate } from '@muster/protocol';
import { type Reader, sql, type Tx } from '#kernel/db';

const time = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));

/**
 * Shuts the gate of a target for what the loop met. A gate that says more already (held over sleeping over tripped) stays;
 * answers whether this moved it.
 */
export async function shutTarget(
  tx: Tx,
  projectId: string,
  targetId: string,
  gate: Gate,
  at: number,
): Promise<boolean> {
  const weaker =
    gate.state === 'held'
      ? ['open', 'tripped', 'sleeping']
      : gate.state === 'sleeping'
        ? ['open', 'tripped']
        : ['open'];
  const rows = await tx.query(sql`
    -- shut_target: gallery_targets_pkey
    update gallery_targets set gate = ${gate.state}, gate_until = ${time(gate.until)}, gate_reason = ${gate.reason},
      updated_at = ${time(at)}
    where project_id = ${projectId} and id = ${targetId} and gate = any(${weaker}::text[])
    returning id`);
  return rows.length > 0;
}

/** The same for a fleet, whose gate a person may hold: that is never moved by a budget. */
export async function shutFleet(tx: Tx, projectId: string, gate: Gate, at: number): Promise<boolean> {
  const weaker = gate.state === 'held' ? ['open', 'tripped', 'sleeping'] : ['open'];
  const rows = await tx.query(sql`
    -- shut_fleet: gallery_fleets_pkey
    update gallery_fleets set gate = ${gate.state}, gate_until = ${time(gate.until)}, gate_reason = ${gate.reason},
      updated_at = ${time(at)}
    where project_id = ${projectId} and gate = any(${weaker}::text[])
    returning project_id`);
  return rows.length > 0;
}

export type OpenedGate = { projectId: string; targetId: string | null };

/** Sleeping gates whose time is over. Whoever is first writes; the others find nothing. */
export async function openSlept(tx: Tx, at: number): Promise<OpenedGate[]> {
  return tx.query<OpenedGate>(sql`
    -- open_slept_gates: all of gallery_targets and gallery_fleets, a few rows for each project
    with targets as (
      update gallery_targets set gate = 'open', gate_until = null, gate_reason = null, updated_at = ${time(at)}
      where gate = 'sleeping' and gate_until <= ${time(at)}
      returning project_id, id
    ), fleets as (
      update gallery_fleets set gate = 'open', gate_until = null, gate_reason = null, updated_at = ${time(at)}
      where gate = 'sleeping' and gate_until <= ${time(at)}
      returning project_id
    )
    select project_id as "projectId", id as "targetId" from targets
    union all select project_id, null from fleets`);
}

/** The right to try tripped targets whose pause is over: `until` moves on, so that one node tries. */
export async function takeProbes(
  tx: Tx,
  at: number,
  until: number,
): Promise<{ projectId: string; targetId: string }[]> {
  return tx.query<{ projectId: string; targetId: string }>(sql`
    -- take_probes: all of gallery_targets, a few rows for each project
    update gallery_targets set gate_until = ${time(until)}
    where gate = 'tripped' and (gate_until is null or gate_until <= ${time(at)})
    returning project_id as "projectId", id as "targetId"`);
}

/** After a probe: opens a tripped gate, or leaves it shut for longer. False when somebody moved it meanwhile. */
export async function endProbe(
  tx: Tx,
  projectId: string,
  targetId: string,
  end: { open: true } | { open: false; until: number },
  at: number,
): Promise<boolean> {
  const rows = await tx.query(sql`
    -- end_probe: gallery_targets_pkey
    update gallery_targets set gate = ${end.open ? 'open' : 'tripped'},
      gate_until = ${end.open ? null : time(end.until)},
      gate_reason = case when ${end.open}::boolean then null else gate_reason end, updated_at = ${time(at)}
    where project_id = ${projectId} and id = ${targetId} and gate = 'tripped'
    returning id`);
  return rows.length > 0;
}

/** What a person says of a target's gate. False when it was so already. */
export async function setTargetGate(
  tx: Tx,
  given: { projectId: string; targetId: string; state: 'open' | 'held'; reason: string | null; at: number },
): Promise<'set' | 'same' | 'missing'> {
  const [row] = await tx.query<{ moved: boolean }>(sql`
    -- set_target_gate: gallery_targets_pkey
    with found as materialized (
      select project_id, id, gate from gallery_targets
      where project_id = ${given.projectId} and id = ${given.targetId} for update
    ), moved as (
      update gallery_targets t set gate = ${given.state}, gate_until = null,
        gate_reason = ${given.state === 'held' ? (given.reason ?? 'target_held') : null}, version = t.version + 1,
        updated_at = ${time(given.at)}
      from found where t.project_id = found.project_id and t.id = found.id and found.gate <> ${given.state}
      returning t.id
    )
    select exists (select 1 from moved) as moved from found`);
  return row ? (row.moved ? 'set' : 'same') : 'missing';
}

export async function panicFleet(tx: Tx, projectId: string, by: string, reason: string, at: number): Promise<boolean> {
  const rows = await tx.query(sql`
    -- panic_fleet: gallery_fleets_pkey
    update gallery_fleets set gate = 'held', gate_until = null, gate_reason = 'panic', version = version + 1,
      panic = ${JSON.stringify({ by, reason, at: new Date(at).toISOString() })}::jsonb, updated_at = ${time(at)}
    where project_id = ${projectId}
    returning project_id`);
  return rows.length > 0;
}

/** False when there is no such fleet. */
export async function releaseFleet(tx: Tx, projectId: string, at: number): Promise<boolean> {
  const rows = await tx.query(sql`
    -- release_fleet: gallery_fleets_pkey
    update gallery_fleets set gate = 'open', gate_until = null, gate_reason = null, panic = null, version = version + 1,
      updated_at = ${time(at)}
    where project_id = ${projectId}
    returning project_id`);
  return rows.length > 0;
}

/** All bots of a project that run, sleep or rest, as one by one `pause` would; answers how many. */
export async function pauseAll(tx: Tx, projectId: string, at: number): Promise<number> {
  const rows = await tx.query(sql`
    -- pause_all_bots: gallery_bots_project
    update gallery_bots set desired = 'paused', state = 'paused', retry_at = null, next_think_at = null,
      reason = case when sleep_until > ${time(at)} then reason end,
      sleep_until = case when sleep_until > ${time(at)} then sleep_until end,
      generation = generation + 1, updated_at = ${time(at)}
    where project_id = ${projectId} and desired = 'running' and state in ('running', 'sleeping', 'error')
    returning id`);
  return rows.length;
}

/** Bots that would act were the gate open. */
export async function countRunning(reader: Reader, projectId: string): Promise<number> {
  const [row] = await reader.query<{ bots: number }>(sql`
    -- count_running_bots: gallery_bots_project
    select count(*)::int as bots from gallery_bots where project_id = ${projectId} and desired = 'running'
      and state in ('running', 'sleeping', 'error')`);
  return row?.bots ?? 0;
}

/** Acts that are on the wire, or were when their process ended. */
export async function readOpenActs(
  reader: Reader,
  projectId: string,
  limit: number,
): Promise<{ botId: string; thoughtId: string; kind: string }[]> {
  return reader.query<{ botId: string; thoughtId: string; kind: string }>(sql`
    -- read_open_acts: gallery_actions_open
    select bot_id as "botId", thought_id as "thoughtId", kind from gallery_actions
    where project_id = ${projectId} and state = 'open' order by opened_at limit ${limit}`);
}

/** The share of a target, if it still is what it was worked out from. */
export async function moveShare(
  tx: Tx,
  given: { projectId: string; targetId: string; from: number; to: number; at: number },
): Promise<boolean> {
  const rows = await tx.query(sql`
    -- move_share: gallery_targets_pkey
    update gallery_targets set share = ${given.to}::real, updated_at = ${time(given.at)}
    where project_id = ${given.projectId} and id = ${given.targetId} and phase_out is not null
      and share = ${given.from}::real
    returning id`);
  return rows.length > 0;
}
