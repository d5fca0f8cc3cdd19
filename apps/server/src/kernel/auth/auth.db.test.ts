import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Scope, scopes } from '@muster/protocol';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { type Clock, FakeClock, newId, systemClock } from '#kernel/base';
import { type Bus, inProcessBus } from '#kernel/bus';
import { sql } from '#kernel/db';
import { loneMetrics, silentLogger } from '#kernel/telemetry';
import { testDatabase } from '#test/database';
import { until } from '#test/until';
import { mintKey, mintRunToken } from './credentials.ts';
import { type AuthOptions, createAuth, defaultProjectId, readAudit, systemPrincipal, writeAudit } from './index.ts';

const asked: string[] = [];
const database = await testDatabase({ onQuery: (label) => void asked.push(label) });
const { db } = database;
const system = systemPrincipal();
let bus: Bus;
const opened: AsyncDisposable[] = [];
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

async function keyring(options: Partial<AuthOptions> & { clock?: Clock } = {}) {
  const auth = createAuth({
    db,
    bus,
    clock: systemClock,
    logger: silentLogger,
    metrics: loneMetrics(silentLogger),
    environmentKeys: [],
    failuresPerMinuteMax: 30,
    auditKeepDays: 400,
    ...options,
  });
  await auth.start();
  opened.push(auth);
  return auth;
}
type Auth = Awaited<ReturnType<typeof keyring>>;
/** Another node hears of a change over the bus: within a second on a quiet machine, and long before its cache would tell. */
const soonRefused = (auth: Auth, credential: string, reason: string) =>
  until(
    () =>
      auth.authenticate(credential).then(
        () => false,
        (error: { reason?: string }) => error.reason === reason,
      ),
    { withinMs: 10_000 },
  );
const makeKey = (auth: Auth, more: { scopes?: Scope[]; expiresAt?: Date; addresses?: string[] } = {}) =>
  db.transaction((tx) =>
    auth.createKey(tx, { projectId: defaultProjectId, name: 'k', scopes: ['builds:read'], ...more }, system),
  );

test('a key resolves to its principal; its secret is stored only as a hash', async () => {
  const auth = await keyring();
  const { row, secret } = await makeKey(auth);
  expect(secret).toMatch(/^mst_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}$/);
  expect(await auth.authenticate(secret)).toEqual({
    kind: 'key',
    keyId: row.id,
    name: 'k',
    projectId: defaultProjectId,
    scopes: ['builds:read'],
    fromEnvironment: false,
  });
  const [stored] = await db.query<{ text: string }>(
    sql`select api_keys::text as text from api_keys where id = ${row.id}`,
  );
  expect(stored?.text).not.toContain(secret.slice(13));
});

test('a wrong shape or checksum never reaches the database; a known key is asked for once', async () => {
  const auth = await keyring();
  const { secret } = await makeKey(auth);
  asked.length = 0;
  const wrong = `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`;
  for (const bad of ['', 'x', 'mst_short', wrong, secret.toLowerCase(), `${secret} `, 'wkt_nothing']) {
    await expect(auth.authenticate(bad), bad).rejects.toMatchObject({
      code: 'unauthenticated',
      reason: 'malformed_credential',
    });
  }
  await expect(auth.authenticate(undefined)).rejects.toMatchObject({ reason: 'no_credential' });
  expect(asked.filter((label) => !label.includes('audit'))).toHaveLength(0);
  await Promise.all(Array.from({ length: 20 }, () => auth.authenticate(secret)));
  expect(asked.filter((label) => label === 'find_key')).toHaveLength(1);
});

test('unknown, revoked and expired have their own reasons', async () => {
  const auth = await keyring();
  await expect(auth.authenticate(mintKey('AAAAAAAA'))).rejects.toMatchObject({ reason: 'wrong_credential' });
  await expect(auth.authenticate(mintRunToken('wkt'))).rejects.toMatchObject({ reason: 'wrong_credential' });
  const expiring = await makeKey(auth, { expiresAt: new Date(Date.now() + 60_000) });
  await auth.authenticate(expiring.secret);
  const late = await keyring();
  await db.query(sql`update api_keys set expires_at = now() - interval '1 second'`);
  await expect(late.authenticate(expiring.secret)).rejects.toMatchObject({ reason: 'expired_credential' });
  const { row, secret } = await makeKey(auth);
  await db.transaction((tx) => auth.revokeKey(tx, defaultProjectId, row.id, system));
  await expect(auth.authenticate(secret)).rejects.toMatchObject({ reason: 'revoked_credential' });
});

