import type { Scope } from '@muster/protocol';
import { type Reader, sql, type Tx } from '#kernel/db';
import type { ApiKeyRow, RunTokenClaim, RunTokenKind } from './auth.ts';

export type KeyRecord = {
  id: string;
  projectId: string;
  name: string;
  scopes: Scope[];
  addresses: string[];
  secretHash: Uint8Array;
  previousHash: Uint8Array | null;
  revoked: boolean;
  expired: boolean;
  /** By the database's clock; null = no end. */
  endsInMs: number | null;
  fromEnvironment: boolean;
};

/** One key with the answers only the database's clock can give. */
export async function findKey(reader: Reader, shortId: string): Promise<KeyRecord | undefined> {
  const rows = await reader.query<KeyRecord>(sql`
    -- find_key: unique (short_id)
    select id, project_id as "projectId", name, scopes, addresses, secret_hash as "secretHash",
      case when previous_until > now() then previous_hash end as "previousHash",
      revoked_at is not null as revoked, coalesce(expires_at <= now(), false) as expired,
      extract(epoch from least(expires_at, case when previous_until > now() then previous_until end) - now())::float8 * 1000 as "endsInMs",
      environment_name is not null as "fromEnvironment"
    from api_keys where short_id = ${shortId}`);
  return rows[0];
}

export async function insertKey(
  tx: Tx,
  key: {
    id: string;
    projectId: string;
    name: string;
    shortId: string;
    scopes: readonly Scope[];
    secretHash: Uint8Array;
    addresses: readonly string[];
    createdBy: string;
    expiresAt: Date | null;
  },
): Promise<ApiKeyRow> {
  const rows = await tx.query<ApiKeyRow>(sql`
    -- insert_key: primary key
    insert into api_keys (id, project_id, name, short_id, scopes, secret_hash, addresses, created_by, expires_at)
    values (${key.id}, ${key.projectId}, ${key.name}, ${key.shortId}, ${key.scopes}, ${key.secretHash}, ${key.addresses}, ${key.createdBy}, ${key.expiresAt})
    returning id, project_id as "projectId", name, scopes, addresses, created_by as "createdBy", created_at as "createdAt", expires_at as "expiresAt",
      last_used_at as "lastUsedAt", last_used_address as "lastUsedFrom", 'mst_' || short_id as start, revoked_at as "revokedAt", previous_until as "previousUntil", environment_name is not null as "fromEnvironment"`);
  return one(rows);
}

export async function listKeys(
  reader: Reader,
  projectId: string,
  before: string | null,
  limit: number,
): Promise<ApiKeyRow[]> {
  return reader.query<ApiKeyRow>(sql`
    -- list_keys: index api_keys_project (project_id, id desc)
    select id, project_id as "projectId", name, scopes, addresses, created_by as "createdBy", created_at as "createdAt", expires_at as "expiresAt",
      last_used_at as "lastUsedAt", last_used_address as "lastUsedFrom", 'mst_' || short_id as start, revoked_at as "revokedAt", previous_until as "previousUntil", environment_name is not null as "fromEnvironment"
    from api_keys where project_id = ${projectId} and (${before}::text is null or id < ${before})
    order by id desc limit ${limit}`);
}

export async function hasKey(reader: Reader, projectId: string, keyId: string): Promise<boolean> {
  const rows = await reader.query(sql`
    -- has_key: primary key
    select 1 from api_keys where id = ${keyId} and project_id = ${projectId}`);
  return rows.length > 0;
}

export async function lockKey(
  tx: Tx,
  projectId: string,
  keyId: string,
): Promise<{ row: ApiKeyRow; shortId: string | null } | undefined> {
  const rows = await tx.query<ApiKeyRow & { shortId: string | null }>(sql`
    -- lock_key: primary key
    select id, project_id as "projectId", name, scopes, addresses, created_by as "createdBy", created_at as "createdAt", expires_at as "expiresAt",
      last_used_at as "lastUsedAt", last_used_address as "lastUsedFrom", 'mst_' || short_id as start, revoked_at as "revokedAt", previous_until as "previousUntil", environment_name is not null as "fromEnvironment",
      short_id as "shortId"
    from api_keys where id = ${keyId} and project_id = ${projectId} for update`);
  const [found] = rows;
  if (!found) return undefined;
  const { shortId, ...row } = found;
  return { row, shortId };
}

