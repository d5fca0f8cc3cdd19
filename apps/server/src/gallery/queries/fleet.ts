import type { BotCaps, DesiredState, GalleryBotState, Gate, GateState, ProvisionState } from '@muster/protocol';
import type { FleetRow } from '#gallery/model';
import { type Reader, sql, type Tx } from '#kernel/db';

export type Panic = { by: string; reason: string; at: string };
export type FleetSheet = FleetRow & { panic: Panic | null; version: number };

type RawGate = { gate: GateState; gateUntil: Date | null; gateReason: string | null };
const gateOf = ({ gate, gateUntil, gateReason }: RawGate): Gate => ({
  state: gate,
  until: gateUntil?.getTime() ?? null,
  reason: gateReason,
});

/** Makes what every project of the gallery needs: the row of its fleet and the gallery built in here. */
export async function ensureFleet(tx: Tx, projectId: string, sandboxUrl: string): Promise<void> {
  tx.send(sql`
    -- ensure_fleet: gallery_fleets_pkey
    insert into gallery_fleets (project_id) values (${projectId}) on conflict (project_id) do nothing`);
  await tx.query(sql`
    -- ensure_sandbox: gallery_targets_pkey
    insert into gallery_targets (project_id, id, kind, title, base_url, capabilities, rps, concurrency)
    values (${projectId}, 'sandbox', 'sandbox', 'Sandbox gallery', ${sandboxUrl},
      '{"idempotency": true, "explicitUnlike": true, "upload": true, "execute": true}', 10000, 64)
    on conflict (project_id, id) do update set base_url = excluded.base_url
      where gallery_targets.base_url <> excluded.base_url`);
}

export async function readFleet(reader: Reader, projectId: string): Promise<FleetSheet | undefined> {
  const [raw] = await reader.query<
    RawGate & {
      projectId: string;
      seed: number;
      mind: string | null;
      fallbackMind: string | null;
      botCaps: BotCaps;
      panic: Panic | null;
      version: number;
    }
  >(sql`
    -- read_fleet: gallery_fleets_pkey
    select project_id as "projectId", seed, gate, gate_until as "gateUntil", gate_reason as "gateReason", mind,
      fallback_mind as "fallbackMind", bot_caps as "botCaps", panic, version
    from gallery_fleets where project_id = ${projectId}`);
  if (!raw) return undefined;
  const { gate: _gate, gateUntil: _until, gateReason: _reason, ...rest } = raw;
  return { ...rest, gate: gateOf(raw) };
}

export async function changeFleet(
  tx: Tx,
  projectId: string,
  change: { mind?: string | null | undefined; fallbackMind?: string | null | undefined; seed?: number | undefined },
  at: Date,
): Promise<void> {
  await tx.query(sql`
    -- change_fleet: gallery_fleets_pkey
    update gallery_fleets set
      mind = case when ${change.mind !== undefined} then ${change.mind ?? null}::text else mind end,
      fallback_mind = case when ${change.fallbackMind !== undefined} then ${change.fallbackMind ?? null}::text else fallback_mind end,
      seed = coalesce(${change.seed ?? null}::bigint, seed), version = version + 1, updated_at = ${at}
    where project_id = ${projectId}`);
}

export type TargetGlance = {
  id: string;
  kind: 'sandbox' | 'floimg';
  gate: Gate;
  share: number;
  acknowledged: boolean;
  tokenSet: boolean;
};

export async function readTargets(reader: Reader, projectId: string): Promise<TargetGlance[]> {
  const rows = await reader.query<
    RawGate & { id: string; kind: TargetGlance['kind']; share: number; acknowledged: boolean; tokenSet: boolean }
  >(sql`
    -- read_target_glances: gallery_targets_pkey
    select id, kind, gate, gate_until as "gateUntil", gate_reason as "gateReason", share,
      kind = 'sandbox' or acknowledgement is not null as acknowledged, token is not null as "tokenSet"
    from gallery_targets where project_id = ${projectId} order by id`);
  return rows.map(({ id, kind, share, acknowledged, tokenSet, ...gate }) => ({
    id,
    kind,
    share,
    acknowledged,
    tokenSet,
    gate: gateOf(gate),
  }));
}

export type FleetCount = {
  personaId: string | null;
  targetId: string;
  state: GalleryBotState;
  desired: DesiredState;
  reason: string | null;
  provision: ProvisionState;
  bots: number;
  posts: number;
  comments: number;
  replies: number;
  likes: number;
  browses: number;
  thinks: number;
  costMicros: number;
};

/** All bots of a project, summed over what the fleet's page asks of them. */
export async function countFleet(reader: Reader, projectId: string): Promise<FleetCount[]> {
  return reader.query<FleetCount>(sql`
    -- count_fleet: gallery_bots_project
    select persona_id as "personaId", target_id as "targetId", state, desired, reason, provision, count(*)::int as bots,
      sum(posts)::bigint as posts, sum(comments)::bigint as comments, sum(replies)::bigint as replies,
      sum(likes)::bigint as likes, sum(browses)::bigint as browses, sum(thinks)::bigint as thinks,
      sum(cost_micros)::bigint as "costMicros"
    from gallery_bots where project_id = ${projectId}
    group by persona_id, target_id, state, desired, reason, provision`);
}

/** For the gauge, over all projects. */
export async function countStates(reader: Reader): Promise<{ state: string; bots: number }[]> {
  return reader.query<{ state: string; bots: number }>(sql`
    -- count_gallery_states: a scan of the table, once a minute at most
    select state, count(*)::int as bots from gallery_bots group by state`);
}

/** Over all projects. */
/** Shards that some node holds now: bots of the others have no owner. */
export async function readOwnedShards(reader: Reader): Promise<Set<number>> {
  const rows = await reader.query<{ shard: number }>(sql`
    -- read_owned_shards: all of gallery_shards, 64 rows
    select shard from gallery_shards where expires_at > clock_timestamp()`);
  return new Set(rows.map(({ shard }) => shard));
}

/** Where somebody lives who would notice. */
export async function projectsWithBots(reader: Reader): Promise<string[]> {
  const rows = await reader.query<{ projectId: string }>(sql`
    -- projects_with_bots: gallery_bots_project, once for each fleet
    select f.project_id as "projectId" from gallery_fleets f
    where exists (select 1 from gallery_bots b where b.project_id = f.project_id and b.desired = 'running')`);
  return rows.map(({ projectId }) => projectId);
}

export async function lowestShares(reader: Reader): Promise<{ id: string; share: number }[]> {
  return reader.query<{ id: string; share: number }>(sql`
    -- lowest_shares: all of the few rows
    select id, min(share) as share from gallery_targets group by id order by id limit 100`);
}

/** Which of these names on a target are bots of ours. */
export async function botsAmong(
  reader: Reader,
  projectId: string,
  targetId: string,
  usernames: readonly string[],
): Promise<Set<string>> {
  const rows = await reader.query<{ username: string }>(sql`
    -- bots_among: gallery_bots_username
    select username from gallery_bots
    where project_id = ${projectId} and target_id = ${targetId} and username = any((select ${usernames}::text[])::text[])`);
  return new Set(rows.map(({ username }) => username));
}
