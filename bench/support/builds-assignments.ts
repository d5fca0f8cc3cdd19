import { claimBuilds } from '../../apps/server/src/builds/claim-build.ts';
import type { Room } from '../../apps/server/src/builds/room.ts';
import { newId, systemClock } from '../../apps/server/src/kernel/base/index.ts';
import { createDb, migrate, sql } from '../../apps/server/src/kernel/db/index.ts';
import { buildsRoom } from '../../apps/server/test/support/builds-room.ts';
import { seedWorker } from '../../apps/server/test/support/builds-seed.ts';
import { median, round } from './report.ts';
import { durablePostgres } from './stores.ts';

const demands = 64;
const workers = 64;
const seats = 64;
const roundBuilds = workers * seats;
/** Rounds at either end whose median counts. */
const countedRounds = 5;

/** Assignments per second on fresh tables, and again after so many builds went through them. */
export async function assignmentRates({
  builds,
}: {
  builds: number;
}): Promise<{ fresh: number; after: number; twice: number }> {
  await using postgres = await durablePostgres(20);
  await migrate({ connection: postgres.connection, clock: systemClock, serverVersion: 'bench' });
  await using db = createDb({
    ...postgres.connection,
    poolMax: 6,
    statementTimeoutMs: 60_000,
    applicationName: 'bench',
    clock: systemClock,
  });
  await db.start();
  await using rooms = await buildsRoom(db);
  const { room } = rooms;
  const workerIds: string[] = [];
  const labels = Object.fromEntries(Array.from({ length: 4 }, (_, n) => [`k${n}`, 'v']));
  for (let n = 0; n < workers; n++)
    workerIds.push(
      (await seedWorker(room, { name: `w${n}`, platforms: ['android', 'ios', 'linux', 'macos'], labels, seats }))
        .workerId,
    );
  const rounds = Math.max(2 * countedRounds, Math.ceil(builds / roundBuilds));
  const rates: number[] = [];
  for (let n = 0; n < rounds; n++) rates.push(await rateOf(room, workerIds));
  const fresh = round(median(rates.slice(0, countedRounds)));
  const after = round(median(rates.slice(-countedRounds)));
  const [row] = await db.query<{ twice: number }>(
    sql`select count(*)::int as twice from build_attempts where term > 1`,
  );
  return { fresh, after, twice: row?.twice ?? -1 };
}

/** Fills the line, empties it by claims two at a time, ends what was taken; counts only the claims' time. */
async function rateOf(room: Room, workerIds: readonly string[]): Promise<number> {
  await fill(room);
  const halves = [workerIds.slice(0, 32), workerIds.slice(32)];
  let assigned = 0;
  const began = performance.now();
  await Promise.all(
    halves.map(async (half) => {
      for (;;) {
        const { taken, again } = await claimBuilds(room, half);
        assigned += taken.length;
        if (taken.length === 0 && !again) return;
      }
    }),
  );
  const tookMs = performance.now() - began;
  await room.db.query(sql`
    update builds set state = 'succeeded', worker_seat = null, lease_until = null, finished_at = now() where state = 'assigned'`);
  await room.db.query(
    sql`update build_attempts set state = 'ended', ended_at = now(), outcome = 'succeeded' where state = 'held'`,
  );
  await room.db.query(sql`delete from build_outbox`);
  return (assigned * 1_000) / tookMs;
}

async function fill(room: Room): Promise<void> {
  const ids = Array.from({ length: roundBuilds }, () => newId('build'));
  await room.db.transaction(async (tx) => {
    await tx.query(sql`
      insert into demands (project_id, queue, platform, requires)
      select 'prj_00000000000000000000000000', 'q' || (i / 16) % 4, (array['linux', 'ios', 'android', 'macos'])[1 + i % 4], jsonb_build_object('k' || (i / 4) % 4, 'v')
      from generate_series(0, ${demands - 1}) i on conflict do nothing`);
    await tx.query(sql`
      insert into builds (id, project_id, sig, queue, platform, priority, max_run_ms)
      select x.id, d.project_id, d.sig, d.queue, d.platform, x.n % 3, 60000
      from unnest(${ids}::text[]) with ordinality x(id, n)
      join (select *, row_number() over (order by sig) - 1 as nth from demands) d on d.nth = x.n % ${demands}`);
    await tx.query(sql`
      insert into build_specs (build_id, retry_on, expects, submitted_by, access_token_hash, source_blob, source_bytes, source_sha256, source_format)
      select id, '{host,system}', 'nothing', 'bench', sha256(id::bytea), 'builds/source/' || id, 10, repeat('0', 64), 'zip' from unnest(${ids}::text[]) id`);
  });
}
