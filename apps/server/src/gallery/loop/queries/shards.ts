import { type Reader, sql, type Tx } from '#kernel/db';

export type HeldShard = { shard: number; term: bigint };
type RawShard = { shard: number; term: number };
const heldOf = ({ shard, term }: RawShard): HeldShard => ({ shard, term: BigInt(term) });

export async function ensureShards(tx: Tx, count: number): Promise<void> {
  await tx.query(sql`
    -- ensure_shards: gallery_shards_pkey
    insert into gallery_shards (shard) select generate_series(0, ${count - 1}::int) on conflict (shard) do nothing`);
}

/**
 * Takes those of `wanted` that nobody holds, each under its next term. `ownToo`: also those that this node held when it
 * ended; nobody else has its name. Rows that somebody else is taking at this moment are left to them.
 */
export async function claimShards(
  tx: Tx,
  given: { owner: string; wanted: readonly number[]; leaseMs: number; ownToo: boolean },
): Promise<HeldShard[]> {
  const rows = await tx.query<RawShard>(sql`
    -- claim_shards: gallery_shards_pkey
    with free as materialized (
      select shard from gallery_shards
      where shard = any(${given.wanted}::int[])
        and (owner is null or expires_at <= clock_timestamp() or (${given.ownToo}::boolean and owner = ${given.owner}))
      order by shard for update skip locked
    )
    update gallery_shards s set owner = ${given.owner}, term = s.term + 1,
      expires_at = clock_timestamp() + ${given.leaseMs} * interval '1 ms'
    from free where s.shard = free.shard
    returning s.shard, s.term`);
  return rows.map(heldOf);
}

/** Answers the shards that are still held under the very terms given; the others are lost. */
export async function renewShards(tx: Tx, held: readonly HeldShard[], leaseMs: number): Promise<number[]> {
  const rows = await tx.query<{ shard: number }>(sql`
    -- renew_shards: gallery_shards_pkey
    update gallery_shards s set expires_at = clock_timestamp() + ${leaseMs} * interval '1 ms'
    from unnest(${held.map(({ shard }) => shard)}::int[], ${held.map(({ term }) => term)}::bigint[]) mine(shard, term)
    where s.shard = mine.shard and s.term = mine.term and s.expires_at > clock_timestamp()
    returning s.shard`);
  return rows.map((row) => row.shard);
}

export async function releaseShards(tx: Tx, held: readonly HeldShard[]): Promise<void> {
  await tx.query(sql`
    -- release_shards: gallery_shards_pkey
    update gallery_shards s set owner = null, expires_at = '-infinity'
    from unnest(${held.map(({ shard }) => shard)}::int[], ${held.map(({ term }) => term)}::bigint[]) mine(shard, term)
    where s.shard = mine.shard and s.term = mine.term`);
}

/** Nodes that hold a shard at this moment. */
export async function readOwners(reader: Reader): Promise<string[]> {
  const rows = await reader.query<{ owner: string }>(sql`
    -- read_shard_owners: all 64 rows of gallery_shards
    select distinct owner from gallery_shards where owner is not null and expires_at > clock_timestamp() order by owner`);
  return rows.map((row) => row.owner);
}

/** Shards that nobody holds. */
export async function readFree(reader: Reader): Promise<number[]> {
  const rows = await reader.query<{ shard: number }>(sql`
    -- read_free_shards: all 64 rows of gallery_shards
    select shard from gallery_shards where owner is null or expires_at <= clock_timestamp() order by shard`);
  return rows.map((row) => row.shard);
}
