import type { Gate, GateState, PhaseOut, TargetCapabilities } from '@muster/protocol';
import type { TargetRow } from '#gallery/model';
import { type Reader, sql, type Tx } from '#kernel/db';

export type Acknowledgement = { by: string; host: string; at: string; textVersion: number };
export type TargetHealth = { checkedAt: string; ok: boolean; detail: string };

/** A row of `gallery_targets`, whole. Secrets are sealed. */
export type TargetSheet = TargetRow & {
  token: Buffer | null;
  legacySecret: Buffer | null;
  acknowledgement: Acknowledgement | null;
  health: TargetHealth | null;
  fromEnvironment: boolean;
  version: number;
  createdAt: number;
  updatedAt: number;
};

type RawTarget = Omit<TargetSheet, 'gate' | 'acknowledged' | 'createdAt' | 'updatedAt'> & {
  gateState: GateState;
  gateUntil: Date | null;
  gateReason: string | null;
  createdAt: Date;
  updatedAt: Date;
};

const sheetOf = ({ gateState, gateUntil, gateReason, createdAt, updatedAt, ...raw }: RawTarget): TargetSheet => {
  const gate: Gate = { state: gateState, until: gateUntil?.getTime() ?? null, reason: gateReason };
  const acknowledged = raw.kind === 'sandbox' || raw.acknowledgement !== null;
  return { ...raw, acknowledged, gate, createdAt: createdAt.getTime(), updatedAt: updatedAt.getTime() };
};

const columns = sql`
  project_id as "projectId", id, kind, title, base_url as "baseUrl", token, legacy_secret as "legacySecret", dialect,
  capabilities, rps, concurrency, quiet_list as "quietList", banned, caption_footer as "captionFooter",
  deprovision_on_delete as "deprovisionOnDelete", phase_out as "phaseOut", share, acknowledgement, gate as "gateState",
  gate_until as "gateUntil", gate_reason as "gateReason", health, from_environment as "fromEnvironment", version,
  created_at as "createdAt", updated_at as "updatedAt"`;

export async function readTarget(reader: Reader, projectId: string, id: string): Promise<TargetSheet | undefined> {
  const [raw] = await reader.query<RawTarget>(sql`
    -- read_target: gallery_targets_pkey
    select ${columns} from gallery_targets where project_id = ${projectId} and id = ${id}`);
  return raw && sheetOf(raw);
}

/** Held until the transaction ends, so that what was checked still holds when it is written. */
export async function lockTarget(tx: Tx, projectId: string, id: string): Promise<TargetSheet | undefined> {
  const [raw] = await tx.query<RawTarget>(sql`
    -- lock_target: gallery_targets_pkey
    select ${columns} from gallery_targets where project_id = ${projectId} and id = ${id} for update`);
  return raw && sheetOf(raw);
}

/** Targets of a project after an id, in order of their ids. */
export async function listTargets(
  reader: Reader,
  projectId: string,
  after: string,
  limit: number,
): Promise<TargetSheet[]> {
  const rows = await reader.query<RawTarget>(sql`
    -- list_targets: gallery_targets_pkey
    select ${columns} from gallery_targets where project_id = ${projectId} and id > ${after} order by id limit ${limit}`);
  return rows.map(sheetOf);
}

export type NewTarget = {
  projectId: string;
  id: string;
  title: string;
  baseUrl: string;
  token: Uint8Array | null;
  legacySecret: Uint8Array | null;
  dialect: TargetRow['dialect'];
  capabilities: TargetCapabilities;
  rps: number;
  concurrency: number;
  quietList: readonly string[];
  banned: readonly string[];
  captionFooter: string | null;
  deprovisionOnDelete: boolean;
  phaseOut: PhaseOut | null;
  share: number;
  acknowledgement: Acknowledgement | null;
  fromEnvironment: boolean;
  at: Date;
};

