import { afterAll, afterEach, expect, it } from 'vitest';
import { createDb, type Db, sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { openGate } from '#test/gate';
import { until } from '#test/until';
import { busLimits, DatabaseBus } from './index.ts';

const database = await testDatabase({ migrations: false });
afterAll(() => database[Symbol.asyncDispose]());
let open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.toReversed()) await one[Symbol.asyncDispose]();
  open = [];
});

const errors: unknown[] = [];
async function start(db: Db): Promise<{ bus: DatabaseBus; heard: string[]; missed: () => number }> {
  const bus = new DatabaseBus({ db, onError: (_, error) => errors.push(error) });
  open.push(bus);
  const heard: string[] = [];
  let missed = 0;
  bus.subscribe(
    't',
    (payload) => heard.push(payload),
    () => missed++,
  );
  await bus.start();
  await until(() => missed > 0); // LISTEN is in place
  return { bus, heard, missed: () => missed };
}
function pool(connection: object = {}): Db {
  const db = createDb({ ...database.options, ...connection });
  open.push(db);
  return db;
}

it('does not hear its own hints a second time', async () => {
  const [near, far] = [await start(pool()), await start(pool())];
  near.bus.publish('t', 'x');
  await until(() => far.heard.length > 0);
  far.bus.publish('t', 'y');
  await until(() => near.heard.length > 1);
  expect([near.heard, far.heard]).toEqual([
    ['x', 'y'],
    ['x', 'y'],
  ]);
});

it('says missed after its connection was cut', async () => {
  const near = await start(pool());
  const before = near.missed();
  await database.db.query(sql`
    select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ilike 'listen%'`);
  await until(() => near.missed() > before);
  const far = await start(pool());
  far.bus.publish('t', 'again');
  await until(() => near.heard.includes('again'));
});

it('tells others that hints were lost while it could not send, once it can', async () => {
  await using gate = await openGate(database.options);
  const cut = await start(pool(gate.connection));
  const far = await start(pool());
  const before = far.missed();
  gate.shut();
  errors.length = 0;
  cut.bus.publish('t', 'lost');
  await until(() => errors.length > 0);
  expect(cut.heard).toEqual(['lost']);
  gate.open();
  await until(() => far.missed() > before);
  cut.bus.publish('t', 'after');
  await until(() => far.heard.includes('after'));
});

it('sends many hints in few notifications, each below the limit of Postgres', async () => {
  const sent: string[] = [];
  const db = pool();
  const counting: Db = Object.assign(Object.create(db) as Db, {
    notify: (channel: string, payload: string) => (sent.push(payload), db.notify(channel, payload)),
    listen: db.listen.bind(db),
  });
  const near = await start(counting);
  const far = await start(pool());
  for (let i = 0; i < 2000; i++) near.bus.publish('t', `payload number ${i}`);
  await until(() => far.heard.length === 2000);
  expect(sent.length).toBeLessThan(15);
  expect(Math.max(...sent.map((payload) => Buffer.byteLength(payload)))).toBeLessThan(8000);
  near.bus.publish('t', '\u0001'.repeat(busLimits.payloadBytesMax));
  await until(() => far.heard.length === 2001);
});

it('sends what waits when it stops, and nothing after', async () => {
  const [near, far] = [await start(pool()), await start(pool())];
  near.bus.publish('t', '1');
  near.bus.publish('t', '2');
  await near.bus[Symbol.asyncDispose]();
  near.bus.publish('t', '3');
  await until(() => far.heard.length === 2);
  far.bus.publish('t', '4');
  await until(() => far.heard.includes('4'));
  expect(far.heard).toEqual(['1', '2', '4']);
});

it('ignores what is no hint', async () => {
  const near = await start(pool());
  errors.length = 0;
  await database.db.notify('muster_bus', 'garbage');
  await until(() => errors.length > 0);
  near.bus.publish('t', 'fine');
  await until(() => near.heard.includes('fine'));
});
