/* A second factor: set up, asked for, used once, lost, turned off; by pages and by calls. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '#kernel/base';
import { sql } from '#kernel/db';
import { goodPassword, type PeopleServer, startPeople, type TestBrowser } from '#test/people';

const minute = 60_000;
let ahead = 0;
const clock = { ...systemClock, now: () => systemClock.now() + ahead };
let server: PeopleServer;
let admin: TestBrowser;
let people = 0;

beforeAll(async () => {
  server = await startPeople({ options: { clock } });
  admin = await server.setUp();
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  await server.forgetTries();
  // Inviting wants a fresh password, and time only goes on here.
  await admin.api('/v1/sign-ins/confirm', { json: { password: goodPassword } });
});

/** As a telephone does it, from what it was shown. */
function authenticator(shown: string): (periodsAhead?: number) => string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = Array.from(shown, (sign) => alphabet.indexOf(sign).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
  return (periodsAhead = 0) => {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(Math.floor(clock.now() / 30_000) + periodsAhead));
    const hash = createHmac('sha1', key).update(counter).digest();
    const at = (hash.at(-1) ?? 0) & 15;
    return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
  };
}

type Somebody = {
  browser: TestBrowser;
  email: string;
  code: (periodsAhead?: number) => string;
  recoveryCodes: string[];
};

/** Somebody with a second factor, set up by calls. Each period counts once, so time moves on behind it. */
async function somebody(): Promise<Somebody> {
  people += 1;
  const email = `person${people}@example.com`;
  const browser = await server.member('viewer', email);
  const begun = await browser.api<{ secret: string; uri: string }>('/v1/me/second-factor', { method: 'POST' });
  expect(begun.status).toBe(201);
  expect(begun.body.uri).toContain(`secret=${begun.body.secret}`);
  const code = authenticator(begun.body.secret);
  const on = await browser.api<{ recoveryCodes: string[] }>('/v1/me/second-factor/confirm', { json: { code: code() } });
  expect(on.status).toBe(200);
  ahead += minute;
  return { browser, email, code, recoveryCodes: on.body.recoveryCodes };
}

const challengeIn = (page: string): string => /name="challenge" value="([\w-]{43})"/.exec(page)?.[1] ?? '';
async function halfIn(email: string, browser = server.browser()): Promise<{ browser: TestBrowser; challenge: string }> {
  const { status, body } = await browser.api<{ challenge: string; reason: string }>('/api/auth/sign-in/email', {
    json: { email, password: goodPassword },
  });
  expect([status, body.reason]).toEqual([401, 'second_factor_needed']);
  return { browser, challenge: body.challenge };
}
const give = (browser: TestBrowser, challenge: string, code: string) =>
  browser.api<{ reason: string; retryAfterMs?: number }>('/api/auth/sign-in/second-factor', {
    json: { challenge, code },
  });

describe('setting it up', () => {
  test('wants a fresh password, shows the secret once, and counts from the first right code on', async () => {
    const browser = await server.member('viewer', 'sue@example.com');
    const begin = () => browser.api<{ secret: string }>('/v1/me/second-factor', { method: 'POST' });
    ahead += 11 * minute;
    expect(await begin()).toMatchObject({ status: 403, body: { reason: 'password_needed' } });
    await browser.api('/v1/sign-ins/confirm', { json: { password: goodPassword } });
    const first = await begin();
    expect(first.headers.get('cache-control')).toBe('no-store');
    // Beginning again takes the place of what was begun.
    const second = await begin();
    expect(second.body.secret).not.toBe(first.body.secret);
    const confirm = (code: string) => browser.api('/v1/me/second-factor/confirm', { json: { code } });
    expect(await confirm(authenticator(first.body.secret)())).toMatchObject({
      status: 401,
      body: { reason: 'wrong_code' },
    });
    expect((await server.browser().signIn('sue@example.com')).status).toBe(303);
    expect((await confirm(authenticator(second.body.secret)())).status).toBe(200);
    expect(await begin()).toMatchObject({ status: 409, body: { reason: 'second_factor_on' } });
    expect(await browser.api('/v1/me')).toMatchObject({ body: { secondFactor: { on: true, recoveryCodesLeft: 10 } } });
    const { body } = await admin.api<{ items: { email: string; secondFactor: boolean }[] }>('/v1/people');
    expect(body.items.find(({ email }) => email === 'sue@example.com')?.secondFactor).toBe(true);
    await halfIn('sue@example.com');
  });

  test('nothing in the database or the log is the secret, a code or a recovery code', async () => {
    const { recoveryCodes, browser, email } = await somebody();
    const rows = await server.database.db.query(sql`
      select (select json_agg(f) from second_factors f)::text as f, (select json_agg(c) from recovery_codes c)::text as c,
        (select json_agg(a) from audit a)::text as a, (select json_agg(v) from verifications v)::text as v`);
    const { challenge } = await halfIn(email, browser);
    const all = JSON.stringify(rows) + JSON.stringify(server.logs);
    expect(all).not.toContain(challenge);
    for (const code of recoveryCodes) expect(all).not.toContain(code.replaceAll('-', ''));
    expect(all).not.toContain('otpauth');
  });
});

