import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { arm, systemClock } from '#kernel/base';
import { sql } from '#kernel/db';
import { createLog, type Log } from '#kernel/log';
import { loneMetrics, silentLogger } from '#kernel/telemetry';
import { testDatabase } from '#test/database';
import { BuildLogs } from './build-logs.ts';
import { createBuildMetrics } from './metrics.ts';
import { Outbox } from './outbox.ts';
import { insertOutbox, type NewOutboxRow } from './queries/outbox.ts';
import { buildEventsKey, logKey, projectEventsKey, readFrom } from './stream-keys.ts';

const database = await testDatabase();
const { db } = database;
const projectId = 'prj_00000000000000000000000000';
let log: Log;
const outboxes: Outbox[] = [];
beforeEach(async () => {
  await database.wipe();
  log = createLog({ driver: 'memory' });
  await log.start();
});
afterEach(async () => {
  for (const outbox of outboxes.splice(0)) await outbox[Symbol.asyncDispose]();
  await log[Symbol.asyncDispose]();
});
afterAll(() => database[Symbol.asyncDispose]());

/** One process: its own writers, the same log and rows. */
function node(nodeId: string, to: Log = log): Outbox {
  const metrics = createBuildMetrics(loneMetrics(silentLogger), systemClock);
  const shared = { db, log: to, clock: systemClock, logger: silentLogger, metrics };
  const outbox = new Outbox({ ...shared, logs: new BuildLogs({ ...shared, logBytesMax: 2 ** 28 }), nodeId });
  outboxes.push(outbox);
  return outbox;
}

const row = (
  buildId: string,
  type: 'submitted' | 'assigned' | 'started' | 'succeeded',
  text?: string,
): NewOutboxRow => ({
  projectId,
  buildId,
  term: type === 'submitted' ? 0 : 1,
  event: { type },
  line: text === undefined ? null : { level: 'info', text },
});
const write = (rows: NewOutboxRow[]) => db.transaction(async (tx) => insertOutbox(tx, rows));
const waiting = async (): Promise<number> => (await db.query(sql`select 1 from build_outbox`)).length;

// oxlint-disable-next-line typescript/no-explicit-any -- JSON of two shapes
async function records(key: ReturnType<typeof logKey>): Promise<any[]> {
  const all = [];
  for await (const message of readFrom(log, key, 'start', Number.MAX_SAFE_INTEGER))
    all.push(JSON.parse(Buffer.from(message.bytes).toString()));
  return all;
}
const types = async (key: ReturnType<typeof logKey>) => (await records(key)).map((record) => record.type);
const lines = async (buildId: string) => (await records(logKey(projectId, buildId))).map((record) => record.text);

test('brings each row to its build’s events, the project’s events and the build’s log, in order', async () => {
  await write([
    row('bld_a', 'submitted', 'Build submitted'),
    row('bld_b', 'submitted', 'Build submitted'),
    row('bld_a', 'assigned', 'Assigned'),
  ]);
  await node('n').flush('bld_a');
  expect(await waiting()).toBe(0);
  expect(await types(projectEventsKey(projectId))).toEqual(['submitted', 'submitted', 'assigned']);
  expect(await types(buildEventsKey(projectId, 'bld_a'))).toEqual(['submitted', 'assigned']);
  expect(await lines('bld_a')).toEqual(['Build submitted', 'Assigned']);
  expect(await lines('bld_b')).toEqual(['Build submitted']);
  const [first] = await records(buildEventsKey(projectId, 'bld_a'));
  const [line] = await records(logKey(projectId, 'bld_a'));
  expect(first).toMatchObject({ id: expect.any(Number), buildId: 'bld_a', at: expect.stringMatching(/Z$/) });
  expect(line).toMatchObject({ source: 'system', attempt: 0, line: first.id });
});

test('a line without an event goes to the log alone', async () => {
  await write([{ ...row('bld_a', 'submitted', 'VM ready'), event: null }]);
  await node('n').flush('bld_a');
  expect(await lines('bld_a')).toEqual(['VM ready']);
  expect(await log.head(projectEventsKey(projectId))).toBeUndefined();
});

