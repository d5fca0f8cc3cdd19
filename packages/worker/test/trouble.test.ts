import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { liveProcesses, strays } from '../src/process-table.ts';
import { tarGzOf, zipOf } from './support/archives.ts';
import type { FakeBuild } from './support/fake-builds.ts';
import { FakeServer } from './support/fake-server.ts';
import { tempDir } from './support/temp-dir.ts';
import { until } from './support/until.ts';
import { startTestWorker, type TestWorker } from './support/worker.ts';

const ended = (build: FakeBuild): Promise<unknown> =>
  until(
    `build ends, but it is ${build.state}`,
    () => ['succeeded', 'failed', 'cancelled'].includes(build.state),
    40_000,
  );
const out = (build: FakeBuild): string[] =>
  build.log.filter((line) => line.source === 'stdout').map((line) => line.text);
const attemptsIn = async ({ dir }: TestWorker): Promise<string[]> =>
  (await readdir(dir)).filter((name) => name.startsWith('bld_'));
const small = await tarGzOf([{ name: 'x' }]);

describe('the connection', () => {
  test('the server answers an upgrade with something else: long poll', async () => {
    const server = await FakeServer.start();
    server.socketStatus = 404;
    const { said } = await startTestWorker(server);
    const build = server.submit({ source: small, command: 'echo hi' });
    await ended(build);
    expect(build.state).toBe('succeeded');
    expect(said()).toContain('taking work by long poll');
  });

  test('from long poll back to a socket', async () => {
    const server = await FakeServer.start();
    server.socketStatus = 404;
    const { said } = await startTestWorker(server, { socketRetryMs: 300 });
    await until('it polls', () => server.count('POST', /claim/) > 0);
    server.socketStatus = undefined;
    server.cut();
    await until('it has a socket', () => server.socket !== undefined);
    await until('it says so', () => said().includes('connected'));
    const build = server.submit({ source: small, command: 'true' });
    await ended(build);
  });

  test('a cut socket is made again, and a build under way is kept', async () => {
    const server = await FakeServer.start();
    await startTestWorker(server);
    const build = server.submit({ source: small, command: 'echo one; sleep 1.5; echo two' });
    await until('it runs', () => out(build).includes('one'));
    server.cut();
    await until('a new socket', () => server.count('WS', /connect/) >= 2);
    await ended(build);
    expect([build.state, build.job.build.term, out(build)]).toEqual(['succeeded', 1, ['one', 'two']]);
  });

  test('garbage on the socket closes it, and work goes on', async () => {
    const server = await FakeServer.start();
    await startTestWorker(server);
    await until('a socket', () => server.socket);
    const [code] = await new Promise<[number]>((resolve) => {
      server.socket?.on('close', (closeCode: number) => resolve([closeCode]));
      server.socket?.send('{"type":');
    });
    expect(code).toBe(1007);
    const build = server.submit({ source: small, command: 'true' });
    await ended(build);
    expect(build.state).toBe('succeeded');
  });

  test('a token that is not good ends the worker', async () => {
    const server = await FakeServer.start();
    const { worker } = await startTestWorker(server);
    await until('a socket', () => server.socket);
    server.socketStatus = 401;
    server.cut();
    expect(await worker.closed).toMatchObject({ kind: 'refused' });
    expect(server.rows.unregistered).toBe(0);
  });

  test('another process with the same token replaces it', async () => {
    const server = await FakeServer.start();
    const first = await startTestWorker(server);
    await until('a socket', () => server.socket);
    const second = await startTestWorker(server);
    expect(await first.worker.closed).toMatchObject({ kind: 'replaced' });
    const build = server.submit({ source: small, command: 'true' });
    await ended(build);
    expect(second.worker.held.length).toBeLessThanOrEqual(1);
  });

  test('a second worker in the same folder is refused', async () => {
    const server = await FakeServer.start();
    const { dir } = await startTestWorker(server);
    const { BuildWorker } = await import('../src/build-worker.ts');
    const { WorkerApi } = await import('../src/api.ts');
    const { Http } = await import('../src/http.ts');
    const { silentLog } = await import('../src/worker-log.ts');
    const other = new BuildWorker({
      api: new WorkerApi(new Http(server.url), server.token),
      dir,
      seats: 1,
      run: () => Promise.resolve(),
      log: silentLog,
    });
    await expect(other.start()).rejects.toThrow('another worker');
  });
});

