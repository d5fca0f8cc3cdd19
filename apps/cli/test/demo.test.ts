/* The demo takes everything down with it: its server, that one's Postgres, and its worker, however it ends. */
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../../server/test/support/until.ts';
import { type Running, runCli, startCli, tempDir } from './support/cli.ts';

/** Postgres finishes its work, and a worker gives its builds back. */
const goneMsMax = 45_000;

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return String(typeof address === 'object' ? address?.port : 0);
}

/** Processes that name the folder in their words or their environment, but for the demo itself. */
async function processesOf(dir: string, but?: number): Promise<{ pid: number; words: string }[]> {
  const found = await Promise.all(
    (await readdir('/proc')).map(async (name) => {
      if (!/^\d+$/.test(name) || Number(name) === but) return [];
      const read = (file: string): Promise<string> => readFile(`/proc/${name}/${file}`, 'utf8').catch(() => '');
      const [words, environment] = await Promise.all([read('cmdline'), read('environ')]);
      return `${words}\0${environment}`.includes(dir)
        ? [{ pid: Number(name), words: words.replaceAll('\0', ' ') }]
        : [];
    }),
  );
  return found.flat();
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-demo-'));
  // Postgres may run as another user, who must pass through.
  await chmod(folder, 0o711);
});
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

/** All of them in one data folder: its database is made once, and each goes on with what the one before left. */
async function runningDemo(): Promise<{ demo: Running; dir: string }> {
  const dir = join(folder, 'data');
  onTestFinished(async () => {
    for (const { pid } of await processesOf(dir)) process.kill(pid, 'SIGKILL');
  });
  const demo = await startCli(undefined, ['demo', '--dir', dir, '--port', await freePort(), '--every', '1s']);
  await demo.says(/submitted: main: every push/);
  await until(async () =>
    (await processesOf(dir, demo.child.pid)).some(({ words }) => words.includes('muster-worker')),
  );
  const words = (await processesOf(dir, demo.child.pid)).map((row) => row.words).join('\n');
  expect(words).toContain('server/src/main.ts');
  expect(words).toMatch(/postgres/);
  return { demo, dir };
}

const gone = (dir: string): Promise<void> =>
  until(async () => (await processesOf(dir)).length === 0, { withinMs: goneMsMax, everyMs: 100 });

describe.runIf(process.platform === 'linux')('nothing is left running', () => {
  test('after kill -9', { timeout: 120_000 }, async () => {
    const { demo, dir } = await runningDemo();
    demo.child.kill('SIGKILL');
    await gone(dir);
  });

  test('after a second Ctrl-C, which waits for nobody', { timeout: 120_000 }, async () => {
    const { demo, dir } = await runningDemo();
    demo.child.kill('SIGINT');
    await demo.says('Stopping …');
    demo.child.kill('SIGINT');
    expect((await demo.exit).code).toBe(130);
    await gone(dir);
  });

  test('after Ctrl-C; then wipe removes what it made, and nothing else', { timeout: 120_000 }, async () => {
    const { demo, dir } = await runningDemo();
    demo.child.kill('SIGINT');
    expect((await demo.exit).code).toBe(0);
    expect(await processesOf(dir)).toEqual([]);
    expect((await runCli(undefined, ['demo', 'wipe', '--yes', '--dir', await tempDir()])).code).toBe(2);
    expect((await runCli(undefined, ['demo', 'wipe', '--yes', '--dir', dir])).code).toBe(0);
    expect(await readdir(join(dir, '..'))).not.toContain('data');
  });
});
