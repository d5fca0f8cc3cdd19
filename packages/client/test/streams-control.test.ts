/* Finding, keeping, tokens and subscriptions, against the real server. */
import { afterAll, expect, test } from 'vitest';
import { startServer } from '../../../apps/server/test/support/server.ts';
import { until } from '../../../apps/server/test/support/until.ts';
import { Client, everyItem } from '../src/index.ts';

const server = await startServer();
afterAll(() => server[Symbol.asyncDispose]());
const client = new Client({ url: server.url, credential: server.key });
const { streams } = client;
const make = async (path: string): Promise<void> =>
  void (await client.stream(path).create({ contentType: 'application/json', data: { n: 1 } }));

test('list, look, change, and many at once', async () => {
  for (const path of ['many/a b', 'many/b', 'many/c']) await make(path);
  const found = await everyItem((page) => streams.list({ ...page, limit: 2, prefix: 'many/' }));
  expect(found.map(({ path }) => path)).toEqual(['many/a b', 'many/b', 'many/c']);
  const item = await streams.get('many/a b');
  expect(item).toMatchObject({ messages: 1, closed: false, ttlSeconds: null });
  const changed = await streams.configure('many/a b', { retention: { maxMessages: 5 }, ttlSeconds: 60 }, item.version);
  expect(changed).toMatchObject({ retention: { maxMessages: 5 }, ttlSeconds: 60 });
  await expect(streams.configure('many/a b', { ttlSeconds: null }, item.version)).rejects.toMatchObject({
    reason: 'version_conflict',
  });
  const { jobId } = await streams.bulk({ action: 'close', filter: { prefix: 'many/' } });
  await until(async () => (await streams.bulkJob(jobId)).state === 'done');
  expect((await streams.list({ prefix: 'many/', closed: true })).items).toHaveLength(3);
});

test('tokens open what they name, are renewed, and end with their user', async () => {
  await make('room/1');
  const made = await streams.createToken({ paths: ['room/**'], operations: ['read'], renewable: true, subject: 'ann' });
  const fresh = await streams.renewToken(made.token, { paths: ['room/1'] });
  const browser = new Client({ url: server.url, credential: fresh.token });
  expect(await browser.stream('room/1').head()).toMatchObject({ contentType: 'application/json' });
  await expect(browser.stream('many/b').head()).rejects.toMatchObject({ status: 403 });
  await expect(browser.stream('room/1').append({ n: 2 })).rejects.toMatchObject({ code: 'forbidden' });
  await streams.revokeTokens('ann');
  await expect(browser.stream('room/1').head()).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('what is public is read by nobody in particular', async () => {
  await make('open/1');
  const before = await streams.settings();
  await streams.changeSettings({ publicRead: ['open/*'] }, before.version);
  const { body } = await server.ask<{ items: { projectId: string }[] }>('/v1/keys');
  const project = body.items[0]?.projectId ?? '';
  const nobody = new Client({ url: server.url, project });
  const records: unknown[] = [];
  for await (const batch of nobody.stream('open/1').read()) records.push(...batch.records);
  expect(records).toEqual([{ n: 1 }]);
  await expect(nobody.stream('room/1').head()).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('a subscription wakes a worker, which acknowledges and is woken again', async () => {
  await client.stream('wakes').create({ contentType: 'application/json' });
  await make('jobs/1');
  const subscription = streams.subscription('workers');
  await subscription.create({ type: 'pull-wake', pattern: 'jobs/*', wake_stream: 'wakes', lease_ttl_ms: 30_000 });
  expect(await subscription.claim('one')).toBeUndefined();
  await client.stream('jobs/1', 'application/json').append({ n: 2 });
  let wake = await subscription.claim('one');
  await until(async () => (wake ??= await subscription.claim('one')) !== undefined);
  if (!wake) throw new Error('no wake');
  expect(wake.streams).toMatchObject([{ path: 'jobs/1', has_pending: true }]);
  await expect(subscription.claim('two')).rejects.toMatchObject({ code: 'conflict' });
  const acks = wake.streams.map(({ path, tail_offset }) => ({ stream: path, offset: tail_offset }));
  expect(await subscription.ack(wake, acks, true)).toMatchObject({ ok: true });
  expect(await subscription.claim('two')).toBeUndefined();
  expect(await subscription.get()).toMatchObject({ status: 'active', streams: [{ path: 'jobs/1' }] });
  await subscription.add(['room/1']);
  await subscription.remove('room/1');
  await subscription.delete();
  await expect(subscription.get()).rejects.toMatchObject({ code: 'notFound' });
});