describe('the server is away', () => {
  test('for a while: the build goes on, its lines come afterwards, in order', async () => {
    const server = await FakeServer.start();
    const worker = await startTestWorker(server);
    const build = server.submit({
      source: small,
      expects: 'artifact',
      command: 'echo first; for i in $(seq 1 30); do echo line $i; sleep 0.1; done; echo last; echo done > a.out',
    });
    await until('it runs', () => out(build).includes('first'));
    await server.away();
    await until('the worker notices', () => worker.said().includes('heartbeats do not reach the server'));
    const before = build.log.length;
    const spool = join(worker.dir, `${build.job.build.id}-1`, 'log');
    await until('many lines wait on disk', async () => {
      const files = await Promise.all((await readdir(spool)).map((name) => readFile(join(spool, name), 'utf8')));
      return files.join('').includes('line 20"');
    });
    expect(build.log.length).toBe(before);
    await server.back();
    await ended(build);
    expect(build.state).toBe('succeeded');
    expect(out(build)).toEqual(['first', ...Array.from({ length: 30 }, (_, i) => `line ${i + 1}`), 'last']);
    expect(build.artifacts.get('a.out')?.data.toString()).toBe('done\n');
  });

  test('when the build ends: it is reported as soon as the server is back', async () => {
    const server = await FakeServer.start();
    const worker = await startTestWorker(server);
    const build = server.submit({ source: small, command: 'echo up; sleep 0.5; exit 4' });
    await until('it runs', () => out(build).includes('up'));
    await server.away();
    const state = join(worker.dir, `${build.job.build.id}-1`, 'state.json');
    await until('the outcome stands', async () => (await readFile(state, 'utf8')).includes('"finished"'));
    expect(await attemptsIn(worker)).toHaveLength(1);
    await server.back();
    await ended(build);
    expect(build.failure).toMatchObject({ code: 'command_failed', exitCode: 4 });
  });
});

describe('lost answers and 409s', () => {
  test.each(['start', 'log', 'artifacts', 'uploads', 'complete', 'heartbeat'])(
    'the answer of %s is lost once',
    async (call) => {
      const server = await FakeServer.start();
      let lost = 0;
      server.trouble = (_, path) => (path.endsWith(call) && (lost += 1) === 1 ? 'lose' : undefined);
      const { worker } = await startTestWorker(server);
      const gate = join(await tempDir(), 'open');
      const command = 'echo a; echo b > b.out; while [ ! -e "$GATE" ]; do sleep 0.05; done';
      const build = server.submit({ source: small, expects: 'artifact', env: { GATE: gate }, command });
      // Heartbeats repeat by themselves, so the build has to last until the second one.
      if (call === 'heartbeat') await until('the second heartbeat', () => lost > 1);
      await writeFile(gate, '');
      await ended(build);
      await until('the worker knows it ended', () => worker.held.length === 0);
      expect(lost).toBeGreaterThan(1);
      expect([build.state, build.job.build.term, out(build), [...build.artifacts.keys()]]).toEqual([
        'succeeded',
        1,
        ['a'],
        ['b.out'],
      ]);
    },
  );

  test('everything fails every third time', async () => {
    const server = await FakeServer.start();
    let calls = 0;
    const kinds = ['drop', 'lose', 503, 'half'] as const;
    server.trouble = (_, path) =>
      path.endsWith('/unregister') || (calls += 1) % 3 !== 0 ? undefined : kinds[(calls / 3) % 4];
    await startTestWorker(server);
    const build = server.submit({
      source: small,
      expects: 'artifact',
      command: 'seq 1 1000; head -c 3000000 /dev/zero > z.out',
    });
    await ended(build);
    expect([build.state, out(build).length, build.artifacts.get('z.out')?.data.length]).toEqual([
      'succeeded',
      1_000,
      3_000_000,
    ]);
  });

  test('a claim whose answer is lost is answered again', async () => {
    const server = await FakeServer.start();
    let lost = 0;
    const build = server.submit({ source: small, command: 'true' });
    server.trouble = (_, path) => (path.endsWith('/claim') && (lost += 1) === 1 ? 'lose' : undefined);
    await startTestWorker(server, { transport: 'poll' });
    await ended(build);
    expect([build.state, build.job.build.term]).toEqual(['succeeded', 1]);
  });

  test('the answer of result is lost: it is said again, or the heartbeat tells that it arrived', async () => {
    const server = await FakeServer.start();
    let lost = 0;
    server.trouble = (_, path) => (path.endsWith('/result') && (lost += 1) === 1 ? 'lose' : undefined);
    const { worker } = await startTestWorker(server);
    const build = server.submit({ source: small, command: 'echo once' });
    await ended(build);
    await until('the worker knows it ended', () => worker.held.length === 0);
    expect([build.state, build.job.build.term, out(build)]).toEqual(['succeeded', 1, ['once']]);
  });

  test('start refused: nothing runs, and the same term is never taken again', async () => {
    const server = await FakeServer.start();
    let refused = false;
    server.trouble = (_, path) => {
      const now = path.endsWith('/start') && !refused;
      refused ||= now;
      return now ? 409 : undefined;
    };
    const { said } = await startTestWorker(server);
    const build = server.submit({ source: small, command: 'echo second' });
    await ended(build);
    expect(said()).toContain('build unheard');
    expect([build.state, build.job.build.term, out(build)]).toEqual(['succeeded', 2, ['second']]);
    expect(build.abandoned).toHaveLength(1);
  });

  test('result refused: the attempt is forgotten', async () => {
    const server = await FakeServer.start();
    const worker = await startTestWorker(server);
    const build = server.submit({ source: small, command: 'true' });
    server.trouble = (_, path) => {
      if (!path.endsWith('/result')) return undefined;
      build.state = 'failed';
      return 409;
    };
    await until('it gave up', () => worker.said().includes('build unheard'));
    expect(await attemptsIn(worker)).toEqual([]);
  });
});