describe('signing in', () => {
  test('takes the code behind the password; neither alone is a sign-in', async () => {
    const { email, code } = await somebody();
    const { browser, challenge } = await halfIn(email);
    expect(browser.cookie).toBe('');
    expect((await give(browser, challenge, '000000')).body.reason).toBe('wrong_code');
    const again = code();
    expect((await give(browser, challenge, again)).status).toBe(200);
    expect(browser.line).toContain('HttpOnly');
    expect((await browser.api('/v1/me')).status).toBe(200);
    // Neither the code nor the challenge opens a second time.
    expect((await give(server.browser(), challenge, code(1))).body.reason).toBe('second_step_over');
    const other = await halfIn(email);
    expect((await give(other.browser, other.challenge, again)).body.reason).toBe('wrong_code');
    for (const bad of ['', 'x'.repeat(43), 'y'])
      expect((await give(server.browser(), bad, code(1))).body.reason).toBe('second_step_over');
  });

  test('the same by pages: after the password a page for the code, and on to where one wanted', async () => {
    const { email, code } = await somebody();
    const browser = server.browser();
    const asked = await browser.form('/sign-in', { email, password: goodPassword, next: '/docs' });
    expect(asked.status).toBe(200);
    expect(browser.cookie).toBe('');
    const page = await asked.text();
    expect(page).toContain('autocomplete="one-time-code"');
    const fields = { challenge: challengeIn(page), next: '/docs' };
    const wrong = await browser.form('/sign-in/code', { ...fields, code: '000 000' });
    expect(wrong.status).toBe(401);
    expect(await wrong.text()).toContain('role="alert"');
    const evil = { origin: 'https://evil.example' };
    expect((await browser.form('/sign-in/code', { ...fields, code: code() }, evil)).status).toBe(403);
    const right = await browser.form('/sign-in/code', { ...fields, code: code().replace(/^.../, '$& ') });
    expect([right.status, right.headers.get('location')]).toEqual([303, '/docs']);
    expect((await browser.api('/v1/me')).status).toBe(200);
  });

  test('a recovery code signs in once', async () => {
    const { email, recoveryCodes } = await somebody();
    const [first = '', second = ''] = recoveryCodes;
    const one = await halfIn(email);
    expect((await give(one.browser, one.challenge, first.toUpperCase())).status).toBe(200);
    expect(await one.browser.api('/v1/me')).toMatchObject({ body: { secondFactor: { recoveryCodesLeft: 9 } } });
    const two = await halfIn(email);
    expect((await give(two.browser, two.challenge, first)).body.reason).toBe('wrong_code');
    // Two at the same moment are one.
    const three = await halfIn(email);
    const both = await Promise.all([
      give(two.browser, two.challenge, second),
      give(three.browser, three.challenge, second),
    ]);
    expect(both.filter(({ status }) => status === 200)).toHaveLength(1);
    const { body } = await server.ask<{ items: Record<string, unknown>[] }>(
      '/v1/audit?action=person.signed_in&limit=200',
    );
    expect(body.items.filter(({ after }) => JSON.stringify(after)?.includes('recovery code'))).toHaveLength(2);
  });

  test('guessing ends after ten codes, from wherever they come, and goes on a quarter of an hour later', async () => {
    const { email, code } = await somebody();
    const { browser, challenge } = await halfIn(email);
    const tries = await Promise.all(Array.from({ length: 14 }, () => give(browser, challenge, '000000')));
    expect(tries.filter(({ body }) => body.reason === 'wrong_code')).toHaveLength(10);
    const locked = await halfIn(email);
    const refused = await give(locked.browser, locked.challenge, code());
    expect(refused).toMatchObject({ status: 429, body: { reason: 'too_many_tries' } });
    expect(refused.body.retryAfterMs).toBeGreaterThan(0);
    ahead += 16 * minute;
    const later = await halfIn(email);
    expect((await give(later.browser, later.challenge, code())).status).toBe(200);
  });

  test('the step lasts five minutes, and ends with a new password', async () => {
    const { email, code, browser: own } = await somebody();
    const slow = await halfIn(email);
    ahead += 5 * minute + 1000;
    expect((await give(slow.browser, slow.challenge, code())).body.reason).toBe('second_step_over');
    const begun = await halfIn(email);
    const next = 'another sentence about owls';
    const json = { currentPassword: goodPassword, newPassword: next };
    expect((await own.api('/v1/me/password', { json })).status).toBe(204);
    expect((await give(begun.browser, begun.challenge, code())).body.reason).toBe('second_step_over');
  });

  test('a planted cookie is not the one of the new sign-in, and ends with it', async () => {
    const { email, code, browser: attacker } = await somebody();
    const victim = server.browser();
    victim.setCookie(attacker.cookie);
    const { challenge } = await halfIn(email, victim);
    expect((await attacker.api('/v1/me')).status).toBe(200);
    expect((await give(victim, challenge, code())).status).toBe(200);
    expect(victim.cookie).not.toBe(attacker.cookie);
    expect((await attacker.api('/v1/me')).status).toBe(401);
  });
});