test('a revocation reaches another node at once, also when that node was reading the key meanwhile', async () => {
  const one = await keyring();
  const other = await keyring();
  const { row, secret } = await makeKey(one);
  await other.authenticate(secret);
  const reading = other.authenticate(secret);
  await db.transaction((tx) => one.revokeKey(tx, defaultProjectId, row.id, system));
  await reading;
  await soonRefused(other, secret, 'revoked_credential');
});

test('after a rotation both secrets work until the overlap ends', async () => {
  const auth = await keyring();
  const { row, secret } = await makeKey(auth);
  const rotated = await db.transaction((tx) => auth.rotateKey(tx, defaultProjectId, row.id, 60_000, system));
  expect(rotated.row.id).toBe(row.id);
  expect(rotated.secret.slice(0, 12)).toBe(secret.slice(0, 12));
  for (const good of [secret, rotated.secret]) expect(await auth.authenticate(good)).toMatchObject({ keyId: row.id });
  await db.query(sql`update api_keys set previous_until = now() - interval '1 second'`);
  const fresh = await keyring();
  await expect(fresh.authenticate(secret)).rejects.toMatchObject({ reason: 'wrong_credential' });
  await expect(
    db.transaction((tx) => auth.rotateKey(tx, defaultProjectId, row.id, 8 * 86_400_000, system)),
  ).rejects.toMatchObject({ reason: 'bad_overlap' });
  const now = await db.transaction((tx) => auth.rotateKey(tx, defaultProjectId, row.id, 0, system));
  await expect(auth.authenticate(rotated.secret)).rejects.toMatchObject({ reason: 'wrong_credential' });
  expect(await auth.authenticate(now.secret)).toMatchObject({ keyId: row.id });
});

test('address ranges hold, written either way', async () => {
  const auth = await keyring();
  const { secret } = await makeKey(auth, { addresses: ['10.0.0.0/8', '2001:db8::/32'] });
  for (const good of ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8:1::1']) await auth.authenticate(secret, good);
  for (const bad of ['11.0.0.1', '2001:db9::1', undefined])
    await expect(auth.authenticate(secret, bad)).rejects.toMatchObject({
      code: 'forbidden',
      reason: 'address_not_allowed',
    });
  await expect(makeKey(auth, { addresses: ['10.0.0.0/33'] })).rejects.toMatchObject({ reason: 'bad_address_range' });
});

test('failures are counted per address, good credentials never', async () => {
  const clock = new FakeClock();
  const auth = await keyring({ clock, failuresPerMinuteMax: 3 });
  const { secret } = await makeKey(auth);
  for (let i = 0; i < 3; i++)
    await expect(auth.authenticate('bad', '2001:db8::1')).rejects.toMatchObject({ reason: 'malformed_credential' });
  await expect(auth.authenticate('bad', '2001:db8::ffff')).rejects.toMatchObject({
    code: 'exhausted',
    reason: 'too_many_failures',
    retryAfterMs: 20_000,
  });
  expect(await auth.authenticate(secret, '2001:db8::1')).toMatchObject({ kind: 'key' });
  await expect(auth.authenticate('bad', '2001:db8:0:1::1')).rejects.toMatchObject({ reason: 'malformed_credential' });
  await clock.advance(20_000);
  await expect(auth.authenticate('bad', '2001:db8::1')).rejects.toMatchObject({ reason: 'malformed_credential' });
});

test('scopes: a level contains the lower ones, tokens hold none, nobody hands out more than they hold', async () => {
  const auth = await keyring();
  const { secret } = await makeKey(auth, { scopes: ['builds:operate', 'accounts:admin'] });
  const who = await auth.authenticate(secret);
  auth.requireScope(who, 'builds:read');
  expect(() => auth.requireScope(who, 'builds:admin')).toThrow(
    expect.objectContaining({ code: 'forbidden', reason: 'missing_scope', extra: { scope: 'builds:admin' } }),
  );
  expect(() => auth.requireScope({ kind: 'worker', workerId: 'w', projectId: 'p' }, 'builds:read')).toThrow();
  await expect(
    db.transaction((tx) =>
      auth.createKey(tx, { projectId: defaultProjectId, name: 'more', scopes: ['builds:admin'] }, who),
    ),
  ).rejects.toMatchObject({ reason: 'missing_scope' });
  await expect(makeKey(auth, { scopes: ['build:read' as Scope] })).rejects.toMatchObject({
    reason: 'unknown_scope',
    message: expect.stringContaining('builds:read'),
  });
});

test('keys of the environment have a row, cannot be changed, and end when the variable goes', async () => {
  const secret = 'legacy-key-0123456789';
  const auth = await keyring({ environmentKeys: [{ name: 'MUSTER_API_KEY', secret, scopes }] });
  const who = await auth.authenticate(secret);
  expect(who).toMatchObject({ kind: 'key', name: 'MUSTER_API_KEY', fromEnvironment: true });
  const { items } = await auth.listKeys(db, defaultProjectId, { limit: 10 });
  const id = items[0]?.id ?? '';
  await expect(db.transaction((tx) => auth.revokeKey(tx, defaultProjectId, id, system))).rejects.toMatchObject({
    code: 'conflict',
    reason: 'key_from_environment',
  });
  await expect(db.transaction((tx) => auth.rotateKey(tx, defaultProjectId, id, 0, system))).rejects.toMatchObject({
    reason: 'key_from_environment',
  });
  const again = await keyring({
    environmentKeys: [{ name: 'MUSTER_API_KEY', secret: 'another-key-0123456789', scopes }],
  });
  expect(await again.authenticate('another-key-0123456789')).toMatchObject({ keyId: id });
  await expect(again.authenticate(secret)).rejects.toMatchObject({ code: 'unauthenticated' });
  await keyring();
  expect((await auth.listKeys(db, defaultProjectId, { limit: 10 })).items[0]?.revokedAt).toBeInstanceOf(Date);
});

test('the first key is made once, with every scope, in a file only the owner reads', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'muster-auth-'));
  try {
    const made: string[] = [];
    const firstKey = { dataDir, made: (secret: string) => void made.push(secret) };
    const auth = await keyring({ firstKey });
    const file = join(dataDir, 'first-key');
    expect(readFileSync(file, 'utf8').trim()).toBe(made[0]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await auth.authenticate(made[0])).toMatchObject({
      projectId: defaultProjectId,
      scopes: expect.arrayContaining([...scopes]),
    });
    await keyring({ firstKey });
    expect(made).toHaveLength(1);
    expect(await readAudit(db, { projectId: defaultProjectId }, undefined, 10)).toMatchObject([
      { action: 'key.created', actor: 'system' },
    ]);
  } finally {
    rmSync(dataDir, { recursive: true });
  }
});

