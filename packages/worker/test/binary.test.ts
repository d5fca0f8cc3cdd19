import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { liveProcesses, strays } from '../src/process-table.ts';
import { tarGzOf } from './support/archives.ts';
import type { FakeBuild } from './support/fake-builds.ts';
import { FakeServer } from './support/fake-server.ts';
import { tempDir } from './support/temp-dir.ts';
import { until } from './support/until.ts';
import { workerProcess } from './support/worker-process.ts';

const small = await tarGzOf([{ name: 'x' }]);
const ended = (build: FakeBuild): Promise<unknown> =>
  until(
    `build ends, but it is ${build.state}`,
    () => ['succeeded', 'failed', 'cancelled'].includes(build.state),
    30_000,
  );
const out = (build: FakeBuild): string[] =>
  build.log.filter((line) => line.source === 'stdout').map((line) => line.text);
const flagsFor = (server: FakeServer, dir: string, ...more: string[]): string[] => [
  'start',
  '--url',
  server.url,
  '--token',
  server.token,
  '--dir',
  dir,
  '--grace',
  '1s',
  '--artifact',
  '*.out',
  '--allow-build-command',
  ...more,
];
const attemptsIn = async (dir: string): Promise<string[]> =>
  (await readdir(dir)).filter((name) => name.startsWith('bld_'));

describe('start', () => {
  test('with --join registers, keeps the token to itself, and uses it the next time', async () => {
    const server = await FakeServer.start();
    const dir = join(await tempDir(), 'state');
    const flags = [
      'start',
      '--url',
      server.url,
      '--join',
      'mst_key',
      '--name',
      'mac-1',
      '--label',
      'arch=arm64',
      '--dir',
      dir,
      '--command',
      'true',
      '--once',
    ];
    for (let times = 1; times <= 2; times += 1) {
      const build = server.submit({ source: small });
      const worker = workerProcess(flags);
      expect(await worker.exit).toBe(0);
      expect(build.state).toBe('succeeded');
      expect(server.count('POST', /^POST \/v1\/workers$/)).toBe(1);
    }
    expect((await stat(join(dir, 'worker-token'))).mode & 0o777).toBe(0o600);
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
  });

  test('from worker.toml in the working folder', async () => {
    const server = await FakeServer.start();
    const dir = await tempDir();
    await writeFile(
      join(dir, 'worker.toml'),
      `url = "${server.url}"\ndir = "${dir}/state"\nonce = true\n[task.hello]\ncommand = "echo hello from toml"\n`,
    );
    const build = server.submit({ source: small, task: 'hello' });
    const worker = workerProcess(['start'], { cwd: dir, env: { MUSTER_WORKER_TOKEN: server.token } });
    expect(await worker.exit).toBe(0);
    expect(out(build)).toEqual(['hello from toml']);
  });

  test('with wrong flags says all that is wrong', async () => {
    const worker = workerProcess(['start', '--seats', 'many', '--url', 'nowhere']);
    expect(await worker.exit).toBe(2);
    expect(worker.output()).toContain('--seats');
    expect(worker.output()).toContain('--url');
    expect(worker.output()).toContain('nothing to run');
  });

  test('with a token nobody knows', async () => {
    const server = await FakeServer.start();
    const worker = workerProcess([
      'start',
      '--url',
      server.url,
      '--token',
      'wkt_wrong',
      '--dir',
      await tempDir(),
      '--command',
      'true',
    ]);
    expect(await worker.exit).toBe(1);
    expect(worker.output()).toContain('unknown_credential');
  });

  test('waits for a server that is not there yet', async () => {
    const server = await FakeServer.start();
    await server.away();
    const build = server.rows.submit({ source: small, command: 'true' });
    const worker = workerProcess(flagsFor(server, await tempDir(), '--once'));
    await worker.says('the server is away');
    await server.back();
    expect(await worker.exit).toBe(0);
    expect(build.state).toBe('succeeded');
  });
});