describe('having one', () => {
  test('new recovery codes end the old ones; turned off the password alone signs in; both want a fresh password', async () => {
    const { browser, email, recoveryCodes } = await somebody();
    ahead += 11 * minute;
    for (const [method, path] of [
      ['POST', '/recovery-codes'],
      ['DELETE', ''],
    ] as const)
      expect(await browser.api(`/v1/me/second-factor${path}`, { method })).toMatchObject({
        status: 403,
        body: { reason: 'password_needed' },
      });
    await browser.api('/v1/sign-ins/confirm', { json: { password: goodPassword } });
    const fresh = await browser.api<{ recoveryCodes: string[] }>('/v1/me/second-factor/recovery-codes', {
      method: 'POST',
    });
    expect(fresh.body.recoveryCodes).toHaveLength(10);
    const half = await halfIn(email);
    expect((await give(half.browser, half.challenge, recoveryCodes[0] ?? '')).body.reason).toBe('wrong_code');
    expect((await give(half.browser, half.challenge, fresh.body.recoveryCodes[0] ?? '')).status).toBe(200);
    expect((await browser.api('/v1/me/second-factor', { method: 'DELETE' })).status).toBe(204);
    expect(await browser.api('/v1/me/second-factor', { method: 'DELETE' })).toMatchObject({ status: 404 });
    expect((await server.browser().signIn(email)).status).toBe(303);
  });

  test('who lost everything is let in by a link of an administrator of the installation', async () => {
    const { browser, email } = await somebody();
    const { id } = (await browser.api<{ id: string }>('/v1/me')).body;
    const link = async (json: unknown): Promise<string> =>
      new URL((await admin.api<{ url: string }>(`/v1/people/${id}/reset-link`, { json })).body.url).pathname;
    const kept = await server.browser().form(await link({}), { password: 'nine loud geese at dusk' });
    expect(challengeIn(await kept.text())).not.toBe('');
    const free = await server.browser().form(await link({ removeSecondFactor: true }), { password: goodPassword });
    expect(free.status).toBe(303);
    expect((await server.browser().signIn(email)).status).toBe(303);
  });

  test('is set up, looked at and turned off on pages too', async () => {
    const browser = await server.member('viewer', 'pia@example.com');
    const at = '/sign-in/second-factor';
    const visitor = await server.browser().get(at);
    expect([visitor.status, visitor.headers.get('location')]).toEqual([303, `/sign-in?next=${encodeURIComponent(at)}`]);
    expect(await (await browser.get(at)).text()).toContain('Set it up');
    const denied = await browser.form(at, { act: 'begin', password: 'not the right one' });
    expect(denied.status).toBe(401);
    const begun = await (await browser.form(at, { act: 'begin', password: goodPassword })).text();
    expect(begun).toContain('<svg class="qr"');
    const shown = /<code class="secret">([A-Z2-7 ]+)<\/code>/.exec(begun)?.[1]?.replaceAll(' ', '') ?? '';
    const code = authenticator(shown);
    expect((await browser.form(at, { act: 'confirm', code: '123' })).status).toBe(401);
    const codes = await (await browser.form(at, { act: 'confirm', code: code() })).text();
    expect(codes.match(/<li><code>/g)).toHaveLength(10);
    expect(await (await browser.get(at)).text()).toContain('10 recovery codes are left');
    const renewed = await browser.form(at, { act: 'codes', password: goodPassword });
    expect((await renewed.text()).match(/<li><code>/g)).toHaveLength(10);
    const evil = { origin: 'https://evil.example' };
    expect((await browser.form(at, { act: 'end', password: goodPassword }, evil)).status).toBe(403);
    expect((await browser.form(at, { act: 'end', password: goodPassword })).status).toBe(303);
    expect(await (await browser.get(at)).text()).toContain('Set it up');
  });
});
