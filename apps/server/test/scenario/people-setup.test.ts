/* The first person comes in by a link, once; or by the settings, where nobody is there to open one. */
import { existsSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { goodPassword, startPeople } from '#test/people';

const person = { name: 'Ada', email: 'Ada@Example.com', password: goodPassword };

test('the link makes the first administrator, once; its file goes, and a later start makes none', async () => {
  await using database = await testDatabase();
  {
    await using server = await startPeople({ database });
    const file = join(server.dataDir, 'setup-url');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const link = await server.setupLink();
    expect(link).toMatch(new RegExp(`^${server.url}/setup\\?token=[\\w-]{43}$`));
    expect(server.app.facts).toContainEqual(['set up at', link]);
    const token = new URL(link).searchParams.get('token') ?? '';
    expect(JSON.stringify(server.logs)).not.toContain(token);
    const rows = await database.db.query(sql`select secret_hash::text as h from setup_tokens`);
    expect(JSON.stringify(rows)).not.toContain(token);

    const one = server.browser();
    const form = await one.get(`/setup?token=${token}`);
    expect(form.status).toBe(200);
    expect(form.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await form.text()).toContain('name="password"');
    // Looking does not use it up.
    expect((await one.get(`/setup?token=${token}`)).status).toBe(200);

    const both = [server.browser(), server.browser()];
    const answers = await Promise.all(
      both.map((browser, i) => browser.form('/setup', { token, ...person, email: `ada${i}@example.com` })),
    );
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([303, 410]);
    const admin = both[answers.findIndex(({ status }) => status === 303)];
    expect((await admin?.api('/v1/me'))?.body).toMatchObject({
      kind: 'person',
      name: 'Ada',
      installationAdmin: true,
      role: 'admin',
      projectId: 'prj_00000000000000000000000000',
    });
    expect(existsSync(file)).toBe(false);
    expect((await one.get(`/setup?token=${token}`)).status).toBe(410);
    expect((await one.form('/setup', { token, ...person })).status).toBe(410);
    const audit = await server.ask<{ items: { action: string; after: unknown }[] }>(
      '/v1/audit?action=installation.set_up',
    );
    expect(audit.body.items).toHaveLength(1);
    expect(JSON.stringify(audit.body)).not.toContain('herons');
  }
  await using again = await startPeople({ database });
  expect(existsSync(join(again.dataDir, 'setup-url'))).toBe(false);
  expect(again.app.facts.map(([name]) => name)).not.toContain('set up at');
});

test('a new start makes a new link, and the one before is over; so is one a day old', async () => {
  await using database = await testDatabase();
  const env = { MUSTER_NODE_NAME: 'one-node' };
  let first: string;
  {
    await using server = await startPeople({ database, env });
    first = new URL(await server.setupLink()).search;
    expect((await server.browser().get(`/setup${first}`)).status).toBe(200);
  }
  await using server = await startPeople({ database, env });
  const second = new URL(await server.setupLink()).search;
  expect((await server.browser().get(`/setup${first}`)).status).toBe(410);
  expect((await server.browser().get(`/setup${second}`)).status).toBe(200);
  await database.db.transaction((tx) => tx.query(sql`update setup_tokens set expires_at = now() - interval '1 s'`));
  expect((await server.browser().get(`/setup${second}`)).status).toBe(410);
  for (const bad of ['', '?token=', '?token=short', `?token=${'x'.repeat(43)}`, '?token=a&token=b'])
    expect((await server.browser().get(`/setup${bad}`)).status, bad).toBe(410);
});

test('what is not right is said on the page, nothing is lost but the password, and nothing is made', async () => {
  await using server = await startPeople();
  const token = new URL(await server.setupLink()).searchParams.get('token') ?? '';
  const browser = server.browser();
  for (const [wrong, said] of [
    [{ password: 'short' }, 'at least 12 characters'],
    [{ password: 'password123456' }, 'tried first'],
    [{ password: 'P4ssw0rd!P4ssw0rd!' }, 'tried first'],
    [{ password: 'ada is a good name' }, 'name of the email'],
    [{ email: 'nobody' }, 'not an email address'],
    [{ name: '  ' }, 'name is needed'],
  ] as const) {
    const response = await browser.form('/setup', { token, ...person, ...wrong });
    const text = await response.text();
    expect(response.status, said).toBe(400);
    expect(text).toContain(said);
    expect(text).toContain('role="alert"');
    expect(text).not.toContain(person.password);
  }
  const odd = await browser.form('/setup', { token, ...person, name: '"><script>alert(1)</script>', password: 'x' });
  expect(await odd.text()).not.toContain('<script>');
  expect(browser.cookie).toBe('');
  expect((await browser.form('/setup', { token, ...person, withKey: 'yes' })).status).toBe(200);
});

test('with the first key its secret is on the page once, and opens everything', async () => {
  await using server = await startPeople();
  const token = new URL(await server.setupLink()).searchParams.get('token') ?? '';
  const page = await (await server.browser().form('/setup', { token, ...person, withKey: 'yes' })).text();
  const key = /mst_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}/.exec(page)?.[0] ?? '';
  expect((await server.ask('/v1/me', { key })).body).toMatchObject({ kind: 'key', name: 'first key' });
});

test('headless: email and password of the settings make the administrator, also from a file; half of them is refused', async () => {
  await using database = await testDatabase();
  {
    await using server = await startPeople({
      database,
      env: { MUSTER_SETUP_EMAIL: 'Ops@Example.com', MUSTER_SETUP_PASSWORD: goodPassword },
    });
    expect(existsSync(join(server.dataDir, 'setup-url'))).toBe(false);
    const browser = server.browser();
    expect((await browser.signIn('ops@example.com')).status).toBe(303);
    expect((await browser.api('/v1/me')).body).toMatchObject({ name: 'ops', installationAdmin: true, role: 'admin' });
    const secretFile = join(server.dataDir, 'password');
    await writeFile(secretFile, 'quite another long sentence\n');
    // There is an administrator: the settings are not looked at any more.
    await using later = await startPeople({
      database,
      env: { MUSTER_SETUP_EMAIL: 'other@example.com', MUSTER_SETUP_PASSWORD_FILE: secretFile },
    });
    expect((await later.browser().signIn('other@example.com', 'quite another long sentence')).status).toBe(401);
    expect(JSON.stringify([server.logs, later.logs])).not.toContain('herons');
  }
  await expect(startPeople({ env: { MUSTER_SETUP_EMAIL: 'a@example.com' } })).rejects.toThrow('MUSTER_SETUP_PASSWORD');
  await expect(
    startPeople({ env: { MUSTER_SETUP_EMAIL: 'a@example.com', MUSTER_SETUP_PASSWORD: 'passwordpassword' } }),
  ).rejects.toThrow('tried first');
  await expect(
    startPeople({ env: { MUSTER_SETUP_EMAIL: 'nobody', MUSTER_SETUP_PASSWORD: goodPassword } }),
  ).rejects.toThrow('not an email');
});
