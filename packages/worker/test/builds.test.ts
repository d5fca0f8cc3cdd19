import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { tarGzOf, tarZstOf, zipOf } from './support/archives.ts';
import type { FakeBuild } from './support/fake-builds.ts';
import { FakeServer } from './support/fake-server.ts';
import { until } from './support/until.ts';
import { startTestWorker } from './support/worker.ts';

const ended = (build: FakeBuild): Promise<unknown> =>
  until(
    `build ends, but it is ${build.state}`,
    () => ['succeeded', 'failed', 'cancelled'].includes(build.state),
    20_000,
  );
const textsOf = (build: FakeBuild, source: string): string[] =>
  build.log.filter((line) => line.source === source).map((line) => line.text);

describe.each(['auto', 'poll'] as const)('over %s', (transport) => {
  test('a build from source to artifact, and nothing is left of it', async () => {
    const server = await FakeServer.start();
    const { worker, dir } = await startTestWorker(server, { transport });
    const source = await tarGzOf([{ name: 'in.txt', data: 'hello' }]);
    const build = server.submit({
      source,
      expects: 'artifact',
      command:
        'echo to stdout; echo to stderr >&2; tr a-z A-Z < in.txt > b.out; echo extra > "$MUSTER_ARTIFACTS_DIR/note.txt"',
    });
    await ended(build);
    expect(build.state).toBe('succeeded');
    expect([...build.artifacts.values()].map(({ name, data }) => [name, data.toString()])).toEqual([
      ['b.out', 'HELLO'],
      ['note.txt', 'extra\n'],
    ]);
    expect(build.result?.artifacts).toEqual([...build.artifacts.values()].map((artifact) => artifact.id));
    expect(build.result?.exitCode).toBe(0);
    expect(textsOf(build, 'stdout')).toEqual(['to stdout']);
    expect(textsOf(build, 'stderr')).toEqual(['to stderr']);
    await until('the seat is free', () => worker.held.length === 0);
    expect((await readdir(dir)).filter((name) => name.startsWith('bld_'))).toEqual([]);
  });

  test('cancel mid-run: the group and its grandchildren are gone in a second', async () => {
    const server = await FakeServer.start();
    const { worker } = await startTestWorker(server, { transport });
    const source = await tarGzOf([{ name: 'x' }]);
    const build = server.submit({ source, command: 'sh -c "sleep 611 & sleep 612" & echo up; sleep 613' });
    await until('it runs', () => textsOf(build, 'stdout').includes('up'));
    const began = performance.now();
    server.cancel(build);
    await ended(build);
    // A second on a quiet machine; who waited for SIGKILL would wait half a minute.
    expect(performance.now() - began).toBeLessThan(6_000);
    expect(build.state).toBe('cancelled');
    expect(textsOf(build, 'worker').at(-1)).toBe('Stopped: cancelled (user)');
    await until('the seat is free', () => worker.held.length === 0);
    const { strays } = await import('../src/process-table.ts');
    expect(strays(build.job.build.id, 1)).toEqual([]);
  });

  test('several seats, many builds', async () => {
    const server = await FakeServer.start();
    const source = await tarGzOf([{ name: 'x' }]);
    const builds = Array.from({ length: 6 }, (_, i) => server.submit({ source, command: `echo ${i}; sleep 0.2` }));
    await startTestWorker(server, { transport, seats: 3 });
    await Promise.all(builds.map(ended));
    expect(builds.map((build) => [build.state, build.job.build.term])).toEqual(builds.map(() => ['succeeded', 1]));
    expect(builds.map((build) => textsOf(build, 'stdout'))).toEqual(builds.map((_, i) => [String(i)]));
  });

  test('drained by the server: finishes, takes nothing, resumes', async () => {
    const server = await FakeServer.start();
    const { said } = await startTestWorker(server, { transport });
    const source = await tarGzOf([{ name: 'x' }]);
    const first = server.submit({ source, command: 'echo up; sleep 0.5' });
    await until('it runs', () => textsOf(first, 'stdout').includes('up'));
    server.drain({ kind: 'drain', exit: false });
    await until('it heard', () => said().includes('drained by the server'));
    await ended(first);
    expect(first.state).toBe('succeeded');
    const second = server.submit({ source, command: 'true' });
    server.drain(undefined);
    await ended(second);
    expect(second.state).toBe('succeeded');
  });
});

