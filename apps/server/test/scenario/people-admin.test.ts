/* `muster admin`: people from the machine itself, beside a server that runs and without one. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runAdminCommand } from '#admin-command';
import { readConfig } from '#config';
import { sql } from '#kernel/db';
import { createTelemetry } from '#kernel/telemetry';
import { type Ran, runProgram } from '#test/muster-child';
import { goodPassword, type PeopleServer, startPeople, type TestBrowser } from '#test/people';

let server: PeopleServer;
let here: Record<string, string>;
beforeAll(async () => {
  server = await startPeople();
  here = { DATABASE_URL: server.database.url };
});
afterAll(() => server[Symbol.asyncDispose]());

/** As the program does it, without starting one. */
async function admin(...given: string[]): Promise<Ran> {
  let [stdout, stderr] = ['', ''];
  const [json, removeSecondFactor] = ['--json', '--remove-second-factor'].map((flag) => given.includes(flag));
  await using telemetry = await createTelemetry({
    level: 'error',
    form: 'json',
    write: (line) => void (stderr += line),
  });
  const code = await runAdminCommand(
    readConfig({ MUSTER_DATA_DIR: server.dataDir, ...here }, new Map(), server.dataDir),
    telemetry,
    {
      words: given.filter((word) => !word.startsWith('--')),
      json: json === true,
      removeSecondFactor: removeSecondFactor === true,
      say: (text) => void (stdout += text),
      complain: (text) => void (stderr += text),
    },
  );
  return { code, stdout, stderr };
}
async function asked<T>(...words: string[]): Promise<T> {
  const { code, stdout, stderr } = await admin(...words, '--json');
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as T;
}
type Link = { id: string; url: string; expiresAt: string; secondFactorRemoved?: boolean };
const choose = (browser: TestBrowser, url: string, password: string): Promise<Response> =>
  browser.form(new URL(url).pathname, { password });
const adaIs = async (): Promise<Record<string, unknown> | undefined> =>
  (await asked<{ items: Record<string, unknown>[] }>('list')).items.find(({ email }) => email === 'ada@example.com');

test('makes the first administrator, who chooses a password by the link; the setup link is over', async () => {
  const setup = new URL(await server.setupLink());
  expect((await admin('list')).stdout).toBe('Nobody is here yet.\n');
  const made = await asked<Link>('create', 'Ada@Example.com', 'Ada Lovelace');
  expect(made.url).toMatch(/\/reset\/[\w-]{43}$/);
  expect((await server.call(setup.pathname + setup.search, { key: null })).status).toBe(410);
  expect(await adaIs()).toMatchObject({ name: 'Ada Lovelace', installationAdmin: true, hasPassword: false });
  const browser = server.browser();
  expect((await browser.signIn('ada@example.com', '')).status).toBe(401);
  expect((await choose(browser, made.url, goodPassword)).status).toBe(303);
  expect(await browser.api('/v1/me')).toMatchObject({ body: { installationAdmin: true, role: 'admin' } });
  expect((await choose(server.browser(), made.url, goodPassword)).status).toBe(410);
  const again = await admin('create', 'ada@example.com');
  expect([again.code, again.stdout]).toEqual([5, '']);
  expect(again.stderr).toContain('reset-password');
});

test('resets a password, takes a second factor off, ends sign-ins, promotes, forgets wrong tries; all in the audit by cli', async () => {
  const ada = server.browser();
  await ada.signIn('ada@example.com');
  expect(await asked('end-sign-ins', 'ada@example.com')).toMatchObject({ ended: 2 });
  expect((await ada.api('/v1/me')).status).toBe(401);

  const vera = await server.member('viewer', 'vera@example.com');
  const wrong = Array.from({ length: 10 }, () => server.browser().signIn('vera@example.com', 'not the right one'));
  await Promise.all(wrong);
  expect((await server.browser().signIn('vera@example.com')).status).toBe(429);
  expect(await asked('unlock')).toEqual({ forgotten: 10 });
  expect((await server.browser().signIn('vera@example.com')).status).toBe(303);
  await server.database.db.transaction((tx) =>
    tx.query(
      sql`insert into second_factors (person_id, secret, created_at, confirmed_at) values (${vera.id}, ${Buffer.from('x')}, now(), now())`,
    ),
  );
  const kept = await asked<Link>('reset-password', 'vera@example.com');
  expect(kept.secondFactorRemoved).toBe(false);
  const free = await asked<Link>('reset-password', 'vera@example.com', '--remove-second-factor');
  expect(free.secondFactorRemoved).toBe(true);
  expect((await choose(server.browser(), kept.url, goodPassword)).status).toBe(410);
  expect((await choose(vera, free.url, 'nine loud geese at dusk')).status).toBe(303);

  await asked('promote', 'vera@example.com');
  expect(await vera.api('/v1/me')).toMatchObject({ body: { installationAdmin: true, role: 'admin' } });

  const { body } = await server.ask<{ items: { action: string; actor: string; actorKind: string }[] }>(
    '/v1/audit?actor=cli',
  );
  expect(body.items.map(({ action }) => action)).toEqual([
    'person.installation_admin_changed',
    'person.reset_link_made',
    'person.reset_link_made',
    'person.tries_forgotten',
    'person.sign_ins_ended',
    'person.created',
  ]);
  expect(body.items.every(({ actor, actorKind }) => actor === 'cli' && actorKind === 'cli')).toBe(true);
});

test('says what is wrong, and with which exit code', async () => {
  for (const [words, code, text] of [
    [[], 2, 'Use: admin list'],
    [['list', 'x'], 2, 'Use:'],
    [['nothing'], 2, 'Use:'],
    [['create'], 2, 'Use:'],
    [['create', 'no email'], 2, 'is not an email address'],
    [['reset-password', 'nobody@example.com'], 4, 'muster admin list'],
  ] as const) {
    const ran = await admin(...words);
    expect([ran.code, ran.stdout], words.join(' ')).toEqual([code, '']);
    expect(ran.stderr, words.join(' ')).toContain(text);
  }
});

test('the command line hands it on, flags and all', async () => {
  const cli = (...words: string[]): Promise<Ran> =>
    runProgram('cli', ['admin', ...words, '--data', server.dataDir], here);
  const reset = await cli('reset-password', 'vera@example.com', '--remove-second-factor', '--json');
  expect(JSON.parse(reset.stdout)).toMatchObject({ email: 'vera@example.com', secondFactorRemoved: false });
  const nowhere = await runProgram('cli', ['admin', 'list', '--data', join(server.dataDir, 'not-here')], {});
  expect([nowhere.code, nowhere.stdout]).toEqual([4, '']);
  expect(nowhere.stderr).toContain('--data');
  await rm(join(server.dataDir, 'not-here'), { recursive: true, force: true });
});
