/* Every command of the gallery as a script would use it. What they do is asked in the server's gallery-cli.test.ts. */
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { buildsServer } from '../../server/test/support/builds-server.ts';
import { testDatabase } from '../../server/test/support/database.ts';
import { makeProgram } from '../src/program.ts';
import { runCli, tempDir } from './support/cli.ts';
import { commandNames } from './support/command-names.ts';

const database = await testDatabase();
const server = await buildsServer(database);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

type Row = Record<string, unknown>;

test('every command speaks JSON when asked to', { timeout: 120_000 }, async () => {
  const spoken = new Set<string>();
  const home = await tempDir();
  const say = async (command: string, ...words: string[]): Promise<Row[]> => {
    spoken.add(`gallery ${command}`);
    const said = ['gallery', ...command.split(' '), ...words, '--json'];
    const { code, stdout, stderr } = await runCli(server, said, { env: { HOME: home } });
    expect([command, code, stderr]).toEqual([command, 0, expect.any(String)]);
    return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Row]));
  };

  const [sim] = await say('sim', '-n', '4', '--hours', '10m', '--stop');
  expect(sim).toMatchObject({ kind: 'sim', state: 'done' });
  const [seeded] = await say('seed', '-n', '4', '--seed', '7');
  expect(seeded).toMatchObject({ kind: 'seed', changed: 4 });
  expect(await say('task', String(seeded?.['id']))).toMatchObject([{ state: 'done' }]);
  const [made] = await say('create', 'own_bot', '--name', 'Own Bot', '--persona', 'semaphore');
  const id = String(made?.['id']);
  expect((await say('bots', '-q', 'own_bot')).map((bot) => bot['id'])).toEqual([id]);
  expect(await say('show', id)).toMatchObject([{ username: 'own_bot', isAgent: true }]);
  expect(await say('status')).toMatchObject([{ bots: 9 }]);

  for (const command of ['start', 'pause', 'resume', 'wake', 'stop']) {
    expect(await say(command, id)).toMatchObject([{ total: 1 }]);
  }
  expect(await say('delete', id, '--yes')).toMatchObject([{ changed: 1 }]);
  expect(await say('restore', id)).toMatchObject([{ changed: 1 }]);
  expect(await say('preview', id, '--mind', 'improv')).toMatchObject([{ mind: 'improv' }]);
  expect(await say('ask', id, 'Are you a bot?')).toMatchObject([{ answer: expect.any(String) as string }]);
  expect((await say('feed', '-n', '3')).length).toBe(3);
  const dayAgo = new Date(Date.now() - 86_400_000).toISOString();
  expect(await say('replay', '--from', dayAgo, '--persona', 'kind_pencil')).toHaveLength(1);

  const file = join(home, 'personas.json');
  expect((await say('persona list')).length).toBeGreaterThan(11);
  await say('persona export', 'semaphore', '-o', file);
  expect(await say('persona import', file, '--dry-run')).not.toEqual([]);
  expect(await say('persona clone', 'semaphore', 'own_flags')).toMatchObject([{ id: 'own_flags' }]);
  for (const command of ['budget show', 'budget forecast']) expect(await say(command)).not.toEqual([]);
  expect(await say('budget set', 'fleet', 'posts=200')).not.toEqual([]);
  expect((await say('doctor')).length).toBeGreaterThan(0);

  const at = ['--url', 'https://gallery.example.com', '--token', 'fst_x'];
  expect(await say('target add', 'studio', ...at)).toMatchObject([{ id: 'studio', tokenSet: true }]);
  const host = ['--host', 'gallery.example.com', '--yes'];
  expect(await say('target ack', 'studio', ...host)).toMatchObject([{ id: 'studio' }]);
  expect((await say('target list')).map((target) => target['id'])).toContain('studio');
  expect(await say('target check', 'sandbox')).toMatchObject([{ ok: true }]);
  expect(await say('target hold', 'studio')).toMatchObject([{ gate: { state: 'held' } }]);
  expect(await say('target open', 'studio')).toMatchObject([{ gate: { state: 'open' } }]);

  expect(await say('panic', 'a drill')).toMatchObject([{ inFlight: [] }]);
  expect(await say('release', 'over', '--yes')).toMatchObject([{ panic: null }]);
  await say('delete', id, '--yes');
  expect(await say('purge', id, '--yes')).toMatchObject([{ changed: 1 }]);

  const all = commandNames(makeProgram(() => async () => undefined)).filter((name) => name.startsWith('gallery '));
  // It is `sim` with more bots and a farewell.
  expect(all.filter((name) => !spoken.has(name))).toEqual(['gallery demo']);
});