export async function replaceSecret(
  tx: Tx,
  keyId: string,
  secretHash: Uint8Array,
  overlapMs: number,
): Promise<ApiKeyRow> {
  const rows = await tx.query<ApiKeyRow>(sql`
    -- replace_secret: primary key
    update api_keys set secret_hash = ${secretHash},
      previous_hash = case when ${overlapMs}::float8 > 0 then secret_hash end,
      previous_until = case when ${overlapMs}::float8 > 0 then now() + ${overlapMs}::float8 * interval '1 millisecond' end
    where id = ${keyId} and revoked_at is null
    returning id, project_id as "projectId", name, scopes, addresses, created_by as "createdBy", created_at as "createdAt", expires_at as "expiresAt",
      last_used_at as "lastUsedAt", last_used_address as "lastUsedFrom", 'mst_' || short_id as start, revoked_at as "revokedAt", previous_until as "previousUntil", environment_name is not null as "fromEnvironment"`);
  return one(rows);
}

export async function setRevoked(tx: Tx, keyId: string): Promise<ApiKeyRow> {
  const rows = await tx.query<ApiKeyRow>(sql`
    -- set_revoked: primary key
    update api_keys set revoked_at = coalesce(revoked_at, now()), previous_hash = null, previous_until = null
    where id = ${keyId}
    returning id, project_id as "projectId", name, scopes, addresses, created_by as "createdBy", created_at as "createdAt", expires_at as "expiresAt",
      last_used_at as "lastUsedAt", last_used_address as "lastUsedFrom", 'mst_' || short_id as start, revoked_at as "revokedAt", previous_until as "previousUntil", environment_name is not null as "fromEnvironment"`);
  return one(rows);
}

/** The row stands for the variable, whatever its value: what a key did stays under one id over changes of its secret. */
export async function upsertEnvironmentKey(
  tx: Tx,
  key: { id: string; projectId: string; environmentName: string; scopes: readonly Scope[]; secretHash: Uint8Array },
): Promise<{ id: string }> {
  const rows = await tx.query<{ id: string }>(sql`
    -- upsert_environment_key: unique (environment_name)
    insert into api_keys (id, project_id, name, environment_name, scopes, secret_hash, created_by)
    values (${key.id}, ${key.projectId}, ${key.environmentName}, ${key.environmentName}, ${key.scopes}, ${key.secretHash}, 'environment')
    on conflict (environment_name) do update set secret_hash = excluded.secret_hash, scopes = excluded.scopes, revoked_at = null
    returning id`);
  return one(rows);
}

/** Keys of variables that are no longer set. */
export async function revokeAbsentEnvironmentKeys(tx: Tx, present: readonly string[]): Promise<void> {
  await tx.query(sql`
    -- revoke_absent_environment_keys: unique (environment_name); a handful of rows
    update api_keys set revoked_at = now()
    where environment_name is not null and revoked_at is null and environment_name <> all(${present})`);
}

/** One starter at a time decides whether a first key is needed. */
export async function lockFirstKey(tx: Tx): Promise<void> {
  await tx.query(sql`
    -- lock_first_key: no table
    select pg_advisory_xact_lock(hashtext('muster.first_key'))`);
}

export async function hasAdminKey(reader: Reader): Promise<boolean> {
  const rows = await reader.query(sql`
    -- has_admin_key: sequential, asked once per start
    select 1 from api_keys
    where 'accounts:admin' = any(scopes) and revoked_at is null and (expires_at is null or expires_at > now()) limit 1`);
  return rows.length > 0;
}

export function insertRunTokens(tx: Tx, tokens: readonly { claim: RunTokenClaim; secretHash: Uint8Array }[]): void {
  const claims = tokens.map(({ claim }) => claim);
  const subjects = claims.map(({ subject }) => subject);
  tx.send(sql`
    -- insert_run_tokens: primary key
    insert into run_tokens (secret_hash, kind, project_id, worker_id, build_id, term, expires_at)
    select * from unnest(${tokens.map(({ secretHash }) => secretHash)}::bytea[], ${claims.map(({ kind }) => kind)}::text[],
      ${claims.map(({ projectId }) => projectId)}::text[], ${subjects.map(({ workerId }) => workerId ?? null)}::text[],
      ${subjects.map(({ buildId }) => buildId ?? null)}::text[], ${subjects.map(({ term }) => term ?? null)}::bigint[],
      ${claims.map(({ expiresAt }) => expiresAt ?? null)}::timestamptz[])`);
}

export type RunTokenRecord = {
  kind: RunTokenKind;
  projectId: string;
  workerId: string | null;
  buildId: string | null;
  term: number | null;
  expired: boolean;
  endsInMs: number | null;
};

export async function findRunToken(reader: Reader, secretHash: Uint8Array): Promise<RunTokenRecord | undefined> {
  const rows = await reader.query<RunTokenRecord>(sql`
    -- find_run_token: primary key
    select kind, project_id as "projectId", worker_id as "workerId", build_id as "buildId", term,
      coalesce(expires_at <= now(), false) as expired, extract(epoch from expires_at - now())::float8 * 1000 as "endsInMs"
    from run_tokens where secret_hash = ${secretHash}`);
  return rows[0];
}