describe('signals', () => {
  test('SIGTERM: finishes its build, takes no other, leaves', async () => {
    const server = await FakeServer.start();
    const build = server.submit({ source: small, command: 'echo up; sleep 1; echo end' });
    const worker = workerProcess(flagsFor(server, await tempDir()));
    await until('it runs', () => out(build).includes('up'));
    worker.child.kill('SIGTERM');
    await worker.says('leaving after the last build');
    const next = server.submit({ source: small, command: 'true' });
    expect(await worker.exit).toBe(0);
    expect([build.state, out(build), next.state]).toEqual(['succeeded', ['up', 'end'], 'queued']);
    expect(server.rows.unregistered).toBe(1);
  });

  test('a second SIGTERM gives the build back at once', async () => {
    const server = await FakeServer.start();
    const dir = await tempDir();
    const build = server.submit({ source: small, command: 'echo up; sleep 619' });
    const worker = workerProcess(flagsFor(server, dir));
    await until('it runs', () => out(build).includes('up'));
    worker.child.kill('SIGTERM');
    await worker.says('leaving after the last build');
    worker.child.kill('SIGTERM');
    expect(await worker.exit).toBe(0);
    expect([build.state, build.abandoned.length]).toEqual(['queued', 1]);
    expect(strays(build.job.build.id, 1)).toEqual([]);
    expect(await attemptsIn(dir)).toEqual([]);
  });

  test('SIGTERM without a build leaves at once', async () => {
    const server = await FakeServer.start();
    const worker = workerProcess(flagsFor(server, await tempDir()));
    await worker.says('working');
    worker.child.kill('SIGTERM');
    expect(await worker.exit).toBe(0);
  });
});

describe('kill -9 and restart', () => {
  test('in the middle of a command: the old group is ended, the build given back and done again', async () => {
    const server = await FakeServer.start();
    const dir = await tempDir();
    // A worker that was never told to end is not leaving a build behind on purpose: the command says how often it ran.
    const marks = join(dir, 'marks');
    const build = server.submit({
      source: small,
      command: `echo x >> ${marks}; if [ $(wc -l < ${marks}) = 1 ]; then echo up; sleep 620; fi; echo again`,
    });
    const first = workerProcess(flagsFor(server, dir));
    await until('it runs', () => out(build).includes('up'));
    const sleeping = await until('its processes', async () => strays(build.job.build.id, 1).at(0));
    first.child.kill('SIGKILL');
    await first.exit;
    expect((await liveProcesses()).some((row) => row.pid === sleeping)).toBe(true);
    const second = workerProcess(flagsFor(server, dir));
    await ended(build);
    expect((await liveProcesses()).some((row) => row.pid === sleeping)).toBe(false);
    expect([build.state, build.job.build.term, build.abandoned.length, out(build)]).toEqual([
      'succeeded',
      2,
      1,
      ['again'],
    ]);
    second.child.kill('SIGTERM');
    expect(await second.exit).toBe(0);
    expect(await attemptsIn(dir)).toEqual([]);
  });

  test('in the middle of an upload: the result is reported, the command not run again', async () => {
    const server = await FakeServer.start();
    const dir = await tempDir();
    let patches = 0;
    let stuck = true;
    server.trouble = (method) => (method === 'PATCH' && (patches += 1) > 1 && stuck ? 503 : undefined);
    const build = server.submit({
      source: small,
      expects: 'artifact',
      command: 'echo once; head -c 3000000 /dev/urandom > big.out; sha256sum big.out | cut -c1-64',
    });
    const first = workerProcess(flagsFor(server, dir));
    await until('it uploads', () => patches > 2, 20_000);
    first.child.kill('SIGKILL');
    await first.exit;
    stuck = false;
    const second = workerProcess(flagsFor(server, dir));
    await second.says('finished but not reported');
    await ended(build);
    expect([build.state, build.job.build.term, out(build)[0]]).toEqual(['succeeded', 1, 'once']);
    const { createHash } = await import('node:crypto');
    expect(
      createHash('sha256')
        .update(build.artifacts.get('big.out')?.data ?? '')
        .digest('hex'),
    ).toBe(out(build)[1]);
    second.child.kill('SIGTERM');
    await second.exit;
    expect(await attemptsIn(dir)).toEqual([]);
  });

  test('while the server was away too: unsent lines are not lost', async () => {
    const server = await FakeServer.start();
    const dir = await tempDir();
    const build = server.submit({ source: small, command: 'echo up; sleep 1; seq 1 500; exit 5' });
    const first = workerProcess(flagsFor(server, dir));
    await until('it runs', () => out(build).includes('up'));
    await server.away();
    const state = join(dir, `${build.job.build.id}-1`, 'state.json');
    await until(
      'it is finished',
      async () => existsSync(state) && (await readFile(state, 'utf8')).includes('"finished"'),
    );
    first.child.kill('SIGKILL');
    await first.exit;
    await server.back();
    const second = workerProcess(flagsFor(server, dir));
    await ended(build);
    expect(build.failure).toMatchObject({ code: 'command_failed', exitCode: 5 });
    expect(out(build)).toEqual(['up', ...Array.from({ length: 500 }, (_, i) => String(i + 1))]);
    second.child.kill('SIGKILL');
  });

  test('leftovers without a readable state are removed', async () => {
    const server = await FakeServer.start();
    const dir = await tempDir();
    await mkdir(join(dir, 'bld_old-3', 'work'), { recursive: true });
    await mkdir(join(dir, 'bld_older-1.removing'));
    const worker = workerProcess(flagsFor(server, dir));
    await worker.says('working');
    expect(await attemptsIn(dir)).toEqual([]);
  });
});

