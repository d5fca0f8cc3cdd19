/* The product's main job on real input: worker processes, a real npm project, its live log, its artifact, its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Client } from '@muster/client';
import type { Build } from '@muster/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '#test/server';
import { until } from '#test/until';

const repository = join(import.meta.dirname, '../../../..');
const worker = join(repository, 'packages/worker/bin/muster-worker.mjs');
let server: TestServer;
let client: Client;
let folder: string;
const workers: ChildProcess[] = [];

beforeAll(async () => {
  server = await startServer();
  client = new Client({ url: server.url, credential: server.key });
  folder = await mkdtemp(join(tmpdir(), 'muster-real-'));
});
afterAll(async () => {
  for (const child of workers) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  }
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function startWorker(name: string, command: string, label: string): Promise<void> {
  const words = ['start', `--url=${server.url}`, `--join=${server.key}`, `--name=${name}`, '--platform=linux'];
  const child = spawn(
    process.execPath,
    [
      worker,
      ...words,
      `--label=role=${label}`,
      `--dir=${join(folder, name)}`,
      `--command=${command}`,
      '--artifact=dist/*.tgz',
      '--grace=1s',
    ],
    { stdio: 'ignore' },
  );
  workers.push(child);
  await until(async () =>
    (await client.workers.list()).items.some((each) => each.name === name && each.state === 'online'),
  );
}

/** The example project as a tar.gz: ustar headers of 512 bytes, contents padded to the same (POSIX.1-1988). */
async function exampleSource(): Promise<Blob> {
  const root = join(repository, 'examples/build-npm-project');
  const names = (await readdir(root, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const parts: Buffer[] = [];
  for (const entry of names) {
    const path = join(entry.parentPath, entry.name);
    const content = await readFile(path);
    const header = Buffer.alloc(512);
    header.write(path.slice(root.length + 1), 0);
    header.write('0000755\0', 100);
    header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('00000000000\0', 136);
    header.write('        0', 148);
    header.write('ustar\u000000', 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    parts.push(header, content, Buffer.alloc((512 - (content.length % 512)) % 512));
  }
  return new Blob([gzipSync(Buffer.concat([...parts, Buffer.alloc(1024)]))]);
}

async function followed(id: string): Promise<{ build: Build; lines: string[]; sawRunning: boolean }> {
  const lines: string[] = [];
  const finish = new AbortController();
  let sawRunning = false;
  const following = (async () => {
    for await (const page of client.builds.log(id, { finish: finish.signal })) {
      lines.push(...page.records.map((record) => record.text));
      sawRunning ||= (await client.builds.get(id)).state === 'running';
    }
  })();
  const build = await client.builds.finished(id);
  finish.abort();
  await following;
  return { build, lines, sawRunning };
}

/** Processes whose environment names this build: the command's whole family, wherever it forked. */
function processesOf(buildId: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/environ`, 'utf8').includes(buildId) &&
          !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

test('two builds of a real npm project run at once on two workers; logs are live, artifacts are whole', async () => {
  // The sleep makes the two overlap however fast the machine is.
  const command = 'sleep 1 && npm test && npm run build';
  await Promise.all([startWorker('one', command, 'builder'), startWorker('two', command, 'builder')]);
  const source = await exampleSource();
  const submitted = await Promise.all(
    ['left', 'right'].map((name) =>
      client.builds.submit({ name, platform: 'linux', requires: { role: 'builder' } }, { source }),
    ),
  );
  const ended = await Promise.all(submitted.map(({ id }) => followed(id)));
  for (const { build, lines, sawRunning } of ended) {
    expect(build, JSON.stringify(build.failure)).toMatchObject({ state: 'succeeded', term: 1 });
    expect(lines[0]).toBe('Build submitted');
    expect(lines.at(-1)).toBe('Build completed successfully');
    expect(lines.join('\n')).toContain('npm run build');
    expect(sawRunning, 'the log came while it ran').toBe(true);
    const artifact = build.artifacts.find(({ primary }) => primary);
    if (!artifact) throw new Error('no artifact');
    const hash = createHash('sha256');
    const got = await client.builds.download(build.id, artifact.name, (chunk) => void hash.update(chunk));
    expect([got.bytes, hash.digest('hex')]).toEqual([artifact.sizeBytes, artifact.sha256]);
  }
  const [left, right] = ended.map(({ build }) => build);
  expect(left?.attempts[0]?.workerId).not.toBe(right?.attempts[0]?.workerId);
  const starts = ended.map(({ build }) => Date.parse(build.startedAt ?? ''));
  const ends = ended.map(({ build }) => Date.parse(build.finishedAt ?? ''));
  expect(Math.max(...starts), 'both ran at the same time').toBeLessThan(Math.min(...ends));
});

test.skipIf(process.platform !== 'linux')('a build cancelled mid-run is gone, with everything it started', async () => {
  await startWorker('sleeper', 'sleep 600 & (setsid sleep 600 &) ; echo started ; wait', 'sleeper');
  const build = await client.builds.submit(
    { requires: { role: 'sleeper' }, platform: 'linux' },
    { source: await exampleSource() },
  );
  await until(() => processesOf(build.id).length >= 3, { withinMs: 30_000 });
  await client.builds.cancel(build.id, 'enough');
  expect(await client.builds.finished(build.id)).toMatchObject({ state: 'cancelled', stopReason: 'user' });
  await until(() => processesOf(build.id).length === 0);
});
