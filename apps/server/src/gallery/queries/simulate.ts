import { type Reader, sql, type Tx } from '#kernel/db';

/** Bots that should run and are not of this drawing, over all projects. */
export async function othersRunning(reader: Reader, projectId: string, seed: number): Promise<number> {
  const [row] = await reader.query<{ n: number }>(sql`
    -- others_running: gallery_bots_wanted
    select count(*)::int as n from gallery_bots
    where desired = 'running' and (project_id <> ${projectId} or target_id <> 'sandbox' or seed_key is distinct from ${seed})`);
  return row?.n ?? 0;
}

/** Other servers that own shards now. */
export async function otherNodes(reader: Reader, nodeId: string): Promise<string[]> {
  const rows = await reader.query<{ owner: string }>(sql`
    -- other_nodes: all 64 rows
    select distinct owner from gallery_shards where owner is not null and owner <> ${nodeId} and expires_at > clock_timestamp()`);
  return rows.map((row) => row.owner);
}

export async function seededBots(
  reader: Reader,
  projectId: string,
  targetId: string,
  seed: number,
  count: number,
): Promise<
  {
    id: string;
    name: string;
    username: string;
    personaId: string | null;
    disclosureLabel: string;
    provision: string;
    vibe: string | null;
  }[]
> {
  return reader.query(sql`
    -- seeded_bots: gallery_bots_seeded
    select b.id, b.name, b.username, b.persona_id as "personaId", b.disclosure_label as "disclosureLabel", b.provision,
      coalesce(b.traits ->> 'vibe', p.body ->> 'vibe') as vibe
    from gallery_bots b left join gallery_personas p on p.project_id = b.project_id and p.id = b.persona_id
    where b.project_id = ${projectId} and b.target_id = ${targetId} and b.seed_key = ${seed} and b.seed_index < ${count}
      and b.state <> 'deleted'
    order by b.seed_index`);
}

export async function provisioned(
  tx: Tx,
  accounts: readonly { id: string; userId: string }[],
  at: Date,
): Promise<void> {
  if (accounts.length === 0) return;
  await tx.query(sql`
    -- provisioned_for_simulation: gallery_bots_pkey
    update gallery_bots b set provision = 'done', provision_detail = null, remote_user_id = a.user_id, updated_at = ${at}
    from unnest(${accounts.map(({ id }) => id)}::text[], ${accounts.map(({ userId }) => userId)}::text[]) a(id, user_id)
    where b.id = a.id`);
}
