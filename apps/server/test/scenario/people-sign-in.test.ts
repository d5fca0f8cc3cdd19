/* Signing in and out over real sockets: cookies, limits, other sites, and how long a sign-in lasts. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '#kernel/base';
import { sql } from '#kernel/db';
import { goodPassword, type PeopleServer, startPeople, type TestBrowser } from '#test/people';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
let ahead = 0;
const clock = { ...systemClock, now: () => systemClock.now() + ahead };

let server: PeopleServer;
let admin: TestBrowser;
beforeAll(async () => {
  server = await startPeople({ options: { clock } });
  admin = await server.setUp();
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  ahead = 0;
  await server.forgetTries();
});

const ada = 'ada@example.com';
const rows = (): Promise<{ token_hash: string }[]> => server.database.db.query(sql`select token_hash from sign_ins`);

describe('the cookie', () => {
  test('is HttpOnly, Lax, for the whole server, and holds nothing the database shows', async () => {
    const browser = server.browser('one browser');
    const response = await browser.signIn('ADA@example.com ');
    expect(response.status).toBe(303);
    expect(browser.line).toMatch(
      /^muster_session=[A-Za-z0-9]{32}\.[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/,
    );
    expect(response.headers.getSetCookie()).toHaveLength(1);
    const [token = ''] = browser.cookie.split('.');
    const all = await server.database.db.query(sql`select s::text as s from sign_ins s`);
    expect(JSON.stringify(all)).not.toContain(token);
    expect(JSON.stringify(server.logs)).not.toContain(token);
    const { body } = await browser.api<{ items: { current: boolean; userAgent: string; address: string }[] }>(
      '/v1/sign-ins',
    );
    expect(body.items.find(({ current }) => current)).toMatchObject({ userAgent: 'one browser', address: '127.0.0.1' });
  });

  test('by the API the answer says who, never the token', async () => {
    const browser = server.browser();
    const made = await browser.api('/api/auth/sign-in/email', { json: { email: ada, password: goodPassword } });
    expect(made).toMatchObject({ status: 200, body: { kind: 'person', email: ada } });
    expect(JSON.stringify(made.body)).not.toContain(browser.cookie.split('.')[0]);
    expect((await browser.api('/v1/me')).status).toBe(200);
    expect((await browser.api('/api/auth/sign-out', { method: 'POST' })).status).toBe(204);
    expect(browser.cookie).toBe('');
    for (const path of [
      '/api/auth/sign-up/email',
      '/api/auth/change-email',
      '/api/auth/list-sessions',
      '/api/auth/get-session',
    ])
      expect(
        (await browser.api(path, { json: { email: 'x@example.com', password: goodPassword, name: 'x' } })).status,
        path,
      ).toBe(404);
  });

  test('signed by somebody else, cut, or of a token that never was: nobody is signed in, and the database is not asked', async () => {
    const browser = server.browser();
    await browser.signIn(ada);
    const [token = '', signature = ''] = browser.cookie.split('.');
    const asked = async (): Promise<string | undefined> =>
      /muster_db_query_seconds_count\{[^}]*find_sign_in[^}]*\} (\d+)/.exec(
        await (await server.call('/metrics')).text(),
      )?.[1];
    const before = await asked();
    expect(Number(before)).toBeGreaterThan(0);
    for (const bad of [
      token,
      `${token}.`,
      `${token}.${signature.slice(0, -1)}`,
      `${token}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
      `${token.startsWith('A') ? 'B' : 'A'}${token.slice(1)}.${signature}`,
      `.${signature}`,
      'a'.repeat(5000),
      '%00',
    ]) {
      browser.setCookie(bad);
      expect((await browser.get('/v1/me')).status, bad.slice(0, 80)).toBe(401);
    }
    expect(await asked()).toBe(before);
    browser.setCookie(`${token}.${signature}`);
    expect((await browser.get('/v1/me')).status).toBe(200);
    expect(await asked()).not.toBe(before);
  });

  test('each sign-in has a token of its own and ends the one the browser brought: nobody can be given one beforehand', async () => {
    const attacker = server.browser();
    await attacker.signIn(ada);
    const planted = attacker.cookie;
    const victim = server.browser();
    victim.setCookie(planted);
    await victim.signIn(ada);
    expect(victim.cookie).not.toBe(planted);
    expect((await attacker.get('/v1/me')).status).toBe(401);
    expect((await victim.get('/v1/me')).status).toBe(200);
  });
});

describe('a sign-in', () => {
  test('lasts seven days from the last use, thirty at most', async () => {
    const browser = server.browser();
    await browser.signIn(ada);
    ahead = 6 * day;
    expect((await browser.get('/v1/me')).status).toBe(200);
    ahead = 12 * day;
    expect((await browser.get('/v1/me')).status).toBe(200);
    ahead = 18 * day;
    expect((await browser.get('/v1/me')).status).toBe(200);
    ahead = 24 * day;
    expect((await browser.get('/v1/me')).status).toBe(200);
    ahead = 30 * day + minute;
    expect((await browser.get('/v1/me')).status).toBe(401);
    ahead = 0;
    const idle = server.browser();
    await idle.signIn(ada);
    ahead = 7 * day + minute;
    expect((await idle.get('/v1/me')).status).toBe(401);
  });

  test('ends by signing out, from the list, all at once, and at a new password', async () => {
    const [one, two, three] = [server.browser(), server.browser(), server.browser()];
    for (const browser of [one, two, three]) await browser.signIn(ada);
    const old = one.cookie;
    expect((await one.form('/sign-out', { next: '/sign-in' })).headers.get('location')).toBe('/sign-in');
    expect(one.cookie).toBe('');
    one.setCookie(old);
    expect((await one.get('/v1/me')).status).toBe(401);

    const { body } = await two.api<{ items: { id: string; current: boolean }[] }>('/v1/sign-ins');
    const mine = body.items.find(({ current }) => current)?.id;
    expect((await three.api(`/v1/sign-ins/${mine}`, { method: 'DELETE' })).status).toBe(204);
    expect((await two.get('/v1/me')).status).toBe(401);
    await two.signIn(ada);
    expect((await three.api('/v1/sign-ins', { method: 'DELETE' })).status).toBe(200);
    expect((await two.get('/v1/me')).status).toBe(401);

    await two.signIn(ada);
    const before = three.cookie;
    const next = 'another sentence about owls';
    const json = { currentPassword: goodPassword, newPassword: next };
    expect((await three.api('/v1/me/password', { json: { ...json, currentPassword: 'not it at all' } })).status).toBe(
      401,
    );
    expect((await three.api('/v1/me/password', { json })).status).toBe(204);
    expect((await two.get('/v1/me')).status).toBe(401);
    expect((await three.get('/v1/me')).status).toBe(200);
    expect(three.cookie).not.toBe(before);
    expect((await server.browser().signIn(ada)).status).toBe(401);
    expect(
      (await three.api('/v1/me/password', { json: { currentPassword: next, newPassword: goodPassword } })).status,
    ).toBe(204);
    await admin.signIn(ada);
  });

  test('of a person is never more than a hundred', async () => {
    await server.database.db.transaction((tx) =>
      tx.query(sql`insert into sign_ins (id, token_hash, person_id, created_at, updated_at, expires_at, confirmed_at)
        select 'sgn_' || lpad(n::text, 26, '0'), encode(sha256(n::text::bytea), 'hex'), p.id, now(), now(), now() + interval '1 day', now()
        from generate_series(1, 150) n, people p where p.email = ${ada}`),
    );
    await admin.signIn(ada);
    expect((await rows()).length).toBeLessThanOrEqual(100);
    expect((await admin.get('/v1/me')).status).toBe(200);
  });
});

describe('wrong passwords', () => {
  test('people there are not hear the same, after about the same time', async () => {
    const answers: { status: number; body: Record<string, unknown>; ms: number }[][] = [[], []];
    for (let round = 0; round < 4; round++) {
      for (const [i, email] of [ada, 'nobody@example.com'].entries()) {
        const began = clock.monotonic();
        const { status, body } = await server
          .browser()
          .api('/api/auth/sign-in/email', { json: { email, password: 'not the right one' } });
        answers[i]?.push({ status, body: { ...body, requestId: '' }, ms: clock.monotonic() - began });
      }
    }
    const [there = [], absent = []] = answers;
    expect(there[0]).toMatchObject({ status: 401, body: { reason: 'wrong_password' } });
    expect(absent.map(({ status, body }) => ({ status, body }))).toEqual(
      there.map(({ status, body }) => ({ status, body })),
    );
    const least = (all: readonly { ms: number }[]): number => Math.min(...all.map(({ ms }) => ms));
    // Without the work for unknown people the quotient is near ten.
    expect(least(there) / least(absent)).toBeLessThan(2.5);
    expect(least(absent) / least(there)).toBeLessThan(2.5);
    const known = await (await server.browser().signIn(ada, 'not the right one')).text();
    const unknown = await (await server.browser().signIn('bob@example.com', 'not the right one')).text();
    expect(unknown.replace('bob@example.com', ada)).toBe(known);
  });

  test('ten with one email in a quarter of an hour, then none is looked at, also the right one; other emails go on', async () => {
    const attempt = (email: string, password: string) =>
      server
        .browser()
        .api<{ reason: string; retryAfterMs: number }>('/api/auth/sign-in/email', { json: { email, password } });
    const statuses = await Promise.all(Array.from({ length: 14 }, () => attempt(ada, 'not the right one')));
    // However many at once: ten were looked at.
    expect(statuses.filter(({ status }) => status === 401)).toHaveLength(10);
    const refused = statuses.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(4);
    expect(refused[0]?.body).toMatchObject({ reason: 'too_many_tries' });
    expect(refused[0]?.body.retryAfterMs).toBeGreaterThan(14 * minute);
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(14 * 60);
    expect((await attempt(ada, goodPassword)).status).toBe(429);
    expect((await server.browser().signIn(ada)).status).toBe(429);
    expect((await attempt('bob@example.com', 'whatever it may be')).status).toBe(401);
    ahead = 15 * minute + 1000;
    expect((await attempt(ada, goodPassword)).status).toBe(200);
    await server.forgetTries();
    ahead = 0;
  });

  test('fifty of one address in an hour, whatever the emails', async () => {
    await server.database.db.transaction((tx) =>
      tx.query(sql`insert into sign_in_tries (address, email_hash, at)
        select '127.0.0.1', sha256(n::text::bytea), now() from generate_series(1, 50) n`),
    );
    expect((await server.browser().signIn(ada)).status).toBe(429);
    ahead = hour + 1000;
    expect((await server.browser().signIn(ada)).status).toBe(303);
  });

  test('a right one forgets the wrong ones before it; neither emails nor passwords are kept', async () => {
    for (let i = 0; i < 9; i++) await server.browser().signIn(ada, 'not the right one');
    expect(JSON.stringify(await server.database.db.query(sql`select t::text as t from sign_in_tries t`))).not.toContain(
      'ada',
    );
    expect((await server.browser().signIn(ada)).status).toBe(303);
    expect(await server.database.db.query(sql`select 1 from sign_in_tries`)).toEqual([]);
    const audit = await server.ask('/v1/audit?limit=200');
    expect(JSON.stringify(audit.body)).not.toContain('not the right one');
  });

  test('what is no email, and what is endless, is wrong like any other', async () => {
    for (const [email, password] of [
      ['nobody', goodPassword],
      ['', ''],
      [ada, 'x'.repeat(3000)],
      [`${'a'.repeat(300)}@example.com`, goodPassword],
      ['ada@example.com\u0000', goodPassword],
    ] as const)
      expect((await server.browser().signIn(email, password)).status, email.slice(0, 20)).toBe(401);
    expect((await server.browser().signIn(ada, 'x'.repeat(40_000))).status).toBe(413);
  });
});

describe('other sites', () => {
  const foreign = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: '' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
  ];

  test('cannot sign anybody in, out, up or into a project', async () => {
    for (const headers of foreign) {
      const said = JSON.stringify(headers);
      expect(
        (await server.browser().form('/sign-in', { email: ada, password: goodPassword }, headers)).status,
        said,
      ).toBe(403);
      expect((await admin.form('/sign-out', {}, headers)).status, said).toBe(403);
      expect((await server.browser().form('/setup', { token: 'x'.repeat(43) }, headers)).status, said).toBe(403);
      expect((await server.browser().form(`/invite/${'x'.repeat(43)}`, {}, headers)).status, said).toBe(403);
      const api = await server
        .browser()
        .api('/api/auth/sign-in/email', { json: { email: ada, password: goodPassword }, headers });
      expect(api, said).toMatchObject({ status: 403, body: { reason: 'cross_site' } });
    }
    expect((await admin.get('/v1/me')).status).toBe(200);
  });

  test('cannot change anything with the cookie, and read as nobody', async () => {
    for (const headers of foreign) {
      const made = await admin.api('/v1/keys', { json: { name: 'x', scopes: ['builds:read'] }, headers });
      expect(made, JSON.stringify(headers)).toMatchObject({ status: 403, body: { reason: 'cross_site' } });
      expect((await admin.api('/v1/sign-ins', { method: 'DELETE', headers })).status).toBe(403);
    }
    const read = await admin.get('/v1/me', { origin: 'https://evil.example' });
    expect(read.status).toBe(401);
    expect(read.headers.get('access-control-allow-origin')).toBeNull();
    for (const site of ['cross-site', 'same-site'])
      for (const path of ['/v1/me', '/v1/sign-ins', '/v1/builds'])
        expect((await admin.get(path, { 'sec-fetch-site': site })).status, `${site} ${path}`).toBe(401);
    const typed = await admin.get('/v1/me', { 'sec-fetch-site': 'none' });
    expect(typed.status).toBe(200);
    expect(typed.headers.get('cache-control')).toBe('no-store');
    expect(typed.headers.get('vary')).toBe('cookie');
    const own = await admin.api('/v1/keys', {
      json: { name: 'mine', scopes: ['builds:read'] },
      headers: { 'sec-fetch-site': 'same-origin' },
    });
    expect(own.status).toBe(201);
  });

  test('a bearer alone counts: with one the cookie is not looked at', async () => {
    const { secret } = await server.makeKey('builds:read');
    const withBoth = await admin.get('/v1/me', { authorization: `Bearer ${secret}` });
    expect(await withBoth.json()).toMatchObject({ kind: 'key' });
    expect((await admin.get('/v1/me', { authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await admin.get('/v1/sign-ins', { authorization: `Bearer ${secret}` })).status).toBe(401);
  });

  test('next leads to own paths only', async () => {
    const safe = async (next: string): Promise<string | null> =>
      (await server.browser().form('/sign-in', { email: ada, password: goodPassword, next })).headers.get('location');
    expect(await safe('/sandbox/i/x?y=1#z')).toBe('/sandbox/i/x?y=1#z');
    for (const bad of [
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      '/\t/evil.example',
      '\\\\evil.example',
      'javascript:alert(1)',
      '/x\r\nset-cookie: a=b',
      '/..//evil.example',
      '/./\\evil.example',
      '',
    ])
      expect(await safe(bad), JSON.stringify(bad)).toBe('/');
    const asked = await server.browser().get('/sign-in?next=//evil.example');
    expect(await asked.text()).toContain('name="next" value="/"');
  });
});

test('a new account is there also while its address has to wait for others’ wrong passwords', async () => {
  const { body } = await admin.api<{ url: string }>('/v1/invites', { json: { role: 'viewer' } });
  await server.database.db.transaction((tx) =>
    tx.query(sql`insert into sign_in_tries (address, email_hash, at)
      select '127.0.0.1', sha256(n::text::bytea), now() from generate_series(1, 50) n`),
  );
  const guest = server.browser();
  const made = await guest.form(new URL(body.url).pathname, {
    name: 'G',
    email: 'g@example.com',
    password: goodPassword,
  });
  expect(made.status).toBe(303);
  expect(guest.cookie).toBe('');
  await server.forgetTries();
  expect((await guest.signIn('g@example.com')).status).toBe(303);
});

test('a sign-in, a refusal and a sign-out stand in the audit, by whom', async () => {
  const browser = server.browser();
  await browser.signIn(ada);
  await browser.form('/sign-out', {});
  const { body } = await server.ask<{ items: Record<string, unknown>[] }>('/v1/audit?limit=200');
  const of = (action: string, outcome: string) =>
    body.items.find((item) => item['action'] === action && item['outcome'] === outcome);
  expect(of('person.signed_in', 'done')).toMatchObject({
    actor: expect.stringMatching(/^person:usr_/),
    address: '127.0.0.1',
  });
  expect(of('person.signed_out', 'done')).toMatchObject({ actor: expect.stringMatching(/^person:usr_/) });
});

test('under https the cookie is Secure, below a base path it is for that path; links and forms know it', async () => {
  await using below = await startPeople({
    env: {
      MUSTER_BASE_PATH: '/muster',
      MUSTER_PUBLIC_URL: 'https://muster.example.com',
      MUSTER_TRUST_PROXY: '127.0.0.1/32',
    },
  });
  const link = await below.setupLink();
  expect(link).toMatch(/^https:\/\/muster\.example\.com\/muster\/setup\?token=/);
  const token = new URL(link).searchParams.get('token') ?? '';
  const browser = below.browser();
  const https = { 'x-forwarded-proto': 'https', origin: 'https://muster.example.com' };
  const page = await (await browser.get(`/setup?token=${token}`, https)).text();
  expect(page).toContain('action="/muster/setup"');
  expect(page).toContain('href="/muster/sign-in/style.css"');
  expect((await browser.get('/sign-in/style.css')).headers.get('content-type')).toContain('text/css');
  const made = await browser.form('/setup', { token, name: 'A', email: ada, password: goodPassword }, https);
  expect(made.headers.get('location')).toBe('/muster/');
  expect(browser.line).toMatch(/; Path=\/muster; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure$/);
  const outside = await browser.form('/sign-in', { email: ada, password: goodPassword, next: '/elsewhere' }, https);
  expect(outside.headers.get('location')).toBe('/muster/');
  const inside = await browser.form('/sign-in', { email: ada, password: goodPassword, next: '/muster/sandbox' }, https);
  expect(inside.headers.get('location')).toBe('/muster/sandbox');
  // A stranger cannot say that it is https.
  await using plain = await startPeople({ env: { MUSTER_TRUST_PROXY: '10.0.0.0/8' } });
  const other = await plain.setUp();
  await other.form('/sign-in', { email: ada, password: goodPassword }, { 'x-forwarded-proto': 'https' });
  expect(other.line).not.toContain('Secure');
});