test('two nodes starting at once make one first key', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'muster-auth-'));
  try {
    const made: string[] = [];
    await Promise.all(
      [1, 2, 3].map(() => keyring({ firstKey: { dataDir, made: (secret) => void made.push(secret) } })),
    );
    expect(made).toHaveLength(1);
    expect(readFileSync(join(dataDir, 'first-key'), 'utf8').trim()).toBe(made[0]);
  } finally {
    rmSync(dataDir, { recursive: true });
  }
});

test('lists are paged newest first; another project sees nothing', async () => {
  const auth = await keyring();
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.unshift((await makeKey(auth)).row.id);
  const first = await auth.listKeys(db, defaultProjectId, { limit: 3 });
  const second = await auth.listKeys(db, defaultProjectId, { limit: 3, cursor: first.nextCursor ?? '' });
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids);
  expect(second.nextCursor).toBeNull();
  await expect(auth.listKeys(db, defaultProjectId, { limit: 3, cursor: 'x' })).rejects.toMatchObject({
    reason: 'bad_cursor',
  });
  const other = newId('project');
  expect((await auth.listKeys(db, other, { limit: 3 })).items).toEqual([]);
  await expect(db.transaction((tx) => auth.revokeKey(tx, other, ids[0] ?? '', system))).rejects.toMatchObject({
    code: 'notFound',
  });
});

test('use is written in batches', async () => {
  const clock = new FakeClock();
  const auth = await keyring({ clock });
  const { row, secret } = await makeKey(auth);
  for (let i = 0; i < 100; i++) await auth.authenticate(secret);
  const lastUsed = async () => (await auth.listKeys(db, defaultProjectId, { limit: 1 })).items[0]?.lastUsedAt;
  expect(await lastUsed()).toBeNull();
  asked.length = 0;
  await clock.advance(10_000);
  await until(async () => (await lastUsed()) instanceof Date);
  expect(asked.filter((label) => label === 'touch_keys')).toHaveLength(1);
  expect(row.lastUsedAt).toBeNull();
});

