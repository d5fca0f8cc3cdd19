/* Targets over their routes: what is taken, what is never shown, who answers for them. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { defaultProjectId } from '#kernel/auth';
import { MusterError } from '#kernel/base';
import { sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { fakeFloImg } from '#test/fake-floimg';
import { type TargetsRoom, targetsRoom } from '#test/targets-room';

const database = await testDatabase();
const { db } = database;
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(() => database.wipe());

const token = 'fst_never_to_be_seen_again';
const wanted = (baseUrl: string, more: object = {}) => ({ id: 'studio', title: 'Studio', baseUrl, token, ...more });
const statements = { iOperateOrHaveConsent: true, usersCanSeeAutomation: true, numbersKeepBotsApart: true };
const make = async (room: TargetsRoom, baseUrl: string, more: object = {}) => {
  const made = await room.ask('', { json: wanted(baseUrl, more) });
  expect(made.status, made.text).toBe(201);
  return made.body;
};
const audited = () =>
  db.query<{ action: string; before: unknown; after: unknown }>(
    sql`select action, before, after from audit where action like 'gallery.%' order by at, id`,
  );

describe('tokens', () => {
  test('go out to the gallery and are shown nowhere', async () => {
    await using fake = await fakeFloImg();
    await using room = await targetsRoom(db);
    const made = await make(room, fake.url, { token: fake.token, legacyBotSecret: 'older-secret-value' });
    expect(made).toMatchObject({ tokenSet: true, legacyBotSecretSet: true, acknowledgement: null, kind: 'floimg' });
    const texts = [
      JSON.stringify(made),
      (await room.ask('')).text,
      (await room.ask('/studio')).text,
      (await room.ask('/studio', { method: 'PATCH', json: { title: 'Other' } })).text,
      (await room.ask('/studio/check', { json: {} })).text,
      JSON.stringify(await audited()),
      JSON.stringify(
        await db.query(
          sql`select encode(token, 'escape') as t, encode(legacy_secret, 'escape') as l from gallery_targets`,
        ),
      ),
    ];
    for (const text of texts) expect(text).not.toMatch(/fst_test_token|older-secret-value/);
    expect(fake.requests[0]?.headers['authorization']).toBe(`Bearer ${fake.token}`);
    expect((await room.ask('/studio', { method: 'PATCH', json: { token: null } })).body).toMatchObject({
      tokenSet: false,
    });
  });

  test('that no header can carry are refused', async () => {
    await using room = await targetsRoom(db);
    const refused = await room.ask('', { json: wanted('http://127.0.0.1:9', { token: 'fst_a\r\nx-admin: yes' }) });
    expect(refused.body).toMatchObject({ reason: 'token_malformed' });
  });

  test('do not follow a base URL to another host', async () => {
    await using room = await targetsRoom(db);
    await make(room, 'http://127.0.0.1:9/one');
    const here = await room.ask('/studio', { method: 'PATCH', json: { baseUrl: 'http://127.0.0.1:9/two' } });
    expect(here.body).toMatchObject({ tokenSet: true });
    const there = await room.ask('/studio', { method: 'PATCH', json: { baseUrl: 'http://127.0.0.1:10/two' } });
    expect(there.body).toMatchObject({ tokenSet: false });
    const both = await room.ask('/studio', { method: 'PATCH', json: { baseUrl: 'http://127.0.0.1:11', token } });
    expect(both.body).toMatchObject({ tokenSet: true });
  });
});

describe('addresses', () => {
  test.each([
    'https://user:pw@gallery.example',
    'file:///etc/passwd',
    'ftp://gallery.example',
    'gallery.example',
    'https://10.0.0.7',
    'https://[fd00::1]/x',
    'http://169.254.169.254/latest',
    'https://gallery.example?token=x',
    'https://192.168.1.1',
  ])('%s is no address of a gallery', async (baseUrl) => {
    await using room = await targetsRoom(db);
    const refused = await room.ask('', { json: wanted(baseUrl) });
    expect(refused.status).toBe(400);
    expect(refused.body).toMatchObject({ reason: 'target_address', errors: [{ pointer: '/baseUrl' }] });
    await make(room, 'http://127.0.0.1:9');
    const moved = await room.ask('/studio', { method: 'PATCH', json: { baseUrl } });
    expect(moved.body).toMatchObject({ reason: 'target_address' });
  });

  test('loopback only while this server listens there', async () => {
    await using room = await targetsRoom(db, { outbound: { loopback: false } });
    expect((await room.ask('', { json: wanted('http://127.0.0.1:9') })).body).toMatchObject({
      reason: 'target_address',
    });
  });

  test('what the settings name may be private', async () => {
    await using fake = await fakeFloImg();
    const config = { floimgUrl: `${fake.url}/`, floimgToken: fake.token };
    await using room = await targetsRoom(db, { config, outbound: { loopback: false } });
    await db.transaction((tx) => room.targets.ensureTargets(tx, defaultProjectId));
    const checked = await room.ask('/floimg/check', { json: {} });
    expect(checked.body, checked.text).toMatchObject({ ok: true });
    expect((await room.ask('/floimg')).body).toMatchObject({ health: { ok: true, detail: 'All is well.' } });
  });
});

describe('somebody answers for it', () => {
  test('the host is typed and each statement accepted; another address voids it', async () => {
    await using room = await targetsRoom(db);
    await make(room, 'http://127.0.0.1:9/gallery');
    const wrong = await room.ask('/studio/acknowledge', { json: { host: 'localhost:9', ...statements } });
    expect(wrong.body).toMatchObject({ reason: 'host_mismatch' });
    const half = await room.ask('/studio/acknowledge', {
      json: { host: '127.0.0.1:9', ...statements, numbersKeepBotsApart: false },
    });
    expect(half.status).toBe(400);
    const done = await room.ask('/studio/acknowledge', { json: { host: '127.0.0.1:9', ...statements } });
    expect(done.body).toMatchObject({
      acknowledgement: { host: '127.0.0.1:9', textVersion: 1, by: expect.stringMatching(/^key:/) },
    });
    expect(room.emitted).toMatchObject([{ type: 'gallery.target.acknowledged', targetId: 'studio' }]);
    const rows = await audited();
    expect(rows.at(-1)).toMatchObject({
      action: 'gallery.acknowledge_target',
      after: { host: '127.0.0.1:9', textVersion: 1 },
    });
    expect((await room.ask('/studio', { method: 'PATCH', json: { title: 'Same place' } })).body).not.toMatchObject({
      acknowledgement: null,
    });
    const moved = await room.ask('/studio', { method: 'PATCH', json: { baseUrl: 'http://127.0.0.1:9/elsewhere' } });
    expect(moved.body).toMatchObject({ acknowledgement: null });
  });

  test('nobody acts before that', async () => {
    await using fake = await fakeFloImg();
    await using room = await targetsRoom(db);
    await make(room, fake.url, { token: fake.token });
    const refused = await room.targets.acting(defaultProjectId, 'studio').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(MusterError);
    expect(refused).toMatchObject({ code: 'conflict', reason: 'target_not_acknowledged' });
    expect((await room.ask('/studio/check', { json: {} })).body).toMatchObject({ ok: true });
    await room.ask('/studio/acknowledge', { json: { host: new URL(fake.url).host, ...statements } });
    expect((await room.targets.acting(defaultProjectId, 'studio')).row.acknowledged).toBe(true);
  });

  test('only who may administer', async () => {
    await using room = await targetsRoom(db);
    await make(room, 'http://127.0.0.1:9');
    const key = await room.key('gallery:operate');
    for (const [path, method, json] of [
      ['', 'POST', wanted('http://127.0.0.1:8', { id: 'other' })],
      ['/studio', 'PATCH', { title: 'x' }],
      ['/studio', 'DELETE', undefined],
      ['/studio/acknowledge', 'POST', { host: '127.0.0.1:9', ...statements }],
    ] as const)
      expect((await room.ask(path, { method, json, key })).body).toMatchObject({ reason: 'missing_scope' });
    expect((await room.ask('/studio/hold', { json: {}, key: await room.key('gallery:read') })).status).toBe(403);
    expect((await room.ask('/studio/hold', { json: {}, key })).status).toBe(200);
  });
});

describe('the settings', () => {
  test('make the target floimg, move it along and acknowledge it by its host', async () => {
    const ensure = async (config: object): Promise<Record<string, unknown>> => {
      await using room = await targetsRoom(db, { config });
      await db.transaction((tx) => room.targets.ensureTargets(tx, defaultProjectId));
      return (await room.ask('/floimg')).body;
    };
    expect(await ensure({ floimgUrl: 'http://studio.internal:3000/', floimgToken: token })).toMatchObject({
      baseUrl: 'http://studio.internal:3000',
      tokenSet: true,
      acknowledgement: null,
      capabilities: { upload: true, execute: true, idempotency: false, explicitUnlike: false },
      version: 1,
    });
    expect(
      await ensure({ floimgUrl: 'http://studio.internal:3000', floimgToken: token, ackHost: 'other' }),
    ).toMatchObject({
      acknowledgement: null,
      version: 1,
    });
    const named = { floimgUrl: 'http://studio.internal:3000', floimgToken: token, ackHost: 'Studio.internal:3000' };
    expect(await ensure(named)).toMatchObject({
      acknowledgement: { by: 'setting MUSTER_GALLERY_ACK_HOST' },
      version: 2,
    });
    expect(await ensure(named)).toMatchObject({ version: 2 });
    expect(await ensure({ floimgUrl: 'http://other.internal', floimgBotSecret: 'older' })).toMatchObject({
      acknowledgement: null,
      tokenSet: false,
      legacyBotSecretSet: true,
    });
  });

  test('speak for the default project only: the token is the operator’s', async () => {
    await using room = await targetsRoom(db, {
      config: { floimgUrl: 'http://studio.internal:3000', floimgToken: token },
    });
    await db.transaction((tx) => room.targets.ensureTargets(tx, 'prj_0000000000000000000000000z'));
    expect(await db.query(sql`select 1 from gallery_targets`)).toEqual([]);
  });

  test('decide what they decide; the API does not', async () => {
    await using room = await targetsRoom(db, { config: { floimgUrl: 'http://studio.internal:3000' } });
    await db.transaction((tx) => room.targets.ensureTargets(tx, defaultProjectId));
    const moved = await room.ask('/floimg', { method: 'PATCH', json: { baseUrl: 'http://127.0.0.1:9' } });
    expect(moved.body).toMatchObject({ reason: 'target_from_environment' });
    expect((await room.ask('/floimg', { method: 'DELETE' })).body).toMatchObject({ reason: 'target_from_environment' });
    expect((await room.ask('/floimg', { method: 'PATCH', json: { rps: 3 } })).body).toMatchObject({ rps: 3 });
  });
});

describe('rows', () => {
  test('list, version, idempotency, removal', async () => {
    await using room = await targetsRoom(db);
    const headers = { 'idempotency-key': 'make-studio' };
    const first = await room.ask('', { json: wanted('http://127.0.0.1:9'), headers });
    expect((await room.ask('', { json: wanted('http://127.0.0.1:9'), headers })).body).toEqual(first.body);
    expect((await room.ask('', { json: wanted('http://127.0.0.1:9') })).body).toMatchObject({
      reason: 'target_exists',
    });
    await make(room, 'http://127.0.0.1:9', { id: 'atelier' });
    const page = await room.ask('?limit=1');
    expect(page.body).toMatchObject({ items: [{ id: 'atelier' }], nextCursor: 'atelier' });
    expect((await room.ask(`?cursor=atelier`)).body).toMatchObject({ items: [{ id: 'studio' }], nextCursor: null });
    const stale = await room.ask('/studio', { method: 'PATCH', json: { rps: 5 }, headers: { 'if-match': '"7"' } });
    expect(stale.body).toMatchObject({ reason: 'version_conflict' });
    await room.bot({ targetId: 'studio' });
    expect((await room.ask('/studio', { method: 'DELETE' })).body).toMatchObject({ reason: 'target_in_use' });
    expect((await room.ask('/atelier', { method: 'DELETE' })).status).toBe(204);
    expect((await room.ask('/atelier')).body).toMatchObject({ reason: 'no_such_target' });
  });

  test('a fixed share ends the phase-out; unknown fields are named', async () => {
    await using room = await targetsRoom(db);
    const phaseOut = { from: 10, to: 100, minShare: 0.1, stepMax: 0.1 };
    expect(await make(room, 'http://127.0.0.1:9', { phaseOut })).toMatchObject({ phaseOut, share: 1 });
    expect((await room.ask('/studio', { method: 'PATCH', json: { share: 0.4 } })).body).toMatchObject({
      phaseOut: null,
      share: 0.4,
    });
    expect((await room.ask('/studio', { method: 'PATCH', json: { baseURL: 'x' } })).text).toContain('baseUrl');
  });

  test('the gate is shut and opened by hand, and opening gives the target a fresh chance', async () => {
    await using fake = await fakeFloImg();
    await using room = await targetsRoom(db);
    await make(room, fake.url, { token: fake.token });
    fake.faults.push({ kind: 'wrongShape' });
    const bad = await room.ask('/studio/check', { json: {} });
    expect(bad.body).toMatchObject({
      ok: false,
      findings: [
        { what: 'reachability', ok: true },
        { what: 'feed', ok: false },
      ],
    });
    fake.faults.length = 0;
    expect((await room.ask('/studio/check', { json: {} })).body).toMatchObject({ ok: false });
    const held = await room.ask('/studio/hold', { json: { reason: 'moving house' } });
    expect(held.body).toMatchObject({ gate: { state: 'held', reason: 'moving house' } });
    expect((await room.ask('/studio/open', { json: {} })).body).toMatchObject({
      gate: { state: 'open', reason: null },
    });
    expect(room.gates.map(({ state }) => state)).toEqual(['held', 'open']);
    expect((await room.ask('/studio/check', { json: {} })).body).toMatchObject({ ok: true });
    expect((await audited()).map(({ action }) => action)).toEqual([
      'gallery.add_target',
      'gallery.hold_target',
      'gallery.open_target',
    ]);
  });

  test('a change is seen at once by whoever asks for the client', async () => {
    await using fake = await fakeFloImg();
    await using room = await targetsRoom(db);
    await make(room, fake.url, { token: fake.token });
    const before = await room.targets.of(defaultProjectId, 'studio');
    expect(await room.targets.of(defaultProjectId, 'studio')).toBe(before);
    await room.ask('/studio', { method: 'PATCH', json: { captionFooter: 'by bots' } });
    const after = await room.targets.of(defaultProjectId, 'studio');
    expect(after.row.captionFooter).toBe('by bots');
    expect(after.breaker).toBe(before.breaker);
    await expect(room.targets.of(defaultProjectId, 'nowhere')).rejects.toMatchObject({ reason: 'no_such_target' });
  });
});