describe('the source', () => {
  const noise = Buffer.from(Array.from({ length: 400_000 }, (_, i) => (i * 7919 + (i >> 8) * 31) % 251));
  test('cut in the middle goes on where it broke', async () => {
    const server = await FakeServer.start();
    let cuts = 0;
    server.trouble = (_, path) => (path.endsWith('/source') && (cuts += 1) <= 3 ? 'half' : undefined);
    await startTestWorker(server);
    const build = server.submit({
      source: zipOf([{ name: 'noise', data: noise }]),
      format: 'zip',
      command: 'wc -c < noise',
    });
    await ended(build);
    expect([build.state, cuts, out(build).map((text) => text.trim())]).toEqual(['succeeded', 4, ['400000']]);
  });

  test('with a wrong digest is fetched again, and then given up as the system’s fault', async () => {
    const server = await FakeServer.start();
    await startTestWorker(server);
    const build = server.submit({ source: small, command: 'true' });
    build.source = Buffer.alloc(small.length);
    await ended(build);
    expect(build.failure).toMatchObject({ code: 'source_corrupt', attribution: 'system' });
    expect(server.count('GET', /source/)).toBe(3);
  });
});

describe('the lease', () => {
  test('lost: the command stops, the folder goes, nothing more is said', async () => {
    const server = await FakeServer.start();
    const worker = await startTestWorker(server);
    const build = server.submit({ source: small, command: 'trap "" TERM; echo up; sleep 616; sleep 617' });
    await until('it runs', () => out(build).includes('up'));
    build.job = { ...build.job, build: { ...build.job.build, term: 9 } };
    build.state = 'failed';
    await until('it is let go', () => worker.worker.held.length === 0);
    expect(strays(build.job.build.id, 1)).toEqual([]);
    expect(await attemptsIn(worker)).toEqual([]);
    expect(server.count('POST', /\/(fail|result|abandon|stopped)$/)).toBe(0);
  });

  test('is kept while the main thread is busy', async () => {
    const server = await FakeServer.start();
    server.rows.heartbeatEveryMs = 500;
    let beats = 0;
    const { LeaseKeeper } = await import('../src/lease-keeper.ts');
    const { silentLog } = await import('../src/worker-log.ts');
    const { Worker } = await import('node:worker_threads');
    // The fake server must answer meanwhile, so it is the one that is not in this thread.
    const counted = new SharedArrayBuffer(8);
    const thread = new Worker(
      `const { workerData, parentPort } = require('node:worker_threads');
       const seen = new Int32Array(workerData);
       require('node:http').createServer((request, response) => {
         request.resume().on('end', () => { Atomics.add(seen, 0, 1);
           response.end(JSON.stringify({ leases: [], instructions: [], heartbeatEveryMs: 500 })); });
       }).listen(0, '127.0.0.1', function () { parentPort.postMessage(this.address().port); });`,
      { eval: true, workerData: counted },
    );
    const port = await new Promise<number>((resolve) => thread.once('message', resolve));
    const nothing = (): void => undefined;
    await using keeper = new LeaseKeeper({ url: `http://127.0.0.1:${port}`, token: 'wkt' }, silentLog, {
      onLost: nothing,
      onInstruction: nothing,
      onRefused: nothing,
      onBroken: nothing,
    });
    keeper.hold({ buildId: 'bld_1', term: 1 }, 500);
    const seen = new Int32Array(counted);
    await until('the first heartbeat', () => Atomics.load(seen, 0) > 0);
    beats = Atomics.load(seen, 0);
    const end = performance.now() + 3_500;
    while (performance.now() < end);
    expect(Atomics.load(seen, 0) - beats).toBeGreaterThanOrEqual(3);
    await thread.terminate();
  });
});