describe('the job', () => {
  test.each([
    ['zip', (entries: { name: string }[]) => Promise.resolve(zipOf(entries))],
    ['tar.zst', tarZstOf],
  ] as const)('a %s source', async (format, pack) => {
    const source = await pack([{ name: 'in.txt' }]);
    const server = await FakeServer.start();
    await startTestWorker(server);
    const build = server.submit({ source, format, command: 'cat in.txt' });
    await ended(build);
    expect(build.state).toBe('succeeded');
  });

  test('its environment is the list, and secrets do not show', async () => {
    const server = await FakeServer.start();
    const { dir } = await startTestWorker(server);
    process.env['WORKER_OWN_SECRET'] = 'must not be seen';
    const build = server.submit({
      source: await tarGzOf([{ name: 'x' }]),
      env: { PLAIN: 'p', MUSTER_BUILD_ID: 'fake' },
      secretEnv: { API_PASSWORD: 'swordfish-99', SHORT: 'abc' },
      command: 'env | sort; echo "token $MUSTER_BUILD_TOKEN"; ls -ld "$HOME" "$MUSTER_CERTS_DIR" . | cut -c1-10',
    });
    await ended(build);
    const lines = textsOf(build, 'stdout');
    const names = lines
      .flatMap((line) => /^([A-Z_]+)=/.exec(line)?.[1] ?? [])
      .filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name));
    expect(names.sort()).toEqual([
      'API_PASSWORD',
      'CI',
      'HOME',
      'LANG',
      'MUSTER_ARTIFACTS_DIR',
      'MUSTER_BUILD_ID',
      'MUSTER_BUILD_TOKEN',
      'MUSTER_CERTS_DIR',
      'MUSTER_TERM',
      'MUSTER_URL',
      'PATH',
      'PLAIN',
      'SHORT',
    ]);
    expect(lines).toContain('API_PASSWORD=***');
    expect(lines).toContain('SHORT=abc');
    expect(lines).toContain('token ***');
    expect(lines).toContain('CI=1');
    expect(lines).toContain(`MUSTER_BUILD_ID=${build.job.build.id}`);
    expect(lines).toContain(`MUSTER_URL=${server.url}`);
    expect(lines.find((line) => line.startsWith('HOME='))).toContain(dir);
    expect(lines.filter((line) => line === 'drwx------')).toHaveLength(3);
  });

  test('certificates lie in their folder, and passwords do not show', async () => {
    const server = await FakeServer.start();
    await startTestWorker(server);
    const certs = {
      p12: Buffer.from('p12!').toString('base64'),
      p12Password: 'p12-password',
      keychainPassword: 'chain-password',
      provisioningProfiles: [Buffer.from('profile').toString('base64')],
    };
    const build = server.submit({
      source: await tarGzOf([{ name: 'x' }]),
      certs,
      command:
        'cd "$MUSTER_CERTS_DIR"; ls -l | cut -c1-10; cat certificate.p12 profile-1.mobileprovision; echo; cat password.txt keychain-password.txt',
    });
    await ended(build);
    const lines = textsOf(build, 'stdout');
    expect(lines.filter((line) => line === '-rw-------')).toHaveLength(4);
    expect(lines.slice(-2)).toEqual(['p12!profile', '******']);
  });

  test('::progress goes to the heartbeat, with how much the build uses, and not to the log', async () => {
    const server = await FakeServer.start();
    await startTestWorker(server);
    const build = server.submit({
      source: await tarGzOf([{ name: 'x' }]),
      command: 'echo "::progress 40 compiling"; sleep 2.5; echo "::progress 80"',
    });
    await until('progress arrives', () =>
      build.notes.some((note) => note.progress === 40 && note.phase === 'compiling'),
    );
    await until('measurements arrive', () => build.notes.some((note) => (note.metrics?.processes ?? 0) > 0));
    await ended(build);
    expect(textsOf(build, 'stdout')).toEqual([]);
  });

  test('100 000 lines in order', async () => {
    const server = await FakeServer.start();
    await startTestWorker(server);
    const build = server.submit({ source: await tarGzOf([{ name: 'x' }]), command: 'seq 1 100000' });
    await ended(build);
    expect(textsOf(build, 'stdout')).toEqual(Array.from({ length: 100_000 }, (_, i) => String(i + 1)));
  });

  test('tasks: by name, the default, an unknown one, a command that is not allowed', async () => {
    const server = await FakeServer.start();
    const task = { artifacts: [], env: { FROM: 'task' }, graceMs: 1_000 };
    const tasks = new Map([
      ['one', { ...task, command: 'echo "one $FROM"' }],
      ['two', { ...task, command: ['echo', '$FROM'] }],
    ]);
    await startTestWorker(server, { runner: { tasks, defaultTask: 'two', allowBuildCommand: false } });
    const source = await tarGzOf([{ name: 'x' }]);
    const builds = [
      server.submit({ source, task: 'one' }),
      server.submit({ source }),
      server.submit({ source, task: 'three' }),
      server.submit({ source, command: 'id' }),
    ];
    await Promise.all(builds.map(ended));
    const [one, two, three, command] = builds as [FakeBuild, FakeBuild, FakeBuild, FakeBuild];
    expect(textsOf(one, 'stdout')).toEqual(['one task']);
    expect(textsOf(two, 'stdout')).toEqual(['$FROM']);
    expect(three.failure).toMatchObject({
      code: 'command_not_allowed',
      detail: 'this worker has no task "three"; it offers: one, two',
    });
    expect(command.failure).toMatchObject({ code: 'command_not_allowed', attribution: 'user' });
  });
});

