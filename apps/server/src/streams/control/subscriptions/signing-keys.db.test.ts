/* Keys of subscription webhooks: one for all processes, replaced with age and with the server's secret, published a day longer. */
import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { FakeClock, unavailable } from '#kernel/base';
import { sql } from '#kernel/db';
import { loneMetrics, silentLogger } from '#kernel/telemetry';
import { testDatabase } from '#test/database';
import { subscriptionEvents } from './events.ts';
import { type Box, SigningKeys } from './signing-keys.ts';

const database = await testDatabase();
const { db } = database;
const clock = new FakeClock();
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(() => database.wipe());

/** Seals with one byte, and opens only what it sealed for the same place. */
const boxOf = (secret: number): Box => ({
  seal: (plain, bound = Buffer.of()) => Buffer.concat([Buffer.of(secret, bound.length), bound, plain]),
  open(sealed, bound = Buffer.of()) {
    const bytes = Buffer.from(sealed);
    if (bytes[0] !== secret || !bytes.subarray(2, 2 + bound.length).equals(bound))
      throw unavailable('secrets_unreadable', 'no');
    return bytes.subarray(2 + bound.length);
  },
});
const keysOf = (secret = 1): SigningKeys =>
  new SigningKeys({
    db,
    clock,
    box: boxOf(secret),
    events: subscriptionEvents(silentLogger, loneMetrics(silentLogger)),
  });
const published = async (keys: SigningKeys): Promise<string[]> =>
  (await keys.published()).keys.map(({ kid = '' }) => kid);

test('made once, by however many ask at once; the same for every process', async () => {
  const [one, two] = [keysOf(), keysOf()];
  const kids = await Promise.all([one, two, one, two].map((keys) => keys.currentKid()));
  expect(new Set(kids).size).toBe(1);
  expect(kids[0]).toMatch(/^ds_[A-Za-z0-9_-]{16}$/);
  expect(await published(one)).toEqual([kids[0]]);
  const [row] = await db.query<{ sealed: Buffer }>(sql`select sealed from stream_signing_keys`);
  expect(row?.sealed[0]).toBe(1);
});

test('what it signs verifies by what it publishes', async () => {
  const keys = keysOf();
  const said = await keys.sign('{"a":1}');
  const [, t, kid, signature = ''] = /^t=(\d+),kid=(ds_[^,]+),ed25519=([A-Za-z0-9_-]+)$/.exec(said) ?? [];
  expect(Number(t)).toBe(Math.floor(clock.now() / 1000));
  const key = (await keys.published()).keys.find((one) => one['kid'] === kid);
  const publicKey = createPublicKey({ key: key ?? {}, format: 'jwk' });
  expect(verify(null, Buffer.from(`${t}.{"a":1}`), publicKey, Buffer.from(signature, 'base64url'))).toBe(true);
  expect(verify(null, Buffer.from(`${t}.{"a":2}`), publicKey, Buffer.from(signature, 'base64url'))).toBe(false);
});

test('an old key is replaced and stays published for a day, then goes', async () => {
  const keys = keysOf();
  const first = await keys.currentKid();
  await keys.keepHouse();
  expect(await keys.currentKid()).toBe(first);
  await db.query(sql`update stream_signing_keys set created_at = now() - interval '91 days'`);
  await keys.keepHouse();
  const second = await keys.currentKid();
  expect(second).not.toBe(first);
  expect((await published(keys)).sort()).toEqual([first, second].sort());
  await db.query(sql`update stream_signing_keys set retired_at = now() - interval '25 hours' where kid = ${first}`);
  expect(await published(keys)).toEqual([second]);
  await db.query(sql`update stream_signing_keys set retired_at = now() - interval '49 hours' where kid = ${first}`);
  await keys.keepHouse();
  expect(await db.query(sql`select kid from stream_signing_keys`)).toEqual([{ kid: second }]);
});

test('a key that the present secret does not open is replaced; other processes follow within a minute', async () => {
  const before = keysOf(1);
  const first = await before.currentKid();
  const after = keysOf(2);
  const second = await after.currentKid();
  expect(second).not.toBe(first);
  expect(await published(after)).toContain(first);
  const follower = keysOf(2);
  expect(await follower.currentKid()).toBe(second);
});