describe('doctor', () => {
  test('checks the machine and tells the server', async () => {
    const server = await FakeServer.start();
    const dir = await tempDir();
    const worker = workerProcess([
      'doctor',
      '--url',
      server.url,
      '--token',
      server.token,
      '--dir',
      dir,
      '--command',
      'sh build.sh',
      '--json',
    ]);
    const code = await worker.exit;
    const report = server.rows.diagnostics[0];
    expect(report?.checks.map((check) => check.name)).toEqual([
      'node',
      'system',
      'folder',
      'disk',
      'command default',
      'connection',
      'clock',
      'credential',
    ]);
    expect(JSON.parse(worker.output())).toMatchObject({ status: report?.status });
    expect(code).toBe(report?.status === 'critical' ? 1 : 0);
    expect(report?.checks.find((check) => check.name === 'command default')).toMatchObject({ status: 'pass' });
  });

  test('finds what is wrong', async () => {
    const server = await FakeServer.start();
    await server.away();
    const worker = workerProcess([
      'doctor',
      '--url',
      server.url,
      '--token',
      'wkt_x',
      '--dir',
      await tempDir(),
      '--command',
      'no-such-tool --now',
    ]);
    expect(await worker.exit).toBe(1);
    expect(worker.output()).toMatch(/FAIL command default +no-such-tool is not on PATH/);
    expect(worker.output()).toMatch(/FAIL connection/);
  });
});

describe('an older Node', () => {
  const old = ['/usr/bin/node', '/usr/local/bin/node'].find((path) => existsSync(path) && path !== process.execPath);
  test.runIf(old)('runs the worker on the pinned one, and hands signals on', async () => {
    const server = await FakeServer.start();
    const build = server.submit({ source: small, command: 'echo up; sleep 0.7; echo end' });
    const worker = workerProcess(flagsFor(server, await tempDir()), { node: old ?? '' });
    await until('it runs', () => out(build).includes('up'));
    worker.child.kill('SIGTERM');
    expect(await worker.exit).toBe(0);
    expect(out(build)).toEqual(['up', 'end']);
  });
});
