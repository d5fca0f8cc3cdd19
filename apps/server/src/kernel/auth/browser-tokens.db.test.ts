/* Browser tokens, and what is known of any credential without asking: what makes one, what ends one, on every node. */
import { randomBytes } from 'node:crypto';
import type { Scope } from '@muster/protocol';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { FakeClock, type MusterError, systemClock } from '#kernel/base';
import { type Bus, inProcessBus } from '#kernel/bus';
import { sql } from '#kernel/db';
import { loneMetrics, silentLogger } from '#kernel/telemetry';
import { testDatabase } from '#test/database';
import { until } from '#test/until';
import { type AuthOptions, createAuth, defaultProjectId, type NewBrowserToken, systemPrincipal } from './index.ts';

const asked: string[] = [];
const database = await testDatabase({ onQuery: (label) => void asked.push(label) });
const { db } = database;
const system = systemPrincipal();
const seeds = [randomBytes(32), randomBytes(32)];
const opened: AsyncDisposable[] = [];
let bus: Bus;
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  await database.wipe();
  bus = inProcessBus((_, error) => {
    throw error;
  });
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one[Symbol.asyncDispose]();
});

async function keyring(options: Partial<AuthOptions> = {}) {
  const auth = createAuth({
    db,
    bus,
    clock: systemClock,
    logger: silentLogger,
    metrics: loneMetrics(silentLogger),
    environmentKeys: [],
    browserTokenSeeds: seeds,
    failuresPerMinuteMax: 10_000,
    auditKeepDays: 400,
    ...options,
  });
  await auth.start();
  opened.push(auth);
  return auth;
}
type Auth = Awaited<ReturnType<typeof keyring>>;

const makeKey = async (auth: Auth, scopes: Scope[] = ['streams:operate'], more: { addresses?: string[] } = {}) =>
  db.transaction((tx) => auth.createKey(tx, { projectId: defaultProjectId, name: 'k', scopes, ...more }, system));
const tokenOf = (auth: Auth, keyId: string, more: Partial<NewBrowserToken> = {}) =>
  auth.issueBrowserToken({
    keyId,
    projectId: defaultProjectId,
    subject: null,
    paths: ['a/**'],
    operations: ['read'],
    producerPrefix: null,
    renewable: false,
    ttlMs: 60_000,
    ...more,
  });
const reasonOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'good',
    (error: MusterError) => error.reason,
  );

test('a token is its rights, its maker and its end; the public keys verify it', async () => {
  const auth = await keyring();
  const { row } = await makeKey(auth, ['streams:operate', 'builds:read']);
  const before = Date.now();
  const { token, tokenId, expiresAt } = await tokenOf(auth, row.id, {
    subject: 'u 42',
    operations: ['read', 'append'],
    producerPrefix: 'web-',
    renewable: true,
  });
  expect(await auth.authenticate(token)).toMatchObject({
    kind: 'browser',
    tokenId,
    keyId: row.id,
    projectId: defaultProjectId,
    subject: 'u 42',
    scopes: ['streams:operate', 'builds:read'],
    paths: ['a/**'],
    operations: ['read', 'append'],
    producerPrefix: 'web-',
    renewable: true,
    expiresAt,
  });
  expect(expiresAt).toBeGreaterThanOrEqual(before + 60_000);
  expect(expiresAt).toBeLessThan(before + 62_000);
  const { keys } = auth.browserKeys();
  expect(keys.map(({ alg, crv, use }) => [alg, crv, use])).toEqual([
    ['EdDSA', 'Ed25519', 'sig'],
    ['EdDSA', 'Ed25519', 'sig'],
  ]);
  const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: keys as never }), { issuer: 'muster' });
  expect(payload).toMatchObject({ sub: 'u 42', prj: defaultProjectId, rights: ['read', 'append'] });
});

test('what is known is known at once, for keys and tokens alike, and asks nothing', async () => {
  const auth = await keyring();
  const { row, secret } = await makeKey(auth);
  const { token } = await tokenOf(auth, row.id);
  expect([auth.known(secret), auth.known(token)]).toEqual([undefined, undefined]);
  const byKey = await auth.authenticate(secret);
  const byToken = await auth.authenticate(token);
  asked.length = 0;
  expect(auth.known(secret)).toBe(byKey);
  expect(auth.known(token)).toBe(byToken);
  expect(await auth.authenticate(token)).toBe(byToken);
  expect(asked).toEqual([]);
});

