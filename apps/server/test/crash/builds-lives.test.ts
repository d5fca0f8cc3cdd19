/*
 * Lives of a server under load, each ended by `kill -9` at a named point, by `kill -9` at a random moment, or by the death
 * of its Postgres. What was acknowledged in any life must be there after the last one (I1, I4, I9).
 *
 * TEST_LIVES sets how many lives (12 here, 200 on demand); TEST_SEED repeats a run's choice of deaths.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@muster/client';
import type { Build, LogRecord } from '@muster/protocol';
import { expect, it } from 'vitest';
import { until } from '#test/until';
import { type Death, Lives } from './support/lives.ts';
import { Ledger, lineOf, submitter, worker } from './support/load.ts';

const lives = Number(process.env['TEST_LIVES'] ?? 12);
const seed = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const points = [
  'submit.blob-renamed',
  'submit.committed',
  'claim.committed',
  'log.appended',
  'chunk.half',
  'result.renamed',
  'result.committed',
  'cancel.committed',
  'rescue.mid-batch',
];
const workers = 4;

it(`${lives} lives: nothing acknowledged is lost, nothing runs twice under one term`, {
  timeout: 60_000 + lives * 15_000,
}, async () => {
  const random = lcg(seed);
  const folder = await mkdtemp(join(tmpdir(), 'muster-lives-'));
  // Run as root, Postgres is another user and must pass through.
  await chmod(folder, 0o711);
  const ledger = new Ledger();
  const stopLoad = new AbortController();
  const deaths = new Map<string, number>();
  try {
    await using server = await Lives.in(join(folder, 'data'), { MUSTER_BUILDS_RESCUE_EVERY_MS: '1000' });
    await server.begin();
    const client = new Client({ url: server.url, credential: await server.key() });
    const registered = await Promise.all(
      Array.from({ length: workers }, (_, n) => client.workers.register({ name: `worker ${n}`, platforms: ['any'] })),
    );
    const key = await server.key();
    const running = [
      submitter(server.url, key, ledger, stopLoad.signal),
      ...registered.map((each) => worker(server.url, each, ledger, stopLoad.signal)),
    ];
    const failed = Promise.all(running).then(() => undefined);
    failed.catch(() => undefined);
    await server.kill();

    while (server.count < lives) {
      const death = nextDeath(random);
      const name = typeof death === 'object' ? death.point : death;
      deaths.set(name, (deaths.get(name) ?? 0) + 1);
      await server.begin(death);
      const before = ledger.submitted.length + ledger.succeeded.size;
      const enough = 4 + Math.floor(random() * 12);
      await Promise.race([
        until(() => server.over || ledger.submitted.length + ledger.succeeded.size >= before + enough, {
          withinMs: 30_000,
        }),
        failed,
      ]);
      if (death === 'postgres') {
        await server.killPostgres();
        const then = ledger.succeeded.size;
        await Promise.race([until(() => server.over || ledger.succeeded.size > then, { withinMs: 60_000 }), failed]);
        expect(server.over, `the server outlives its Postgres:\n${server.output}`).toBe(false);
      }
      await server.kill();
      expect(ledger.wrongs).toEqual([]);
    }

    await server.begin();
    stopLoad.abort();
    await failed;
    await finishAll(server.url, registered, ledger, client);
    await judge(client, ledger);
    process.stdout.write(
      `lives: ${server.count} (${[...deaths].map(([name, n]) => `${name} ${n}`).join(', ')}), ${ledger.submitted.length} builds, ` +
        `${ledger.succeeded.size} results, ${[...ledger.logged.values()].reduce((sum, n) => sum + n, 0)} lines; seed ${seed}\n`,
    );
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  } finally {
    stopLoad.abort();
    await rm(folder, { recursive: true, force: true });
  }
});

/** Half of the lives end at a point, the others at a moment nobody chose; every tenth loses its Postgres. */
function nextDeath(random: () => number): Death {
  const dice = random();
  if (dice < 0.1) return 'postgres';
  if (dice < 0.4) return 'kill';
  return {
    point: points[Math.floor(random() * points.length)] ?? 'submit.committed',
    nth: 1 + Math.floor(random() * 5),
  };
}