/** `undefined`: the id is taken. */
export async function insertTarget(tx: Tx, target: NewTarget): Promise<TargetSheet | undefined> {
  const [raw] = await tx.query<RawTarget>(sql`
    -- insert_target: gallery_targets_pkey
    insert into gallery_targets (project_id, id, kind, title, base_url, token, legacy_secret, dialect, capabilities, rps,
      concurrency, quiet_list, banned, caption_footer, deprovision_on_delete, phase_out, share, acknowledgement,
      from_environment, created_at, updated_at)
    values (${target.projectId}, ${target.id}, 'floimg', ${target.title}, ${target.baseUrl}, ${target.token},
      ${target.legacySecret}, ${target.dialect}, ${JSON.stringify(target.capabilities)}::jsonb, ${target.rps},
      ${target.concurrency}, ${target.quietList}::text[], ${target.banned}::text[], ${target.captionFooter},
      ${target.deprovisionOnDelete}, ${target.phaseOut && JSON.stringify(target.phaseOut)}::jsonb, ${target.share},
      ${target.acknowledgement && JSON.stringify(target.acknowledgement)}::jsonb, ${target.fromEnvironment},
      ${target.at}, ${target.at})
    on conflict (project_id, id) do nothing
    returning ${columns}`);
  return raw && sheetOf(raw);
}

export type ChangedTarget = Pick<
  TargetSheet,
  | 'projectId'
  | 'id'
  | 'title'
  | 'baseUrl'
  | 'dialect'
  | 'capabilities'
  | 'rps'
  | 'concurrency'
  | 'quietList'
  | 'banned'
  | 'captionFooter'
  | 'deprovisionOnDelete'
  | 'phaseOut'
  | 'share'
  | 'acknowledgement'
  | 'health'
> & { token: Uint8Array | null; legacySecret: Uint8Array | null; at: Date };

/** Writes everything of a locked row but its gate, which has an owner of its own. */
export async function updateTarget(tx: Tx, target: ChangedTarget): Promise<TargetSheet | undefined> {
  const [raw] = await tx.query<RawTarget>(sql`
    -- update_target: gallery_targets_pkey
    update gallery_targets set title = ${target.title}, base_url = ${target.baseUrl}, token = ${target.token},
      legacy_secret = ${target.legacySecret}, dialect = ${target.dialect},
      capabilities = ${JSON.stringify(target.capabilities)}::jsonb, rps = ${target.rps},
      concurrency = ${target.concurrency}, quiet_list = ${target.quietList}::text[], banned = ${target.banned}::text[],
      caption_footer = ${target.captionFooter}, deprovision_on_delete = ${target.deprovisionOnDelete},
      phase_out = ${target.phaseOut && JSON.stringify(target.phaseOut)}::jsonb, share = ${target.share},
      acknowledgement = ${target.acknowledgement && JSON.stringify(target.acknowledgement)}::jsonb,
      health = ${target.health && JSON.stringify(target.health)}::jsonb, version = version + 1, updated_at = ${target.at}
    where project_id = ${target.projectId} and id = ${target.id}
    returning ${columns}`);
  return raw && sheetOf(raw);
}

/** What a check found. Not a change of the target: its version stays. */
export function writeHealth(
  tx: Tx,
  found: { projectId: string; id: string; health: TargetHealth; capabilities: TargetCapabilities },
): void {
  tx.send(sql`
    -- write_target_health: gallery_targets_pkey
    update gallery_targets set health = ${JSON.stringify(found.health)}::jsonb,
      capabilities = ${JSON.stringify(found.capabilities)}::jsonb
    where project_id = ${found.projectId} and id = ${found.id}`);
}

/** `false`: bots live there, or it is not there. The foreign key of `gallery_bots` guards the moment in between. */
export async function deleteTarget(tx: Tx, projectId: string, id: string): Promise<boolean> {
  const rows = await tx.query(sql`
    -- delete_target: gallery_targets_pkey, gallery_bots_username
    delete from gallery_targets t where t.project_id = ${projectId} and t.id = ${id}
      and not exists (select 1 from gallery_bots b where b.project_id = t.project_id and b.target_id = t.id)
    returning 1`);
  return rows.length > 0;
}