describe('the log', () => {
  test('that is full: the rest becomes log-rest.txt', async () => {
    const server = await FakeServer.start();
    server.rows.logLinesMax = 3;
    await startTestWorker(server);
    const build = server.submit({ source: small, command: 'for i in $(seq 1 20); do echo line $i; sleep 0.02; done' });
    await ended(build);
    expect(build.state).toBe('succeeded');
    const rest = build.artifacts.get('log-rest.txt')?.data.toString() ?? '';
    expect(
      [...build.log.map((line) => line.text), ...rest.split('\n')].filter((text) => text.startsWith('line ')),
    ).toEqual(Array.from({ length: 20 }, (_, i) => `line ${i + 1}`));
  });
});

describe('stopping', () => {
  test('a cancel during the download', async () => {
    const server = await FakeServer.start();
    const worker = await startTestWorker(server);
    server.trouble = (_, path) => (path.endsWith('/source') ? 503 : undefined);
    const build = server.submit({ source: small, command: 'true' });
    await until('it tries', () => server.count('GET', /source/) > 1);
    server.cancel(build);
    await ended(build);
    expect(build.state).toBe('cancelled');
    await until('it is gone', async () => (await attemptsIn(worker)).length === 0);
  });

  test('a cancel of a build that never reached us is confirmed', async () => {
    const server = await FakeServer.start();
    await startTestWorker(server);
    await until('a socket', () => server.socket);
    const build = server.rows.submit({ command: 'true' });
    build.state = 'running';
    server.cancel(build);
    await until('it is confirmed', () => build.state === 'cancelled');
  });

  test('abandon: the command ends, the build is queued again at once', async () => {
    const server = await FakeServer.start();
    const { worker } = await startTestWorker(server);
    const build = server.submit({ source: small, command: 'echo up; sleep 618' });
    await until('it runs', () => out(build).includes('up'));
    worker.abandon('going away');
    expect(await worker.closed).toMatchObject({ kind: 'left' });
    expect([build.state, build.abandoned]).toEqual(['queued', ['going away']]);
    expect(server.rows.unregistered).toBe(1);
    expect((await liveProcesses()).length).toBeGreaterThan(0);
    expect(strays(build.job.build.id, 1)).toEqual([]);
  });

  test('once; and idle exit', async () => {
    const server = await FakeServer.start();
    const once = await startTestWorker(server, { once: true });
    const builds = [
      server.submit({ source: small, command: 'sleep 0.3' }),
      server.submit({ source: small, command: 'true' }),
    ];
    expect(await once.worker.closed).toMatchObject({ kind: 'left' });
    expect(builds.map((build) => build.state)).toEqual(['succeeded', 'queued']);
    const idle = await startTestWorker(server, { idleExitMs: 400, transport: 'poll' });
    expect(await idle.worker.closed).toMatchObject({ kind: 'left', detail: 'nothing to do' });
    expect(builds.map((build) => build.state)).toEqual(['succeeded', 'succeeded']);
    await expect(readFile(join(idle.dir, 'worker.lock'))).rejects.toThrow();
    expect(server.calls.at(-1)).toBe('POST /v1/workers/me/unregister');
  });

  test('drain and exit by the server', async () => {
    const server = await FakeServer.start();
    const { worker } = await startTestWorker(server);
    const build = server.submit({ source: small, command: 'echo up; sleep 0.5' });
    await until('it runs', () => out(build).includes('up'));
    server.drain({ kind: 'drain', exit: true });
    expect(await worker.closed).toMatchObject({ kind: 'left', detail: 'told to leave by the server' });
    expect(build.state).toBe('succeeded');
  });
});