describe('failures', () => {
  test('of the command: code, exit code, last lines', async () => {
    const server = await FakeServer.start();
    await startTestWorker(server);
    const build = server.submit({ source: await tarGzOf([{ name: 'x' }]), command: 'seq 1 30; echo oops >&2; exit 3' });
    await ended(build);
    expect(build.failure).toMatchObject({
      code: 'command_failed',
      attribution: 'user',
      exitCode: 3,
      detail: 'the command ended with exit code 3',
    });
    expect(build.failure?.lastLines).toHaveLength(20);
    expect(build.failure?.lastLines).toContain('oops');
  });

  test('of time: SIGTERM, grace, SIGKILL, timed_out', async () => {
    const server = await FakeServer.start();
    await startTestWorker(server);
    const build = server.submit({
      source: await tarGzOf([{ name: 'x' }]),
      maxRunMs: 1_000,
      command: 'trap "" TERM; sleep 614; sleep 615',
    });
    await ended(build);
    expect(build.failure).toMatchObject({ code: 'timed_out', attribution: 'user' });
  });

  test('of the source: unsafe, corrupt, gone', async () => {
    const server = await FakeServer.start();
    await startTestWorker(server);
    const unsafe = server.submit({ source: await tarGzOf([{ name: '../evil', data: 'x' }]), command: 'true' });
    await ended(unsafe);
    expect(unsafe.failure).toMatchObject({ code: 'source_unsafe', attribution: 'user' });
    const corrupt = server.submit({ source: Buffer.from('not a tar'), command: 'true' });
    await ended(corrupt);
    expect(corrupt.failure).toMatchObject({ code: 'source_corrupt', attribution: 'user' });
    const gone = server.submit({ source: await tarGzOf([{ name: 'x' }]), command: 'true' });
    server.trouble = (_, path) => (path.endsWith('/source') ? 404 : undefined);
    await ended(gone);
    expect(gone.failure).toMatchObject({ code: 'source_gone', attribution: 'system' });
  });

  test('of artifacts: none where one is expected, one too large', async () => {
    const server = await FakeServer.start();
    await startTestWorker(server);
    const source = await tarGzOf([{ name: 'x' }]);
    const missing = server.submit({ source, expects: 'artifact', command: 'true' });
    await ended(missing);
    expect(missing.failure).toMatchObject({ code: 'artifact_missing', attribution: 'user' });
    expect(missing.failure?.detail).toContain('nothing matches *.out');
    const large = server.submit({ source, artifactBytesMax: 10, command: 'echo 0123456789 > big.out' });
    await ended(large);
    expect(large.failure).toMatchObject({ code: 'artifact_too_large', attribution: 'user' });
  });
});
