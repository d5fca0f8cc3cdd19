import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { testDatabase } from '#test/database';
import { galleryServer } from '#test/gallery-server';
import { until } from '#test/until';

const database = await testDatabase();
const gallery = await galleryServer(database);
const { must, read } = gallery;
const folder = await mkdtemp(join(tmpdir(), 'muster-gallery-cli-'));
beforeEach(() => gallery.empty());
afterAll(async () => {
  await gallery[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const main = resolve(import.meta.dirname, '../../../cli/bin/muster.mjs');
const env = { ...process.env, MUSTER_URL: gallery.url, MUSTER_API_KEY: gallery.key, HOME: folder, NO_COLOR: '1' };
type Ran = { code: number; out: string; err: string };
const muster = (...words: string[]): Promise<Ran> =>
  new Promise((done) => {
    execFile(process.execPath, [main, ...words], { env, cwd: folder, timeout: 50_000 }, (error, out, err) => {
      const code: unknown = error?.code;
      done({ code: error === null ? 0 : typeof code === 'number' ? code : -1, out, err });
    });
  });
const fine = async (...words: string[]): Promise<string> => {
  const { code, out, err } = await muster(...words);
  expect(code, `${words.join(' ')}\n${out}${err}`).toBe(0);
  return out;
};

test('seed, status, bots, start, pause, resume, stop: one, by persona, all', async () => {
  expect(await fine('gallery', 'seed', '-l')).toContain('harbor_log');
  expect(await fine('gallery', 'seed', '-n', '6', '--dry-run')).toContain('Would be drawn: 6 of 6');
  expect(await fine('gallery', 'seed', '-n', '6', '-p', 'harbor_log', 'kind_pencil')).toContain('Drawn: 6 of 6');
  expect(await fine('swarm', 'seed', '-n', '6', '-p', 'harbor_log', 'kind_pencil')).toContain('Drawn: 0 of 6');
  expect(await fine('gallery', 'status')).toMatch(/^6 bots {2}6 idle\n/);
  const bots = (await fine('gallery', 'bots', '--json'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; personaId: string });
  expect(bots).toHaveLength(6);
  await until(
    async () =>
      (await must('GET', 'bots'))['items'].every(
        (bot: { provision: { state: string } }) => bot.provision.state === 'done',
      ),
    { withinMs: 20_000 },
  );
  const harbor = bots.filter((bot) => bot.personaId === 'harbor_log').length;
  expect(await fine('gallery', 'start', '--persona', 'harbor_log')).toContain(`Started: ${harbor} of ${harbor}`);
  const [one] = bots;
  const id = one?.id ?? '';
  expect(await fine('gallery', 'start', id)).toMatch(/Started: [01] of 1/);
  expect(await fine('gallery', 'pause', id)).toContain('Paused: 1 of 1');
  expect((await read(id)).state).toBe('paused');
  expect(await fine('gallery', 'resume', id)).toContain('Resumed: 1 of 1');
  expect(await fine('swarm', 'stop', '--all')).toMatch(/Stopped: \d of 6/);
  expect(await fine('swarm', 'status', '--json')).toContain('"bots":6');
  expect(await fine('gallery', 'show', id)).toContain('automated account');
});

test('refusals end with 1, wrong words with 2, and what destroys is asked first', async () => {
  const { id } = await gallery.bot();
  const refused = await muster('gallery', 'pause', id);
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.out).toContain('refused 1: not_running');
  expect(await muster('gallery', 'pause')).toMatchObject({ code: 2 });
  expect(await muster('gallery', 'stop', id, '--all')).toMatchObject({ code: 2 });
  const unasked = await muster('gallery', 'delete', id);
  expect(unasked).toMatchObject({ code: 2 });
  expect(unasked.err).toContain('Say --yes');
  expect(await fine('gallery', 'delete', id, '--yes')).toContain('Deleted: 1 of 1');
  expect(await fine('gallery', 'restore', id)).toContain('Restored: 1 of 1');
  await fine('gallery', 'delete', id, '--yes');
  expect(await fine('gallery', 'purge', id, '--yes')).toContain('Purged: 1 of 1');
  expect(await muster('gallery', 'show', 'gbt_none')).toMatchObject({ code: 4 });
});

test('panic and release', async () => {
  expect(await fine('gallery', 'panic', 'a drill')).toContain('confirmed');
  expect(await fine('gallery', 'status')).toContain('panic by key:');
  expect(await muster('gallery', 'release', 'over')).toMatchObject({ code: 2 });
  expect(await fine('gallery', 'release', 'over', '--as-before', '--yes')).not.toContain('panic by');
});

test('personas out and in again; budgets; targets; doctor', async () => {
  const file = join(folder, 'persona.json');
  await fine('gallery', 'persona', 'export', 'harbor_log', '-o', file);
  const document = JSON.parse(await readFile(file, 'utf8')) as { personas: object[] };
  await writeFile(
    file,
    JSON.stringify({ personas: [...document.personas, { ...document.personas[0], id: 'own_one' }] }),
  );
  expect(await fine('gallery', 'persona', 'import', file)).toContain('1 created, 0 updated, 1 unchanged, 0 refused');
  await writeFile(file, '[{"id": "broken"}]');
  expect(await muster('gallery', 'persona', 'import', file)).toMatchObject({ code: 1 });
  expect(await fine('gallery', 'persona', 'list')).toContain('own_one');
  expect(await fine('gallery', 'budget', 'set', 'fleet', 'posts=200', 'money/month=20000000')).toContain('posts/day');
  expect(await fine('gallery', 'budget', 'show', 'fleet', '--json')).toContain('"cap":20000000');
  expect(await fine('gallery', 'budget', 'forecast')).toContain('fleet');
  expect(await muster('gallery', 'budget', 'set', 'fleet', 'posts')).toMatchObject({ code: 2 });
  expect(await fine('gallery', 'target', 'list')).toContain('sandbox');
  expect(await fine('gallery', 'doctor')).toContain('built in, offline');
  await fine('gallery', 'target', 'add', 'studio', '--url', 'https://gallery.example.com', '--token', 'fst_x');
  const doctor = await muster('gallery', 'doctor');
  expect(doctor).toMatchObject({ code: 1 });
  expect(doctor.out).toContain('target studio (https://gallery.example.com): not acknowledged');
  expect(
    await muster('gallery', 'target', 'ack', 'studio', '--host', 'elsewhere.example.com', '--yes'),
  ).not.toMatchObject({ code: 0 });
  expect(await fine('gallery', 'target', 'ack', 'studio', '--host', 'gallery.example.com', '--yes')).toContain(
    'acknowledged by',
  );
});

test('sim: some hours in the sandbox, then it goes on; feed, preview and ask look at it', async () => {
  const out = await fine('gallery', 'sim', '-n', '12', '--hours', '30m');
  expect(out).toMatch(/^0.5 h in [\d.]+ s: \d+ thinks, \d+ posts/);
  const fleet = await must('GET', 'fleet');
  expect(fleet['counts'].posts).toBeGreaterThan(0);
  expect(fleet['counts'].comments + fleet['counts'].likes).toBeGreaterThan(0);
  expect(fleet['desired'].running).toBe(12);
  expect(await fine('gallery', 'feed', '-n', '5')).toMatch(/(📸|💬|❤️|👀|↩️|🤷)/);
  const [bot] = (await must('GET', 'bots'))['items'];
  expect(await fine('gallery', 'preview', bot.id, '--steps', '2', '--mind', 'improv')).toMatch(/1\. .*\n[\s\S]*2\. /);
  expect((await fine('gallery', 'ask', bot.id, 'Are you a bot?')).trim()).not.toBe('');
  const again = await muster('gallery', 'sim', '--seed', '2', '-n', '3', '--hours', '1h');
  expect(again).toMatchObject({ code: 5 });
  expect(again.err).toContain('Stop them first');

  const following = spawn(process.execPath, [main, 'gallery', 'feed', '-f', '-n', '1'], { env, cwd: folder });
  let seen = '';
  following.stdout.on('data', (part: Buffer) => void (seen += part.toString()));
  try {
    await until(() => seen !== '', { withinMs: 20_000 });
    await fine('gallery', 'pause', bot.id);
    await until(() => seen.includes(`${bot.name} was paused.`), { withinMs: 20_000 });
  } finally {
    following.kill('SIGINT');
  }
}, 120_000);
