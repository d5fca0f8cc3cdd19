import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BuildFailure, type RunBuild, type RunningWorker, silentLog, startWorker } from '../src/index.ts';
import { tarGzOf } from './support/archives.ts';
import type { FakeBuild } from './support/fake-builds.ts';
import { FakeServer } from './support/fake-server.ts';
import { tempDir } from './support/temp-dir.ts';
import { until } from './support/until.ts';

const small = await tarGzOf([{ name: 'in.txt', data: 'hello' }]);
const ended = (build: FakeBuild): Promise<unknown> =>
  until(
    `build ends, but it is ${build.state}`,
    () => ['succeeded', 'failed', 'cancelled'].includes(build.state),
    20_000,
  );

async function startWith(server: FakeServer, run: RunBuild): Promise<RunningWorker> {
  return startWorker({
    url: server.url,
    token: server.token,
    labels: { arch: 'test' },
    run,
    dir: await tempDir(),
    log: silentLog,
    graceMs: 300,
  });
}

test('source, exec, log, progress, artifacts', async () => {
  const server = await FakeServer.start();
  const worker = await startWith(server, async (job, { source, exec, log, progress, putArtifact, folder }) => {
    log(`building ${job.build.id}`);
    await source();
    progress(50, 'half');
    const { exitCode, lastLines } = await exec(['cat', 'in.txt']);
    log(`said ${lastLines.join()}`);
    await writeFile(join(folder.work, 'result.bin'), 'bytes');
    await putArtifact('result.bin');
    return { exitCode };
  });
  const build = server.submit({ source: small, expects: 'artifact' });
  await ended(build);
  expect(build.state).toBe('succeeded');
  expect(build.log.map((line) => line.text)).toEqual([
    `building ${build.job.build.id}`,
    expect.stringContaining('Source unpacked'),
    'hello',
    'said hello',
  ]);
  expect(build.artifacts.get('result.bin')?.data.toString()).toBe('bytes');
  expect(build.result).toMatchObject({ exitCode: 0, artifacts: [build.artifacts.get('result.bin')?.id] });
  expect(await worker.drain()).toMatchObject({ kind: 'left' });
});

test('a plain error is the build’s failure, a BuildFailure says its own code', async () => {
  const server = await FakeServer.start();
  const worker = await startWith(server, (job) => {
    throw job.build.task === 'host' ? new BuildFailure('worker_error', 'broken tool') : new Error('tests failed');
  });
  const plain = server.submit({ source: small });
  const host = server.submit({ source: small, task: 'host' });
  await Promise.all([ended(plain), ended(host)]);
  expect(plain.failure).toMatchObject({ code: 'command_failed', attribution: 'user', detail: 'tests failed' });
  expect(host.failure).toMatchObject({ code: 'worker_error', attribution: 'host', detail: 'broken tool' });
  await worker.stop();
});

test('cancel aborts the signal; a run that does not listen is left alone after its grace', async () => {
  const server = await FakeServer.start();
  let aborted = false;
  const worker = await startWith(server, async (_, { signal }) => {
    signal.addEventListener('abort', () => (aborted = true));
    await new Promise(() => undefined);
  });
  const build = server.submit({ source: small });
  await until('it runs', () => build.state === 'running');
  server.cancel(build);
  await ended(build);
  expect([build.state, aborted]).toEqual(['cancelled', true]);
  expect(await worker.stop()).toMatchObject({ kind: 'left' });
});

test('a token that is not good is told before anything starts', async () => {
  const server = await FakeServer.start();
  const started = startWorker({
    url: server.url,
    token: 'wkt_wrong',
    run: () => Promise.resolve(),
    log: silentLog,
    dir: await tempDir(),
  });
  await expect(started).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('an aborted signal gives the builds back', async () => {
  const server = await FakeServer.start();
  const stop = new AbortController();
  const worker = await startWorker({
    url: server.url,
    token: server.token,
    dir: await tempDir(),
    log: silentLog,
    signal: stop.signal,
    run: async (_, { exec }) => void (await exec('sleep 621')),
  });
  const build = server.submit({ source: small });
  await until('it runs', () => build.state === 'running');
  stop.abort();
  expect(await worker.closed).toMatchObject({ kind: 'left' });
  expect(build.state).toBe('queued');
});
