import { type Statement, sql } from '#kernel/db';

/*
 * Guards that every write of a think carries (I4). They are conditions of the write itself, not locks: an `open` row that
 * a dead term committed in the same instant is found by the owner of the next one (verification.ts).
 */

/** True while the shard is held under this term and its lease has not run out. Both may be values or parts of statements. */
export function holds(shard: number | Statement, term: bigint | Statement): Statement {
  return sql`exists (select 1 from gallery_shards held
    where held.shard = ${shard} and held.term = ${term} and held.expires_at > clock_timestamp())`;
}

/** True while neither the fleet nor the target is shut, and the target may be acted on. For the commit that opens an act. */
export function gatesOpen(projectId: string | Statement, targetId: string | Statement): Statement {
  return sql`exists (select 1 from gallery_targets target join gallery_fleets fleet on fleet.project_id = target.project_id
    where target.project_id = ${projectId} and target.id = ${targetId} and target.gate = 'open' and fleet.gate = 'open'
      and (target.kind = 'sandbox' or target.acknowledgement is not null))`;
}
