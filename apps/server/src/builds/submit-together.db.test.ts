import { type BuildSpec, buildSpecSchema, type Submitted } from '@muster/protocol';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { buildsRoom, operator } from '#test/builds-room';
import { seedBuilds } from '#test/builds-seed';
import { testDatabase } from '#test/database';
import { hashOf } from './access.ts';
import { type StoredSource, submitOnce } from './submit-build.ts';

const labels: string[] = [];
const database = await testDatabase({ onQuery: (label) => void labels.push(label) });
const rooms = await buildsRoom(database.db, { config: { queuedMax: 12 } });
const { room } = rooms;
const { db } = database;
afterAll(async () => {
  await rooms[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
let source: StoredSource;
beforeEach(async () => {
  await database.wipe();
  source = await sharedSource();
});

/** Files of a build that is over, so that it does not stand in line. */
async function sharedSource(): Promise<StoredSource> {
  const [id = ''] = await seedBuilds(room, 1);
  await db.query(sql`update builds set state = 'cancelled', finished_at = now() where id = ${id}`);
  return { blob: `builds/source/${id}`, bytes: 10, sha256: '0'.repeat(64), format: 'zip', fromBuild: id };
}

const spec = (more: Partial<BuildSpec> = {}): BuildSpec => ({
  ...buildSpecSchema.parse({ platform: 'linux', expects: 'nothing' }),
  ...more,
});
const submitAs = async (name: string, more: Partial<BuildSpec> = {}, from = source): Promise<Submitted> =>
  (await submitOnce(room, operator, { spec: spec({ name, ...more }), source: from }, undefined)).submitted;
const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `b${n}`);

test('submits at once share transactions; each has its own row, spec, token, audit row and event, in their order', async () => {
  await submitAs('first'); // the demand is known from here on, so that nobody overtakes looking it up
  await db.query(sql`update builds set state = 'cancelled', finished_at = now() where state = 'queued'`);
  labels.length = 0;
  const env = (name: string): Record<string, string> => ({ NAME: name, UMLAUT: 'ü\n"' });
  const made = await Promise.all(
    names(10).map((name) => submitAs(name, { env: env(name), command: `make ${name}`, secretEnv: { TOKEN: name } })),
  );
  expect(labels.filter((label) => label === 'insert_builds').length).toBeLessThan(5);
  expect(made.map(({ name, command, env, state }) => ({ name, command, env, state }))).toEqual(
    names(10).map((name) => ({ name, command: `make ${name}`, env: env(name), state: 'queued' })),
  );
  const rows = await db.query<{ name: string; hash: Buffer; secret: Buffer; audits: number }>(sql`
    select s.name, s.access_token_hash as hash, s.secret_env as secret, (select count(*)::int from audit a where a.subject = b.id) as audits
      from builds b join build_specs s on s.build_id = b.id where b.state = 'queued' order by b.queue_seq`);
  // The first one goes alone; the others waited for it, and stand in their order.
  expect(rows.map(({ name }) => name)).toEqual(names(10));
  expect(rows.map(({ audits }) => audits)).toEqual(names(10).map(() => 1));
  for (const { name, hash, secret } of rows) {
    expect(hash).toEqual(hashOf(made.find((build) => build.name === name)?.accessToken ?? ''));
    expect(JSON.parse(room.secrets.open(secret).toString())).toEqual({ TOKEN: name });
  }
  expect(new Set(made.map(({ position }) => position)).size).toBe(10);
});

test('one whose source is gone is refused alone', async () => {
  const gone = await sharedSource();
  await db.query(sql`update build_specs set inputs_removed_at = now() where build_id = ${gone.fromBuild}`);
  const outcomes = await Promise.allSettled(names(8).map((name, n) => submitAs(name, {}, n === 5 ? gone : source)));
  expect(outcomes.map(({ status }) => status)).toEqual(names(8).map((_, n) => (n === 5 ? 'rejected' : 'fulfilled')));
  expect(outcomes[5]).toMatchObject({ reason: { reason: 'source_expired' } });
  expect(await db.query(sql`select 1 from builds where state = 'queued'`)).toHaveLength(7);
});

test('thirty at once into twelve places: twelve get in', async () => {
  const outcomes = await Promise.allSettled(names(30).map((name) => submitAs(name)));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(12);
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(refused.map(({ reason }) => reason)).toEqual(
    Array.from({ length: 18 }, () => expect.objectContaining({ reason: 'queue_full', retryAfterMs: 5_000 })),
  );
  expect(await db.query(sql`select 1 from builds where state = 'queued'`)).toHaveLength(12);
});

test('a demand that was pruned meanwhile is made again, for all of them', async () => {
  const label = { requires: { os: 'old' } };
  await submitAs('first', label);
  await db.query(sql`update builds set state = 'cancelled', finished_at = now() where state = 'queued'`);
  await db.query(sql`delete from demands where requires = '{"os": "old"}'::jsonb`);
  const made = await Promise.all(names(6).map((name, n) => submitAs(name, n % 2 === 0 ? label : {})));
  expect(made.map(({ state }) => state)).toEqual(names(6).map(() => 'queued'));
  expect(await db.query(sql`select 1 from demands where requires = '{"os": "old"}'::jsonb`)).toHaveLength(1);
});

test('files of their own are counted, each once', async () => {
  const own = (n: number): StoredSource => ({
    blob: `builds/source/own${n}`,
    bytes: 100 + n,
    sha256: '1'.repeat(64),
    format: 'zip',
  });
  await Promise.all(names(9).map((name, n) => submitAs(name, {}, own(n))));
  const [sum] = await db.query(sql`
    select (select sum(bytes)::int from build_storage where kind = 'source') as counted,
           (select sum(bytes)::int from build_blobs) as rows, (select count(*)::int from build_blobs) as n`);
  expect(sum).toEqual({ counted: 936, rows: 936, n: 9 });
});
