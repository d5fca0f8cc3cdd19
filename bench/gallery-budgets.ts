/**
 * Claim: budgets are never overshot, by no unit and no micro, however many reserve at once. Each round 64 transactions on
 * three pools race for a day's cap that has room for about half of them, then settle what they used. Postgres itself
 * watches: a row over its cap cannot be written. The rates stand beside what the same connections reach with a plain
 * update of one row, which is what every reservation of one fleet waits for.
 *
 * `--rounds=1000 --seconds=3 --json`
 */

import { systemClock } from '../apps/server/src/kernel/base/index.ts';
import { createDb, migrate, type PoolDb, sql } from '../apps/server/src/kernel/db/index.ts';
import { createBudgets, type ReserveOrder } from '../apps/server/src/kernel/meter/index.ts';
import { silentLogger } from '../apps/server/src/kernel/telemetry/index.ts';
import { machine, options, round, table } from './support/report.ts';
import { durablePostgres } from './support/stores.ts';

const given = options();
const rounds = given.get('rounds', 1_000);
const seconds = given.get('seconds', 3);
const atOnce = 64;
const dayMs = 86_400_000;
const moneyCap = 32_000;
const actsCap = 40;

await using postgres = await durablePostgres(30);
await migrate({ connection: postgres.connection, clock: systemClock, serverVersion: 'bench' });
const pools: PoolDb[] = [];
for (let n = 0; n < 3; n++) {
  const pool = createDb({
    ...postgres.connection,
    poolMax: 6,
    statementTimeoutMs: 60_000,
    applicationName: `bench-${n}`,
    clock: systemClock,
  });
  await pool.start();
  pools.push(pool);
}
const [first] = pools as [PoolDb];
const poolOf = (n: number): PoolDb => pools[n % pools.length] ?? first;
await first.query(sql`alter table budget_counters add constraint never_over check (spent + reserved <= cap)`);
const budgets = createBudgets({ db: first, clock: systemClock, logger: silentLogger });

const orderOf = (id: string, at: number, bot: number, money: number): ReserveOrder => ({
  id,
  projectId: 'prj_bench',
  at,
  owner: 'bench',
  leaseMs: 60_000,
  wants: [
    { scope: `bot:${bot}`, measure: 'acts', amount: 1, periods: ['day'], defaults: { day: 500 } },
    { scope: 'fleet', measure: 'acts', amount: 1, periods: ['day'], defaults: { day: actsCap } },
    { scope: 'fleet', measure: 'money', amount: money, periods: ['day'], defaults: { day: moneyCap } },
  ],
});

/** One each: as many transactions as bots. Together: one transaction, as the loop does it for the bots of a tick. */
async function race(together: boolean): Promise<{ rate: number; units: number; micros: number; granted: number }> {
  let units = 0;
  let micros = 0;
  let granted = 0;
  let tookMs = 0;
  for (let n = 0; n < rounds; n++) {
    // Every round has a day, and so a cap, of its own.
    const at = (20_000 + n + (together ? rounds : 0)) * dayMs;
    const orders = Array.from({ length: atOnce }, (_, bot) =>
      orderOf(`${together ? 't' : 'e'}-${n}-${bot}`, at, bot, 500 + ((bot * 7919 + n) % 1_000)),
    );
    const began = performance.now();
    const answers = together
      ? [await first.transaction((tx) => budgets.reserve(tx, orders))]
      : await Promise.all(orders.map((order, bot) => poolOf(bot).transaction((tx) => budgets.reserve(tx, [order]))));
    tookMs += performance.now() - began;
    const won = answers.flatMap(({ grants }) => grants.flatMap((grant) => (grant.granted ? [grant.id] : [])));
    granted += won.length;
    const seen = await budgets.look(first, at, [{ projectId: 'prj_bench', scope: 'fleet' }]);
    const taken = (measure: string): number => {
      const line = seen.find((each) => each.measure === measure);
      return (line?.spent ?? 0) + (line?.reserved ?? 0);
    };
    units += Math.max(0, taken('acts') - actsCap);
    micros += Math.max(0, taken('money') - moneyCap);
    await first.transaction((tx) =>
      budgets.settle(
        tx,
        won.map((id, k) => ({ id, used: { acts: 1, money: (k * 37) % 500 } })),
      ),
    );
  }
  return { rate: round((rounds * atOnce * 1_000) / tookMs), units, micros, granted };
}

/** Everybody updates one row, and nothing else. */
async function rawLimit(): Promise<number> {
  await first.query(sql`create table bench_row (id integer primary key, n bigint not null) with (fillfactor = 50)`);
  await first.query(sql`insert into bench_row values (1, 0)`);
  let done = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async (_, n) => {
      while (performance.now() - began < seconds * 1_000) {
        await poolOf(n).query(sql`update bench_row set n = n + 1 where id = 1`);
        done += 1;
      }
    }),
  );
  return round((done * 1_000) / (performance.now() - began));
}

const raw = await rawLimit();
const each = await race(false);
const together = await race(true);
for (const pool of pools) await pool[Symbol.asyncDispose]();

const result = { machine: machine(), postgres: postgres.about, rounds, atOnce, raw, each, together };
if (given.json) console.log(JSON.stringify(result));
else {
  console.log(`${result.machine.cpu}, ${result.machine.cores} cores, node ${result.machine.node}; ${postgres.about}`);
  console.log(`${rounds} rounds of ${atOnce} at once; caps ${actsCap} acts and ${moneyCap} micros a round\n`);
  table(
    ['how', 'reservations/s', 'granted', 'overshoot, units', 'overshoot, micros'],
    [
      ['one transaction each', each.rate, each.granted, each.units, each.micros],
      ['one transaction for a tick', together.rate, together.granted, together.units, together.micros],
      ['raw: update one row', raw, '–', '–', '–'],
    ],
  );
  console.log(`\none each / raw ${round(each.rate / raw)}, a tick / raw ${round(together.rate / raw)}`);
}
if (each.units + each.micros + together.units + together.micros > 0) process.exitCode = 1;
