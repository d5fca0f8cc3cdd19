/**
 * Claim: four uploads of 1 GB at once cost the server at most 10 MB of memory each; their speed stands beside a bare pipe
 * into a synced file, sent by the same client from the same machine in the same run, round by round.
 *
 * `--files=4 --mb=1024 --rounds=3 --json`. The server verifies and hashes (SHA-256) what it stores; the pipe does not.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { machine, median, options, round, table } from './support/report.ts';
import { type ServerProcess, serverProcess } from './support/server-process.ts';

const given = options();
const files = given.get('files', 4);
const bytes = given.get('mb', 1_024) * 2 ** 20;
const rounds = given.get('rounds', 3);
const block = Buffer.alloc(2 ** 20, 'muster ');
const agent = new Agent({ keepAlive: true, maxSockets: files });

function* blocks(total: number): Generator<Buffer> {
  for (let left = total; left > 0; left -= block.length) yield left >= block.length ? block : block.subarray(0, left);
}

async function send(method: string, url: string, headers: Record<string, string>, total: number): Promise<number> {
  const call = request(url, { method, agent, headers: { ...headers, 'content-length': String(total) } });
  const answered = once(call, 'response') as Promise<[IncomingMessage]>;
  await pipeline(Readable.from(blocks(total)), call);
  const [answer] = await answered;
  answer.resume();
  await once(answer, 'end');
  return answer.statusCode ?? 0;
}

async function ask<T>(server: ServerProcess, method: string, at: string, json: unknown): Promise<T> {
  const answer = await fetch(`${server.url}${at}`, {
    method,
    headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(json),
  });
  if (!answer.ok) throw new Error(`${at}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

/** One file through the product: opened, sent in chunks of the largest size, completed, dropped. */
async function upload(server: ServerProcess): Promise<void> {
  const { id, chunkBytesMax } = await ask<{ id: string; chunkBytesMax: number }>(server, 'POST', '/v1/uploads', {
    purpose: 'artifact',
    sizeBytes: bytes,
  });
  const authorization = `Bearer ${server.key}`;
  for (let offset = 0; offset < bytes; offset += chunkBytesMax) {
    const status = await send(
      'PATCH',
      `${server.url}/v1/uploads/${id}`,
      { authorization, 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' },
      Math.min(chunkBytesMax, bytes - offset),
    );
    if (status !== 204) throw new Error(`chunk refused: ${status}`);
  }
  await ask(server, 'POST', `/v1/uploads/${id}/complete`, {});
  await fetch(`${server.url}/v1/uploads/${id}`, { method: 'DELETE', headers: { authorization } });
}

/** Highest resident size while `work` runs, sampled every 20 ms. */
async function peakOf(sample: () => number, work: () => Promise<unknown>): Promise<{ seconds: number; peak: number }> {
  let peak = sample();
  const timer = setInterval(() => (peak = Math.max(peak, sample())), 20);
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1_000;
  clearInterval(timer);
  return { seconds, peak };
}

async function pipeServer(folder: string): Promise<{ url: string; child: ChildProcess }> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'support', 'pipe-server.ts'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  return { url: `http://127.0.0.1:${port.toString().trim()}`, child };
}

const folder = await mkdtemp(path.join(tmpdir(), 'muster-pipe-'));
const pipe = await pipeServer(folder);
await using server = await serverProcess({ LOG_LEVEL: 'info' });
const all = (work: () => Promise<unknown>): Promise<unknown> => Promise.all(Array.from({ length: files }, work));

// One small round first, so that buffers every process needs once are not counted as growth.
await upload(server);
const before = server.residentBytes();
const results: { muster: number; pipe: number; growth: number }[] = [];
for (let n = 0; n < rounds; n++) {
  const ours = await peakOf(server.residentBytes, () => all(() => upload(server)));
  const bare = await peakOf(
    () => 0,
    () => all(() => send('PUT', pipe.url, {}, bytes)),
  );
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  const mb = (files * bytes) / 2 ** 20;
  results.push({ muster: mb / ours.seconds, pipe: mb / bare.seconds, growth: (ours.peak - before) / files / 2 ** 20 });
}
pipe.child.kill();
agent.destroy();
await rm(folder, { recursive: true, force: true });

const figures = {
  machine: machine(),
  files,
  mbEach: bytes / 2 ** 20,
  rounds,
  musterMbPerSecond: round(median(results.map((result) => result.muster))),
  pipeMbPerSecond: round(median(results.map((result) => result.pipe))),
  ratio: round(median(results.map((result) => result.muster / result.pipe))),
  growthMbPerUpload: round(Math.max(...results.map((result) => result.growth))),
  bars: { growthMbPerUpload: 10 },
};
if (given.json) console.log(JSON.stringify(figures));
else {
  console.log(`${files} uploads of ${figures.mbEach} MB at once, ${rounds} rounds; ${JSON.stringify(figures.machine)}`);
  table(
    ['what', 'figure', 'bar'],
    [
      ['muster, MB/s', figures.musterMbPerSecond, '–'],
      ['bare pipe + fsync, MB/s', figures.pipeMbPerSecond, '–'],
      ['ratio', figures.ratio, '–'],
      ['memory growth per upload, MB (worst round)', figures.growthMbPerUpload, '≤ 10'],
    ],
  );
}