/** Lets the workers empty the line. */
async function finishAll(
  url: string,
  registered: Parameters<typeof worker>[1][],
  ledger: Ledger,
  client: Client,
): Promise<void> {
  const stop = new AbortController();
  const running = Promise.all(registered.map((each) => worker(url, each, ledger, stop.signal)));
  running.catch(() => undefined);
  const unfinished = async (): Promise<boolean> =>
    (await client.builds.list({ state: 'queued,assigned,running,cancelling', limit: 1 })).items.length === 0;
  await Promise.race([until(unfinished, { withinMs: 120_000, everyMs: 100 }), running]);
  stop.abort();
  await running;
}

async function judge(client: Client, ledger: Ledger): Promise<void> {
  const builds: Build[] = [];
  for (const id of ledger.submitted) builds.push(await client.builds.get(id));

  for (const build of builds) {
    if (ledger.succeeded.has(build.id))
      expect(build.state, `${build.id} was acknowledged as succeeded`).toBe('succeeded');
    else
      expect(['succeeded', 'cancelled'], `${build.id} failed: ${JSON.stringify(build.failure)}`).toContain(build.state);
    if (build.state === 'cancelled')
      expect(
        ledger.cancelAsked.has(build.id) || build.stopReason === 'user',
        `${build.id} was cancelled by nobody`,
      ).toBe(true);
    for (const attempt of build.attempts) {
      const holder = ledger.given.get(`${build.id}/${attempt.term}`);
      if (holder !== undefined) expect(attempt.workerId, `${build.id} term ${attempt.term}`).toBe(holder);
    }
    await judgeLog(client, build, ledger);
    const made = ledger.artifacts.get(build.id);
    if (ledger.succeeded.has(build.id) && made) expect(build.artifacts.map(({ name }) => name)).toContain(made.name);
  }
  judgeOrder(builds);
}

/** Lines of each attempt are 0, 1, 2 … without hole or double, and none that was acknowledged is missing. */
async function judgeLog(client: Client, build: Build, ledger: Ledger): Promise<void> {
  const records: LogRecord[] = [];
  for await (const page of client.builds.log(build.id, { once: true })) records.push(...page.records);
  const system = records.filter((record) => record.source === 'system').map((record) => record.text);
  expect(system[0], `${build.id} begins with its submit`).toBe('Build submitted');
  expect(new Set(records.filter((record) => record.source === 'system').map((record) => record.line)).size).toBe(
    system.length,
  );
  for (const { term } of build.attempts) {
    const lines = records.filter((record) => record.attempt === term && record.source === 'stdout');
    expect(
      lines.map((record) => record.line),
      `${build.id} term ${term}`,
    ).toEqual(lines.map((_, n) => n));
    expect(lines.map((record) => record.text)).toEqual(lines.map((_, n) => lineOf(build.id, term, n)));
    expect(lines.length, `${build.id} term ${term}: acknowledged lines`).toBeGreaterThanOrEqual(
      ledger.logged.get(`${build.id}/${term}`) ?? 0,
    );
  }
}

/** Builds of one line are first taken in the order in which they were submitted. */
function judgeOrder(builds: readonly Build[]): void {
  const firsts = builds.flatMap((build) =>
    build.attempts
      .filter(({ term }) => term === 1)
      .map(({ startedAt }) => ({ id: build.id, startedAt: Date.parse(startedAt) })),
  );
  for (const [n, { id, startedAt }] of firsts.entries()) {
    const before = firsts[n - 1];
    if (before)
      expect(startedAt, `${id} was taken before ${before.id}, which was submitted earlier`).toBeGreaterThanOrEqual(
        before.startedAt,
      );
  }
}

/** Numbers that repeat for a seed (Numerical Recipes' linear congruential generator). */
function lcg(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
