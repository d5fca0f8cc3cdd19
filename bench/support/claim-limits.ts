import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Pool } from 'pg';
import type { Connection } from '../../apps/server/src/kernel/db/index.ts';

export type ClaimLimit = { by: string; connections: number; batch: number; rowsPerSecond: number };

const rows = 200_000;
const seconds = 4;
/** A narrow table and one `skip locked` statement: as fast as this Postgres hands out rows to anyone. */
const claim = (batch: number): string => `
  with next as materialized (
    select id from bench_claims where state = 0 order by id limit ${batch} for update skip locked)
  update bench_claims c set state = 1, lease_ends_at = now() + interval '30 s' from next where c.id = next.id returning c.id`;

async function fill(pool: Pool): Promise<void> {
  await pool.query(`
    drop table if exists bench_claims;
    create table bench_claims (id bigint primary key, state smallint not null, lease_ends_at timestamptz) with (fillfactor = 50);
    insert into bench_claims select g, 0 from generate_series(1, ${rows}) g;
    create index on bench_claims (id) where state = 0;
    analyze bench_claims`);
}

/** The limit by `pg` from this process, and by pgbench where it is installed. */
export async function claimLimits(connection: Extract<Connection, { host: string }>): Promise<ClaimLimit[]> {
  const { host, port, user, password, database } = connection;
  const pool = new Pool({ host, port, user, password, database, max: 16 });
  const limits: ClaimLimit[] = [];
  for (const [connections, batch] of [
    [1, 1],
    [8, 1],
    [4, 50],
  ] as const) {
    await fill(pool);
    limits.push({ by: 'pg', connections, batch, rowsPerSecond: await byPg(pool, connections, batch) });
    await fill(pool);
    const rate = await byPgbench(connection, connections, batch);
    if (rate !== undefined) limits.push({ by: 'pgbench', connections, batch, rowsPerSecond: rate });
  }
  await pool.query('drop table bench_claims');
  await pool.end();
  return limits;
}

async function byPg(pool: Pool, connections: number, batch: number): Promise<number> {
  const began = performance.now();
  let claimed = 0;
  const one = async (): Promise<void> => {
    const client = await pool.connect();
    while (performance.now() - began < seconds * 1000) {
      const { rowCount } = await client.query({ name: `claim-${batch}`, text: claim(batch) });
      if (!rowCount) break;
      claimed += rowCount;
    }
    client.release();
  };
  await Promise.all(Array.from({ length: connections }, one));
  return Math.round((claimed * 1000) / (performance.now() - began));
}

async function byPgbench(
  { host, port, user, password, database }: Extract<Connection, { host: string }>,
  connections: number,
  batch: number,
): Promise<number | undefined> {
  const folder = await mkdtemp(path.join(tmpdir(), 'muster-bench-'));
  const script = path.join(folder, 'claim.sql');
  await writeFile(script, `${claim(batch).replaceAll('\n', ' ').trim()};\n`);
  // A fixed number of transactions, so that rows do not run out.
  const each = Math.floor(Math.min(rows / batch, batch === 1 ? 40_000 : 4_000) / connections);
  const args = ['-n', '-M', 'prepared', '-c', String(connections), '-j', '2', '-t', String(each), '-f', script];
  try {
    const { stdout } = await promisify(execFile)(
      'pgbench',
      [...args, '-h', host, '-p', String(port), '-U', user, database],
      {
        env: { ...process.env, PGPASSWORD: password },
      },
    );
    const tps = /tps = ([\d.]+)/.exec(stdout)?.[1];
    return tps === undefined ? undefined : Math.round(Number(tps) * batch);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined; // not installed
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