test('addresses hold for what is known too', async () => {
  const auth = await keyring();
  const { secret } = await makeKey(auth, ['streams:read'], { addresses: ['10.0.0.0/8'] });
  const who = await auth.authenticate(secret, '10.1.1.1');
  expect(auth.known(secret, '10.1.1.2')).toBe(who);
  expect(auth.known(secret, '11.1.1.2')).toBeUndefined();
  expect(auth.known(secret)).toBeUndefined();
});

test('the end comes by the clock, also for what is known', async () => {
  const clock = new FakeClock(Date.now());
  const auth = await keyring({ clock });
  const { row } = await makeKey(auth);
  const { token, expiresAt } = await tokenOf(auth, row.id, { ttlMs: 5000 });
  await auth.authenticate(token);
  await clock.advance(expiresAt - clock.now() - 1);
  expect(auth.known(token)).toBeDefined();
  await clock.advance(1);
  expect(auth.known(token)).toBeUndefined();
  expect(await reasonOf(auth.authenticate(token))).toBe('expired_credential');
});

test('forged, changed, unsigned, foreign and overlong tokens are all wrong', async () => {
  const auth = await keyring();
  const { row } = await makeKey(auth);
  const { token } = await tokenOf(auth, row.id);
  const [head = '', body = '', signature = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
  const recoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const wider = [head, recoded({ ...claims, paths: ['**'] }), signature].join('.');
  const unsigned = new UnsecuredJWT(claims).encode();
  const none = [recoded({ alg: 'none', typ: 'JWT' }), body, ''].join('.');
  const { kid } = decodeProtectedHeader(token);
  const symmetric = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', kid: kid ?? '', typ: 'JWT' })
    .sign(Buffer.from(auth.browserKeys().keys[0]?.['x'] ?? ''));
  const other = await keyring({ browserTokenSeeds: [randomBytes(32)], bus: inProcessBus(() => undefined) });
  const { token: foreign } = await tokenOf(other, row.id);
  for (const bad of [wider, symmetric, foreign, `${token}x`, `${head}.${body}.${'A'.repeat(signature.length)}`])
    expect(await reasonOf(auth.authenticate(bad))).toBe('wrong_credential');
  for (const bad of [unsigned, none])
    expect(['wrong_credential', 'malformed_credential']).toContain(await reasonOf(auth.authenticate(bad)));
  expect(await reasonOf(auth.authenticate(`${head}.${'A'.repeat(7000)}.${signature}`))).toBe('wrong_credential');
  // Signed by us, but for something else.
  const audience = await keyring();
  expect(await reasonOf(audience.authenticate(token))).toBe('good');
});

test('a secret that changed still knows the tokens of the one before, and forgets them with it', async () => {
  const [old = Buffer.alloc(32), fresh = Buffer.alloc(32)] = seeds;
  const before = await keyring({ browserTokenSeeds: [old] });
  const { row } = await makeKey(before);
  const { token } = await tokenOf(before, row.id);
  expect(await reasonOf((await keyring({ browserTokenSeeds: [fresh, old] })).authenticate(token))).toBe('good');
  expect(await reasonOf((await keyring({ browserTokenSeeds: [fresh] })).authenticate(token))).toBe('wrong_credential');
});

test('a token dies with its key on every node, known or not, and long calls hear of it', async () => {
  const [one, two] = [await keyring(), await keyring()];
  const { row, secret } = await makeKey(one);
  const { token } = await tokenOf(one, row.id);
  const spare = await tokenOf(one, (await makeKey(one)).row.id);
  const ended: string[] = [];
  for (const [name, auth] of [
    ['one', one],
    ['two', two],
  ] as const) {
    auth.heed(await auth.authenticate(token), () => ended.push(`${name} token`));
    auth.heed(await auth.authenticate(secret), () => ended.push(`${name} key`));
    auth.heed(await auth.authenticate(spare.token), () => ended.push(`${name} spare`));
    auth.heed(await auth.authenticate(token), () => ended.push('let go'))[Symbol.dispose]();
  }
  await db.transaction((tx) => one.revokeKey(tx, defaultProjectId, row.id, system));
  expect(one.known(token)).toBeUndefined();
  await until(() => two.known(token) === undefined && ended.length === 4);
  expect(ended.sort()).toEqual(['one key', 'one token', 'two key', 'two token']);
  expect(await reasonOf(two.authenticate(token))).toBe('revoked_credential');
  expect(await reasonOf(two.authenticate(spare.token))).toBe('good');
});

test('a new secret for the key leaves its tokens and long calls alone', async () => {
  const auth = await keyring();
  const { row } = await makeKey(auth);
  const { token } = await tokenOf(auth, row.id);
  let ended = 0;
  auth.heed(await auth.authenticate(token), () => (ended += 1));
  await db.transaction((tx) => auth.rotateKey(tx, defaultProjectId, row.id, 0, system));
  expect(await reasonOf(auth.authenticate(token))).toBe('good');
  expect(ended).toBe(0);
});

test('revocation of an end user, or of a key’s tokens: those that exist, not the next ones', async () => {
  const auth = await keyring();
  const { row } = await makeKey(auth);
  const mine = await tokenOf(auth, row.id, { subject: 'u1' });
  const other = await tokenOf(auth, row.id, { subject: 'u2' });
  const nobody = await tokenOf(auth, row.id);
  const ended: string[] = [];
  for (const { token, tokenId } of [mine, other, nobody])
    auth.heed(await auth.authenticate(token), () => ended.push(tokenId));
  const revoke = (of: { subject: string } | { keyId: string }) =>
    db.transaction((tx) => auth.revokeBrowserTokens(tx, defaultProjectId, of));
  await revoke({ subject: 'u1' });
  expect(await reasonOf(auth.authenticate(mine.token))).toBe('revoked_credential');
  expect(await reasonOf(auth.authenticate(other.token))).toBe('good');
  await until(() => ended.length === 1);
  expect(ended).toEqual([mine.tokenId]);
  const next = await tokenOf(auth, row.id, { subject: 'u1' });
  expect(await reasonOf(auth.authenticate(next.token))).toBe('good');
  await revoke({ keyId: row.id });
  for (const { token } of [next, other, nobody])
    expect(await reasonOf(auth.authenticate(token))).toBe('revoked_credential');
  expect(await reasonOf(auth.authenticate((await tokenOf(auth, row.id, { subject: 'u1' })).token))).toBe('good');
  await revoke({ subject: 'u1' });
  await revoke({ subject: 'u1' });
  expect((await db.query(sql`select 1 from browser_token_epochs where epoch > 0`)).length).toBe(2);
});

test('scopes are those the maker holds at the time of use', async () => {
  const auth = await keyring();
  const { row } = await makeKey(auth, ['streams:admin']);
  const { token } = await tokenOf(auth, row.id);
  await db.query(sql`update api_keys set scopes = '{streams:read}' where id = ${row.id}`);
  expect(await auth.authenticate(token)).toMatchObject({ scopes: ['streams:read'] });
});

test('a key that expires ends its tokens and long calls; a look that fails ends nobody', async () => {
  const clock = new FakeClock(Date.now());
  const auth = await keyring({ clock });
  const { row } = await makeKey(auth);
  const { token } = await tokenOf(auth, row.id, { ttlMs: 600_000 });
  let ended = 0;
  auth.heed(await auth.authenticate(token), () => (ended += 1));
  await db.query(sql`alter table browser_token_epochs rename to away`);
  asked.length = 0;
  await clock.advance(60_000);
  await until(() => asked.some((label) => label.includes('find_maker')));
  await db.query(sql`alter table away rename to browser_token_epochs`);
  expect(ended).toBe(0);
  await db.query(sql`update api_keys set expires_at = now() - interval '1 second' where id = ${row.id}`);
  await clock.advance(60_000);
  await until(() => ended === 1);
  expect(await reasonOf(auth.authenticate(token))).toBe('revoked_credential');
});

test('too many paths for a header are refused when made', async () => {
  const auth = await keyring();
  const { row } = await makeKey(auth);
  const paths = Array.from({ length: 20 }, (_, i) => `${i}${'x'.repeat(400)}/**`);
  expect(await reasonOf(tokenOf(auth, row.id, { paths }))).toBe('token_too_long');
});