test('a crash between the append and the commit doubles nothing, whoever goes on', async () => {
  await write([row('bld_a', 'submitted', 'Build submitted'), row('bld_a', 'assigned', 'Assigned')]);
  const first = node('one');
  using _ = arm('outbox.delivered', () => {
    throw new Error('killed here');
  });
  await expect(first.flush('bld_a')).rejects.toThrow('killed here');
  expect(await waiting()).toBe(2);
  expect(await lines('bld_a')).toEqual(['Build submitted', 'Assigned']);
  _[Symbol.dispose]();
  // More rows come meanwhile; another process takes over, then the first one again.
  await write([row('bld_a', 'started', 'more')]);
  await node('two').flush('bld_a');
  await write([row('bld_a', 'succeeded', 'Build completed successfully')]);
  await first.flush('bld_a');
  expect(await lines('bld_a')).toEqual(['Build submitted', 'Assigned', 'more', 'Build completed successfully']);
  const all = ['submitted', 'assigned', 'started', 'succeeded'];
  expect(await types(buildEventsKey(projectId, 'bld_a'))).toEqual(all);
  expect(await types(projectEventsKey(projectId))).toEqual(all);
});

test('the same process takes up its own broken pass', async () => {
  const outbox = node('one');
  await write([row('bld_a', 'submitted', 'a')]);
  await outbox.flush('bld_a');
  for (const [i, type] of (['assigned', 'started'] as const).entries()) {
    await write([row('bld_a', type, `line ${i}`)]);
    {
      using _ = arm('outbox.delivered', () => {
        throw new Error('killed here');
      });
      await expect(outbox.flush('bld_a')).rejects.toThrow();
    }
  }
  await outbox.flush('bld_a');
  expect(await lines('bld_a')).toEqual(['a', 'line 0', 'line 1']);
});

test('several processes flush at once: every row once, each build in order', async () => {
  const nodes = ['one', 'two', 'three'].map((name) => node(name));
  const builds = Array.from({ length: 20 }, (_, i) => `bld_${i}`);
  await write(builds.map((id) => row(id, 'submitted', 'first')));
  const work = builds.flatMap((id, i) => [
    (async () => {
      for (let n = 0; n < 10; n++) {
        await write([row(id, 'started', `${n}`)]);
        await nodes[(i + n) % 3]!.flush(id);
      }
    })(),
  ]);
  await Promise.all(work);
  for (const id of builds) expect(await lines(id)).toEqual(['first', ...Array.from({ length: 10 }, (_, n) => `${n}`)]);
  expect(await records(projectEventsKey(projectId))).toHaveLength(220);
  const ids = (await records(projectEventsKey(projectId))).map((record) => record.id);
  expect(new Set(ids).size).toBe(220);
});

test('more rows than one pass takes', async () => {
  await write(Array.from({ length: 1_300 }, (_, n) => row('bld_a', n === 0 ? 'submitted' : 'started', `${n}`)));
  await node('n').flush('bld_a');
  expect(await lines('bld_a')).toEqual(Array.from({ length: 1_300 }, (_, n) => `${n}`));
});

test('a log that takes nothing keeps the rows; afterwards they come, once', async () => {
  await write([row('bld_a', 'submitted', 'a')]);
  const outbox = node('n');
  const closed = createLog({ driver: 'memory' });
  await closed.start();
  const broken = node('m', new Proxy(closed, { get: () => () => Promise.reject(new Error('no space')) }));
  await expect(broken.flush('bld_a')).rejects.toThrow('no space');
  expect(await waiting()).toBe(1);
  await outbox.flush('bld_a');
  expect(await lines('bld_a')).toEqual(['a']);
});

test('rows nobody kicked for are found by the sweep', async () => {
  await write([row('bld_a', 'submitted', 'a')]);
  const outbox = node('n');
  await outbox.start();
  await outbox.flush('bld_a');
  expect(await lines('bld_a')).toEqual(['a']);
});