test('run tokens are bound to their subject and end with it, elsewhere too', async () => {
  const auth = await keyring();
  const other = await keyring();
  const issue = (kind: 'wkt' | 'bld', subject: object) =>
    db.transaction((tx) => auth.issueRunToken(tx, { kind, projectId: defaultProjectId, subject }));
  const worker = await issue('wkt', { workerId: 'wrk_1' });
  const attempt = await issue('bld', { workerId: 'wrk_1', buildId: 'bld_1', term: 2 });
  expect(await other.authenticate(worker)).toEqual({ kind: 'worker', workerId: 'wrk_1', projectId: defaultProjectId });
  expect(await other.authenticate(attempt)).toEqual({
    kind: 'attempt',
    buildId: 'bld_1',
    term: 2,
    workerId: 'wrk_1',
    projectId: defaultProjectId,
  });
  await db.transaction((tx) => auth.endRunTokens(tx, { buildId: 'bld_1', term: 1 }));
  expect(await other.authenticate(attempt)).toMatchObject({ term: 2 });
  await db.transaction((tx) => auth.endRunTokens(tx, { buildId: 'bld_1', term: 2 }, 60_000));
  expect(await other.authenticate(attempt)).toMatchObject({ term: 2 });
  await db.transaction((tx) => auth.endRunTokens(tx, { buildId: 'bld_1', term: 2 }));
  await soonRefused(other, attempt, 'expired_credential');
  expect(await other.authenticate(worker)).toMatchObject({ kind: 'worker' });
  await db.transaction((tx) => auth.endRunTokens(tx, { workerId: 'wrk_1' }));
  await soonRefused(other, worker, 'expired_credential');
});

test('run tokens of a batch come in order, are known at once, and end together', async () => {
  const auth = await keyring();
  const attempts = [1, 2, 3].map((term) => ({ buildId: `bld_${term}`, term }));
  const claims = attempts.map((attempt) => ({
    kind: 'bld' as const,
    projectId: defaultProjectId,
    subject: { ...attempt, workerId: 'wrk_1' },
  }));
  const tokens = await db.transaction((tx) => auth.issueRunTokens(tx, claims));
  asked.length = 0;
  for (const [i, token] of tokens.entries()) expect(await auth.authenticate(token)).toMatchObject(attempts[i] ?? {});
  expect(asked).toEqual([]);
  const fresh = await keyring();
  for (const [i, token] of tokens.entries()) expect(await fresh.authenticate(token)).toMatchObject(attempts[i] ?? {});

  await db.transaction((tx) => auth.endRunTokensOf(tx, attempts.slice(0, 2)));
  for (const token of tokens.slice(0, 2))
    await expect(auth.authenticate(token)).rejects.toMatchObject({ reason: 'expired_credential' });
  expect(await auth.authenticate(tokens[2])).toMatchObject({ term: 3 });
  await expect(
    db.transaction(async (tx) => {
      tokens.push(...(await auth.issueRunTokens(tx, claims)));
      throw new Error('rolled back');
    }),
  ).rejects.toThrow('rolled back');
  await expect(auth.authenticate(tokens.at(-1))).rejects.toMatchObject({ reason: 'wrong_credential' });
});

test('a credential of another room is known by its shape', async () => {
  const auth = await keyring();
  auth.recognise({
    looksLike: (text) => text.length === 43,
    resolve: async (text) =>
      text.startsWith('good') ? { kind: 'build', buildId: 'bld_1', projectId: 'p' } : undefined,
  });
  expect(await auth.authenticate('good'.padEnd(43, 'x'))).toMatchObject({ kind: 'build' });
  await expect(auth.authenticate('evil'.padEnd(43, 'x'))).rejects.toMatchObject({ reason: 'wrong_credential' });
});

test('audit: secrets read changed, refusals are sampled, old months go whole', async () => {
  const auth = await keyring();
  await db.transaction((tx) =>
    writeAudit(tx, {
      who: system,
      action: 'x',
      subject: 's',
      before: { name: 'a', password: 'p1' },
      after: { name: 'b', password: 'p2', deep: [{ apiKey: 'k' }] },
    }),
  );
  expect((await readAudit(db, { projectId: defaultProjectId }, undefined, 1))[0]).toMatchObject({
    before: { name: 'a', password: 'changed' },
    after: { deep: [{ apiKey: 'changed' }] },
  });

  for (let i = 0; i < 20; i++) await auth.authenticate('bad', '10.0.0.9').catch(() => undefined);
  const refused = () =>
    db.query<{ n: number }>(
      sql`select count(*)::int as n from audit where outcome = 'refused' and address = '10.0.0.9'`,
    );
  await until(async () => ((await refused())[0]?.n ?? 0) > 0);
  expect((await refused())[0]?.n).toBeLessThanOrEqual(2);

  await db.query(
    sql`insert into audit (id, at, actor_kind, actor, action, subject, outcome) values ('aud_old', now() - interval '500 days', 'system', 'system', 'x', 's', 'done')`,
  );
  await db.query(sql`select audit_partition(now() - interval '500 days')`);
  const old = () => db.query(sql`select 1 from audit where id = 'aud_old'`);
  expect(await old()).toHaveLength(1);
  await keyring();
  expect(await old()).toHaveLength(0);
});
