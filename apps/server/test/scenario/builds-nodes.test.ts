import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '#kernel/base';
import { sql } from '#kernel/db';
import { type BuildsServer, buildsServer } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { until } from '#test/until';
import { good, WorkerClient } from '#test/worker-client';

/* Three servers on one database: it does not matter which one a caller reaches. */

const database = await testDatabase();
const nodes: BuildsServer[] = [];
beforeAll(async () => {
  for (let n = 0; n < 3; n++) nodes.push(await buildsServer(database));
});
afterAll(async () => {
  for (const node of nodes.toReversed()) await node[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

let fresh = 0;
const own = (): Record<string, string> => ({ test: `t${fresh++}` });
const node = (n: number): BuildsServer => nodes[n % nodes.length]!;
const submit = (n: number, build: object): ReturnType<BuildsServer['submitted']> =>
  node(n).submitted({ build: { platform: 'linux', expects: 'nothing', ...build } });
const at = (n: number, worker: WorkerClient): WorkerClient =>
  new WorkerClient(node(n), { token: worker.token, worker: { id: worker.id } } as never);
/** A second on a quiet machine; who was not told waits for the end of a poll. */
const quick = 2_500;
async function within(ms: number, act: () => Promise<unknown>): Promise<void> {
  const began = systemClock.monotonic();
  await act();
  expect(systemClock.monotonic() - began).toBeLessThan(ms);
}

test('two-nodes-one-queue: submitted here, parked there', async () => {
  const labels = own();
  const worker = await WorkerClient.register(node(0), { labels });
  const answer = at(1, worker).claim();
  await until(() => node(1).room.live.dispatch.parked === 1);
  const build = await submit(0, { requires: labels });
  await within(quick, async () => expect((await answer).job?.build.id).toBe(build.id));
  good(await at(2, worker).about({ buildId: build.id, term: 1 }, 'start'));
  good(await at(0, worker).about({ buildId: build.id, term: 1 }, 'result'));
});

test('cancelled here, told there within a second', async () => {
  const labels = own();
  const worker = await WorkerClient.register(node(0), { labels });
  const build = await submit(0, { requires: labels });
  good(await worker.about(await worker.take(), 'start'));
  const beat = at(1, worker).heartbeat([{ buildId: build.id, term: 1, progress: 1 }], '20s');
  await until(
    async () => (good(await node(0).call('GET', `/v1/builds/${build.id}`)) as { progress: number }).progress === 1,
  );
  await node(2).call('POST', `/v1/builds/${build.id}/cancel`, { body: {} });
  await within(quick, async () =>
    expect((await beat).instructions).toMatchObject([{ kind: 'cancel', buildId: build.id }]),
  );
});

test('one connection per worker, whichever node it is on', async () => {
  const worker = await WorkerClient.register(node(0), { labels: own() });
  const first = await worker.connect();
  const second = await at(1, worker).connect();
  expect(await first.closed).toBe(4009);
  second.close();
});

test('twenty workers on three nodes, ten builds, twenty rounds: nothing twice, nothing left', async () => {
  const labels = own();
  const workers: WorkerClient[] = [];
  for (let n = 0; n < 20; n++) workers.push(await WorkerClient.register(node(n), { name: `w${n}`, labels }));
  for (let round = 0; round < 20; round++) {
    const claims = workers.map((worker, n) => at(n + round, worker).claim({}, '5s'));
    const builds = await Promise.all(Array.from({ length: 10 }, (_, n) => submit(n, { requires: labels })));
    await until(async () => {
      const [row] = await database.db.query<{ n: number }>(
        sql`select count(*)::int as n from builds where id = any(${builds.map(({ id }) => id)}) and state = 'queued'`,
      );
      return row?.n === 0;
    });
    // Those that got nothing are sent home by their own next call's end.
    const jobs = (
      await Promise.all(claims.map((claim) => Promise.race([claim, systemClock.sleep(300).then(() => undefined)])))
    ).flatMap((answer) => (answer?.job ? [answer.job] : []));
    expect(jobs.map((job) => job.build.id).sort()).toEqual(builds.map(({ id }) => id).sort());
    expect(jobs.every((job) => job.build.term === 1)).toBe(true);
    await database.db.query(sql`delete from builds where id = any(${builds.map(({ id }) => id)})`);
    for (const node of nodes) for (const worker of workers) node.room.live.dispatch.dismiss(worker.id);
    await Promise.all(claims);
  }
});
