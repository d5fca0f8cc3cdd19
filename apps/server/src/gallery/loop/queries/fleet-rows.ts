import type { GateState, Persona } from '@muster/protocol';
import type { FleetRow, PersonaRow, TargetRow } from '#gallery/model';
import { type Reader, sql } from '#kernel/db';

type RawGate = { gate: GateState; gateUntil: Date | null; gateReason: string | null };
type Raw<Row extends { gate: unknown }> = Omit<Row, 'gate'> & RawGate;

/** All fleets, over all projects: a handful of rows. */
export async function readFleetRows(reader: Reader): Promise<FleetRow[]> {
  const rows = await reader.query<Raw<FleetRow>>(sql`
    -- read_fleet_rows: all of gallery_fleets, one row for each project
    select project_id as "projectId", seed, gate, gate_until as "gateUntil", gate_reason as "gateReason", mind,
      fallback_mind as "fallbackMind", bot_caps as "botCaps"
    from gallery_fleets order by project_id`);
  return rows.map(withGate<FleetRow>);
}

export async function readTargetRows(reader: Reader): Promise<TargetRow[]> {
  const rows = await reader.query<Raw<TargetRow>>(sql`
    -- read_target_rows: all of gallery_targets, a few rows for each project
    select project_id as "projectId", id, kind, title, base_url as "baseUrl", dialect, capabilities, rps, concurrency,
      quiet_list as "quietList", banned, caption_footer as "captionFooter",
      deprovision_on_delete as "deprovisionOnDelete", phase_out as "phaseOut", share,
      kind = 'sandbox' or acknowledgement is not null as acknowledged,
      gate, gate_until as "gateUntil", gate_reason as "gateReason"
    from gallery_targets order by project_id, id`);
  return rows.map(withGate<TargetRow>);
}

function withGate<Row extends { gate: unknown }>({ gate, gateUntil, gateReason, ...rest }: Raw<Row>): Row {
  // Omit and the gate put back are the row again; the compiler cannot see that through the type parameter.
  return { ...rest, gate: { state: gate, until: gateUntil?.getTime() ?? null, reason: gateReason } } as unknown as Row;
}

export type PersonaVersion = { projectId: string; id: string; version: number };

export async function readPersonaVersions(reader: Reader): Promise<PersonaVersion[]> {
  return reader.query<PersonaVersion>(sql`
    -- read_persona_versions: all of gallery_personas without their bodies
    select project_id as "projectId", id, version from gallery_personas`);
}

export async function readPersonaRows(
  reader: Reader,
  wanted: readonly PersonaVersion[],
): Promise<(PersonaRow & { projectId: string })[]> {
  return reader.query<{ projectId: string; id: string; version: number; body: Persona; builtIn: boolean }>(sql`
    -- read_persona_rows: gallery_personas_pkey
    select p.project_id as "projectId", p.id, p.version, p.body, p.built_in as "builtIn"
    from unnest(${wanted.map((one) => one.projectId)}::text[], ${wanted.map((one) => one.id)}::text[]) w(project_id, id)
    join gallery_personas p on p.project_id = w.project_id and p.id = w.id`);
}
