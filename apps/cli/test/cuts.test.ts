/* What the CLI does when connections are cut and servers restart, with a real worker process at the other end. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { testDatabase } from '../../server/test/support/database.ts';
import { startServer, type TestServer } from '../../server/test/support/server.ts';
import { tinyZip } from '../../server/test/support/tiny-zip.ts';
import { WorkerClient } from '../../server/test/support/worker-client.ts';
import { runCli, startCli, tempDir } from './support/cli.ts';

const plenty = { MUSTER_BUILDS_FREE_BYTES_MIN: '0' };

async function server(): Promise<TestServer> {
  const made = await startServer({ env: plenty });
  onTestFinished(() => made[Symbol.asyncDispose]());
  return made;
}

/** A folder with one file, and a `muster worker start` on this server that runs `command` in such folders. */
async function withWorker(at: { url: string; key: string }, command: string): Promise<{ folder: string }> {
  const folder = join(await tempDir(), 'app');
  await mkdir(folder);
  await writeFile(join(folder, 'hello.txt'), 'hello from the source');
  const words = [`--join=${at.key}`, '--platform=linux', '--artifact=*.out', `--command=${command}`, '--grace=1s'];
  const worker = await startCli(at, ['worker', 'start', ...words, `--dir=${join(await tempDir(), 'state')}`]);
  onTestFinished(async () => {
    worker.child.kill('SIGTERM');
    await worker.exit;
  });
  await worker.says('working');
  return { folder };
}

test('submit --follow prints what a real worker ran, and download brings what it made', async () => {
  const at = await server();
  const { folder } = await withWorker(at, 'cat hello.txt && echo && cp hello.txt made.out');
  const followed = await runCli(at, ['builds', 'submit', folder, '--platform', 'linux', '--follow']);
  expect(followed.code).toBe(0);
  expect(followed.stdout.split('\n')).toContain('hello from the source');
  expect(followed.stdout).toMatch(/succeeded in .*\n {2}made\.out {2}21 B {2}sha256 [0-9a-f]{64}\n$/);
  const id = /bld_\w+/.exec(followed.stdout)?.[0] ?? '';
  const { code, stdout } = await runCli(at, ['builds', 'download', id, '-o', '-']);
  expect([code, stdout]).toEqual([0, 'hello from the source']);
});

// Again when the server was still busy with the cut connection: what it then refuses has passed the proxy all the same.
test('an upload goes on over cut connections, and arrives whole', { retry: 2 }, async () => {
  const at = await server();
  const file = join(await tempDir(), 'source.zip');
  const bytes = tinyZip([{ name: 'big.bin', data: randomBytes(12 * 2 ** 20) }]);
  await writeFile(file, bytes);
  const proxy = await cuttingProxy(new URL(at.url), [3 * 2 ** 20, 1 * 2 ** 20, 4 * 2 ** 20]);
  const sent = await runCli({ url: proxy.url, key: at.key }, [
    'builds',
    'submit',
    file,
    '--platform',
    'linux',
    '--json',
  ]);
  expect(sent.code).toBe(0);
  expect(proxy.cuts()).toBe(3);
  // Three cuts lose what was in buffers; starting over each time would have taken 20 MiB.
  expect(proxy.passed()).toBeLessThan(bytes.length + 7.5 * 2 ** 20);

  const call: WorkerClient['server']['call'] = async (method, path, { body, token = at.key } = {}) => {
    const answer = await at.call(path, { method, key: token, ...(body === undefined ? {} : { json: body }) });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, body: JSON.parse(text) as Record<string, unknown> };
  };
  const { job } = await (await WorkerClient.register({ url: at.url, call })).take();
  expect(job.source).toMatchObject({
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  });
});

test('logs -f goes on over a restart of the server, every line once', async () => {
  const database = await testDatabase();
  const dataDir = await tempDir();
  const gate = join(dataDir, 'go-on');
  const env = { ...plenty, MUSTER_DATA_DIR: dataDir, MUSTER_API_KEY: 'k'.repeat(40) };
  await using first = await startServer({ database, env, options: { log: 'disk' } });
  onTestFinished(() => database[Symbol.asyncDispose]());
  const at = { url: first.url, key: first.key };
  const { folder } = await withWorker(at, `echo before; while [ ! -e "${gate}" ]; do sleep 0.05; done; echo after`);
  const { stdout } = await runCli(at, [
    'builds',
    'submit',
    folder,
    '--platform',
    'linux',
    '--expects',
    'nothing',
    '--json',
  ]);
  const { id } = JSON.parse(stdout) as { id: string };
  const follower = await startCli(at, ['builds', 'logs', id, '-f']);
  await follower.says('before');

  await first[Symbol.asyncDispose]();
  await follower.says(/Trying again in/);
  const port = new URL(at.url).port;
  const second = await startServer({ database, env: { ...env, MUSTER_PORT: port }, options: { log: 'disk' } });
  onTestFinished(() => second[Symbol.asyncDispose]());
  await writeFile(gate, '');

  const { code, stdout: said } = await follower.exit;
  const lines = said.split('\n').filter((line) => line === 'before' || line === 'after');
  expect([code, lines]).toEqual([0, ['before', 'after']]);
});

type Proxy = { url: string; cuts: () => number; passed: () => number };

/** Hands bytes on to the server, and cuts a connection when so many have come up on it; one cut for each of `limits`. */
async function cuttingProxy(to: URL, limits: number[]): Promise<Proxy> {
  const left = [...limits];
  let passed = 0;
  const open = new Set<Socket>();
  const proxy = createServer((client) => {
    const upstream = connect(Number(to.port), to.hostname);
    let up = 0;
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', end).on('close', end);
    }
    client.on('data', (chunk: Buffer) => {
      up += chunk.length;
      passed += chunk.length;
      if (left[0] !== undefined && up > left[0]) {
        left.shift();
        return end();
      }
      if (!upstream.write(chunk)) client.pause();
    });
    upstream.on('drain', () => client.resume());
    upstream.pipe(client);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    proxy.close();
  });
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}`, cuts: () => limits.length - left.length, passed: () => passed };
}
