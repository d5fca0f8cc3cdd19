import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { childEnv } from '#test/child-env';
import { type TestDatabase, testDatabase } from '#test/database';
import { until } from '#test/until';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const key = 'stop-test-key-0123456789-abcdefghij';
let database: TestDatabase;
let dataDir: string;
const running: ChildProcess[] = [];
beforeEach(async () => {
  database = await testDatabase();
  dataDir = await mkdtemp(join(tmpdir(), 'muster-stop-'));
});
afterEach(async () => {
  for (const child of running.splice(0))
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await rm(dataDir, { recursive: true, force: true });
  await database[Symbol.asyncDispose]();
});

type Line = Record<string, unknown> & { msg: string };

/** The real process, as `bin/start.mjs` starts it; `parent` is the pipe that ends when we would. */
function startProcess(args: string[] = [], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [main, ...args, '--parent-fd', '3'], {
    env: childEnv({
      MUSTER_DATA_DIR: dataDir,
      MUSTER_PORT: '0',
      DATABASE_URL: database.url,
      MUSTER_API_KEY: key,
      ...env,
    }),
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  running.push(child);
  let out = '';
  let err = '';
  child.stdout?.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr?.on('data', (data: Buffer) => (err += data.toString()));
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const lines = (): Line[] =>
    out
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Line);
  const ready = async (): Promise<string> => {
    await until(() => lines().some(({ msg }) => msg === 'ready') || child.exitCode !== null, { withinMs: 30_000 });
    const url = lines().find(({ msg }) => msg === 'ready')?.['url'];
    if (typeof url !== 'string') throw new Error(`the server did not start:\n${out}${err}`);
    return url;
  };
  return { child, exited, lines, ready, err: () => err };
}

test.each(['SIGTERM', 'SIGHUP'] as const)('%s: phases stop in reverse, exit 0', async (signal) => {
  const server = startProcess();
  const url = await server.ready();
  expect((await fetch(`${url}/ready`)).status).toBe(200);
  server.child.kill(signal);
  expect(await server.exited).toBe(0);
  const phases = server
    .lines()
    .filter(({ msg }) => msg === 'stopped')
    .map((line) => line['phase']);
  expect(phases[0]).toBe('listening');
  expect(phases.at(-1)).toBe('data folder');
  expect(server.err()).toBe('');
});

/** A request whose body has begun and goes on when told. */
function slowCall(url: string) {
  let goOn: () => void = () => undefined;
  const told = new Promise<void>((resolve) => (goOn = resolve));
  const body = new ReadableStream({
    async start(stream) {
      stream.enqueue(Buffer.from('{"name":"slow",'));
      await told;
      stream.enqueue(Buffer.from('"scopes":["builds:read"]}'));
      stream.close();
    },
  });
  const init = {
    method: 'POST',
    duplex: 'half',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body,
  };
  return { goOn: () => goOn(), answer: fetch(`${url}/v1/keys`, init as RequestInit) };
}
const inFlight = async (url: string): Promise<boolean> =>
  (await (await fetch(`${url}/metrics`)).text()).includes('muster_http_requests_in_flight 2');
const refuses = async (url: string): Promise<boolean> =>
  (await fetch(`${url}/ready`).catch(() => undefined)) === undefined;

test('a request in flight is answered, then the process ends', async () => {
  const server = startProcess();
  const url = await server.ready();
  const slow = slowCall(url);
  await until(() => inFlight(url));
  server.child.kill('SIGTERM');
  await until(() => refuses(url));
  expect(server.child.exitCode).toBeNull();
  slow.goOn();
  expect((await slow.answer).status).toBe(201);
  expect(await server.exited).toBe(0);
});

test('parked polls are answered empty and sockets closed with 1012 at once', async () => {
  const server = startProcess();
  const url = await server.ready();
  const post = (path: string, body: object, token = key) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const made = await post('/v1/workers', {
    name: 'w',
    platforms: ['linux'],
    version: '1',
    host: { os: 'linux', arch: 'x64', cpus: 1, memoryBytes: 1e9 },
  });
  expect(made.status, await made.clone().text()).toBe(201);
  const { token } = (await made.json()) as { token: string };
  const parked = post('/v1/workers/me/claim?wait=50s', { held: [], free: 1 }, token);
  await until(async () =>
    /muster_(http_parked_calls|builds_parked) 1/.test(await (await fetch(`${url}/metrics`)).text()),
  );
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/workers/connect`, {
    headers: { authorization: `Bearer ${token}` },
  });
  await once(socket, 'open');
  const closed = once(socket, 'close');
  const began = performance.now();
  server.child.kill('SIGTERM');
  expect(await (await parked).json()).toMatchObject({ job: null, nextPollMs: expect.any(Number) });
  expect((await closed)[0]).toBe(1012);
  expect(performance.now() - began).toBeLessThan(5000);
  expect(await server.exited).toBe(0);
});

test('the parent dying stops the server cleanly', async () => {
  const server = startProcess();
  await server.ready();
  const pipe = server.child.stdio[3];
  if (pipe && 'destroy' in pipe) pipe.destroy();
  expect(await server.exited).toBe(0);
  expect(server.lines().at(-1)).toMatchObject({ msg: 'stopped', phase: 'data folder' });
});

test('a second signal ends at once', async () => {
  const server = startProcess();
  const url = await server.ready();
  const slow = slowCall(url);
  const broken = slow.answer.catch(() => 'cut');
  await until(() => inFlight(url));
  server.child.kill('SIGINT');
  await until(() => refuses(url));
  const began = performance.now();
  server.child.kill('SIGINT');
  expect(await server.exited).toBe(1);
  // Well under the time that requests in flight are given.
  expect(performance.now() - began).toBeLessThan(5000);
  expect(await broken).toBe('cut');
});

test('two servers on one data folder: the second exits 1 naming the first', async () => {
  const first = startProcess();
  const url = await first.ready();
  const second = startProcess();
  expect(await second.exited).toBe(1);
  expect(second.err()).toContain(url);
});

test('bad settings: exit 2 with all problems, nothing started', async () => {
  const server = startProcess(['--port', '99999'], { MUSTER_PROT: '1' });
  expect(await server.exited).toBe(2);
  expect(server.err()).toContain('MUSTER_PORT = 99999');
  expect(server.err()).toContain('Did you mean MUSTER_PORT?');
  const unknown = startProcess(['--prot', '1']);
  expect(await unknown.exited).toBe(2);
  expect(unknown.err()).toContain('did you mean --port?');
  const command = startProcess(['config', 'check']);
  expect(await command.exited).toBe(0);
});

test('--migrate-only migrates and ends', async () => {
  const migrating = startProcess(['--migrate-only']);
  expect(await migrating.exited).toBe(0);
  expect(migrating.lines().map((line) => line['phase'])).not.toContain('listening');
});

test('a taken port is named; nothing is left running', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  const server = startProcess(['--port', String(port)]);
  expect(await server.exited).toBe(1);
  expect(server.err()).toContain(`Port ${port} on 127.0.0.1 is taken`);
  expect(server.lines().at(-1)).toMatchObject({ msg: 'stopped', phase: 'data folder' });
  taken.close();
});