/** Ends what is still valid longer than that; never makes a token live longer. */
export function endBuildTokens(tx: Tx, buildId: string, term: number | null, afterMs: number): void {
  tx.send(sql`
    -- end_build_tokens: index run_tokens_build (build_id, term)
    update run_tokens set expires_at = now() + ${afterMs}::float8 * interval '1 millisecond'
    where build_id = ${buildId} and (${term}::bigint is null or term = ${term})
      and (expires_at is null or expires_at > now() + ${afterMs}::float8 * interval '1 millisecond')`);
}

/** The same for many attempts. */
export function endAttemptTokens(
  tx: Tx,
  attempts: readonly { buildId: string; term: number }[],
  afterMs: number,
): void {
  tx.send(sql`
    -- end_attempt_tokens: index run_tokens_build (build_id, term)
    update run_tokens set expires_at = now() + ${afterMs}::float8 * interval '1 millisecond'
    from unnest((select ${attempts.map(({ buildId }) => buildId)}::text[]), (select ${attempts.map(({ term }) => term)}::bigint[])) ended(build_id, term)
    where run_tokens.build_id = ended.build_id and run_tokens.term = ended.term
      and (expires_at is null or expires_at > now() + ${afterMs}::float8 * interval '1 millisecond')`);
}

/** The same for a worker's own tokens; those of its attempts end with the attempts. */
export function endWorkerTokens(tx: Tx, workerId: string, afterMs: number): void {
  tx.send(sql`
    -- end_worker_tokens: index run_tokens_worker (worker_id)
    update run_tokens set expires_at = now() + ${afterMs}::float8 * interval '1 millisecond'
    where worker_id = ${workerId} and build_id is null
      and (expires_at is null or expires_at > now() + ${afterMs}::float8 * interval '1 millisecond')`);
}

/** Tokens that ended more than a day ago: late callers still hear `expired`, not `wrong`, for that long. */
export async function sweepRunTokens(tx: Tx, rows: number): Promise<number> {
  const gone = await tx.query(sql`
    -- sweep_run_tokens: index run_tokens_expiry
    delete from run_tokens where secret_hash = any (array(
      select secret_hash from run_tokens where expires_at < now() - interval '1 day' order by expires_at limit ${rows} for update skip locked))
    returning 1`);
  return gone.length;
}

export type MakerRecord = {
  projectId: string;
  scopes: Scope[];
  revoked: boolean;
  expired: boolean;
  endsInMs: number | null;
  keyEpoch: number;
  endUserEpoch: number;
};

/** What browser tokens of a key stand on: the key as it is now, and what was revoked. */
export async function findMaker(
  reader: Reader,
  keyId: string,
  keySubject: string,
  endUserSubject: string | null,
): Promise<MakerRecord | undefined> {
  const rows = await reader.query<MakerRecord>(sql`
    -- find_maker: primary keys of api_keys and browser_token_epochs
    select k.project_id as "projectId", k.scopes, k.revoked_at is not null as revoked, coalesce(k.expires_at <= now(), false) as expired,
      extract(epoch from k.expires_at - now())::float8 * 1000 as "endsInMs",
      coalesce((select epoch from browser_token_epochs e where e.project_id = k.project_id and e.subject = ${keySubject}), 0) as "keyEpoch",
      coalesce((select epoch from browser_token_epochs e where e.project_id = k.project_id and e.subject = ${endUserSubject}), 0) as "endUserEpoch"
    from api_keys k where k.id = ${keyId}`);
  return rows[0];
}

/** Epochs are times of the database, so that a swept one can never come again. */
export async function raiseEpoch(tx: Tx, projectId: string, subject: string): Promise<void> {
  await tx.query(sql`
    -- raise_epoch: primary key
    insert into browser_token_epochs as e (project_id, subject, epoch)
    values (${projectId}, ${subject}, (extract(epoch from clock_timestamp()) * 1000)::bigint)
    on conflict (project_id, subject) do update set epoch = greatest(e.epoch + 1, excluded.epoch), raised_at = now()`);
}

/** No token is older than two days: renewal ends a day after birth, and a life has a day at most. */
export async function sweepEpochs(tx: Tx): Promise<void> {
  await tx.query(sql`
    -- sweep_epochs: sequential; as many rows as users were revoked in three days, asked once an hour
    delete from browser_token_epochs where raised_at < now() - interval '3 days'`);
}

function one<T>(rows: readonly T[]): T {
  const [row] = rows;
  if (row === undefined) throw new Error('invariant broken: a statement that returns its row returned none');
  return row;
}
