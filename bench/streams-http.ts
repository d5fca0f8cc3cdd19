/**
 * Claim: over HTTP, with a credential check, one append in flight per stream, Muster stores more appends per second
 * durably (answered after the sync) than `@durable-streams/server` keeps in memory, at 32, 100 and 1000 streams, and at
 * least 20 times as many as that server with its file store.
 *
 * The same load generator (a process of its own, raw sockets, requests built beforehand) against three server processes
 * on the same cores and disk in the same run; rounds interleaved, medians. CPU is that of the server process alone.
 * `--rounds=3 --ms=3000 --bytes=256 --only=32 --json`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { machine, median, options, round, type Spread, table } from './support/report.ts';
import { serverProcess } from './support/server-process.ts';

const given = options();
const rounds = given.get('rounds', 3);
const ms = given.get('ms', 3000);
const bytes = given.get('bytes', 256);
const only = given.get('only', 0);
const counts = [1, 32, 100, 1000].filter((count) => only === 0 || count === only);

type Measured = { perSecond: number; done: number; latencyMs: Spread; cpuMicros: number };
type Server = { name: string; url: string; token: string; pid: number };

const supportFile = (name: string): string => path.join(import.meta.dirname, 'support', name);
/** Clock ticks of a process so far, user and system; 100 a second on Linux. */
const cpuTicks = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
};

let runs = 0;
async function load(server: Server, streams: number): Promise<Measured> {
  const prefix = `bench-${++runs}`;
  const child = spawn(
    process.execPath,
    [supportFile('stream-load.ts'), server.url, server.token, String(streams), String(bytes), String(ms), prefix],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let before = 0;
  let result: Measured | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'begin') before = cpuTicks(server.pid);
    else {
      const measured = JSON.parse(line) as Omit<Measured, 'cpuMicros'>;
      result = { ...measured, cpuMicros: ((cpuTicks(server.pid) - before) * 10_000) / measured.done };
    }
  }
  if (!result) throw new Error(`the load on ${server.name} failed`);
  return result;
}

async function reference(name: string, dataDir?: string): Promise<Server & { child: ChildProcess }> {
  const child = spawn(process.execPath, [supportFile('reference-streams.ts'), ...(dataDir ? [dataDir] : [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // It says other things as well.
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('http://')) continue;
    child.stdout.resume();
    return { name, url: line, token: '-', pid: child.pid ?? 0, child };
  }
  throw new Error(`${name} did not start`);
}

const folder = await mkdtemp(path.join(process.cwd(), '.bench-streams-'));
const ours = await serverProcess({ MUSTER_DATA_DIR: path.join(folder, 'muster') });
const memory = await reference('reference, memory');
const files = await reference('reference, files', path.join(folder, 'reference'));
const servers: Server[] = [{ name: 'Muster, disk', url: ours.url, token: ours.key, pid: ours.pid }, memory, files];

const pause = (forMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, forMs));
/** A server that has just started fills files for later; what it does all day is measured, not that. */
async function filesPrepared(): Promise<void> {
  const log = path.join(folder, 'muster', 'log');
  while ((await readdir(log)).filter((name) => name.endsWith('.spare')).length < 2) await pause(500);
}

const results = new Map<string, Measured[]>();
try {
  await filesPrepared();
  for (const server of servers) await load(server, 32); // warms up
  for (let r = 0; r < rounds; r++) {
    for (const count of counts) {
      for (const server of servers) {
        const name = `${server.name} ${count}`;
        results.set(name, [...(results.get(name) ?? []), await load(server, count)]);
      }
    }
  }
} finally {
  memory.child.kill();
  files.child.kill();
  await ours[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
}

const of = (server: Server, count: number, read: (one: Measured) => number): number =>
  median((results.get(`${server.name} ${count}`) ?? []).map(read));
const report = counts.map((count) => {
  const perSecond = servers.map((server) => of(server, count, (one) => one.perSecond));
  const [muster = 0, inMemory = 1, inFiles = 1] = perSecond;
  return {
    streams: count,
    perSecond: perSecond.map(Math.round),
    cpuMicros: servers.map((server) => round(of(server, count, (one) => one.cpuMicros))),
    p50: servers.map((server) => of(server, count, (one) => one.latencyMs.p50)),
    p99: servers.map((server) => of(server, count, (one) => one.latencyMs.p99)),
    overMemory: round(muster / inMemory),
    overFiles: round(muster / inFiles),
  };
});
if (given.json) console.log(JSON.stringify({ machine: machine(), rounds, ms, bytes, report }));
else {
  console.log(machine());
  console.log(`medians of ${rounds} rounds of ${ms} ms, ${bytes} bytes, one append in flight per stream`);
  table(
    ['streams', 'server', 'appends/s', 'CPU µs', 'p50 ms', 'p99 ms'],
    report.flatMap((row) =>
      servers.map((server, i) => [
        row.streams,
        server.name,
        row.perSecond[i] ?? 0,
        row.cpuMicros[i] ?? 0,
        row.p50[i] ?? 0,
        row.p99[i] ?? 0,
      ]),
    ),
  );
  table(
    ['streams', 'ours ÷ memory (bar: > 1)', 'ours ÷ files (bar: ≥ 20)'],
    report.map((row) => [row.streams, row.overMemory, row.overFiles]),
  );
}
