/**
 * Claim: one stream's messages reach 500 followers at 500 000 deliveries per second and more, in either form, because each
 * tick is encoded once and every follower is handed the same bytes.
 *
 * Twice: in process with sinks that count, which is what the log itself costs; and over 500 real sockets of a real server
 * (one process, so one core for its JavaScript), appends by HTTP as fast as they are answered, this process reading.
 * `--followers=500 --ms=2000 --rounds=3 --lanes=32 --json`.
 */

import { createLog, type Sink } from '../apps/server/src/kernel/log/index.ts';
import { countingReader, type LiveForm, marker } from './support/live-reader.ts';
import { PlainConnection } from './support/plain-http.ts';
import { machine, median, options, round, table } from './support/report.ts';
import { type ServerProcess, serverProcess } from './support/server-process.ts';

const given = options();
const followers = given.get('followers', 500);
const roundMs = given.get('ms', 2000);
const rounds = given.get('rounds', 3);
const lanes = given.get('lanes', 32);
const message = Buffer.from(`{${marker}${Math.PI},"text":"${'x'.repeat(165)}"}`);
const forms = ['sse', 'socket'] as const;

type Result = { form: string; appendsPerSecond: number; deliveriesPerSecond: number; mibPerSecond: number };

/** Appends as fast as they are acknowledged; every follower must have seen every one. */
async function run(form: Sink['form']): Promise<Result> {
  const log = createLog({ driver: 'memory' });
  await log.start();
  const key = { projectId: 'prj_bench', path: 'bench/fan-out' };
  await log.create({ key, contentType: 'application/json' });
  const next = Array.from({ length: followers }, () => '');
  let bytes = 0;
  const tails = await Promise.all(
    next.map((_, i) =>
      log.tail(key, 'now', {
        form,
        write(shared) {
          for (const part of shared) bytes += part.length;
          next[i] = 'written';
          return 0;
        },
        gap: () => 'stop',
        end: () => undefined,
      }),
    ),
  );
  const began = performance.now();
  let appends = 0;
  while (performance.now() - began < roundMs) {
    await Promise.all(Array.from({ length: 16 }, () => log.append({ key, messages: [message] })));
    appends += 16;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { tail } = (await log.head(key)) ?? { tail: '' };
  while (tails.some((one) => one.next !== tail)) await new Promise((resolve) => setImmediate(resolve));
  const seconds = (performance.now() - began) / 1000;
  await log[Symbol.asyncDispose]();
  return {
    form,
    appendsPerSecond: appends / seconds,
    deliveriesPerSecond: (appends * followers) / seconds,
    mibPerSecond: bytes / seconds / 1024 / 1024,
  };
}

/** The same over sockets; every follower must have seen every message here too. */
async function overSockets(server: ServerProcess, form: LiveForm): Promise<Result> {
  const connections = await Promise.all(Array.from({ length: lanes }, () => PlainConnection.open(server.url)));
  const path = `bench/${form}`;
  const ask = async (connection: PlainConnection, method: string, body: string | Buffer): Promise<void> => {
    const { status, text } = await connection.ask(method, `/v1/stream/${path}`, server.key, body);
    if (status >= 300) throw new Error(`${method} was answered ${status}: ${text}`);
  };
  await ask(connections[0] as PlainConnection, 'PUT', '');
  const count = { seen: 0, appends: 0 };
  const readers: Disposable[] = [];
  for (let i = 0; i < followers; i++) {
    readers.push(await countingReader(server, form, path, (messages) => void (count.seen += messages)));
  }
  const began = performance.now();
  const lane = async (connection: PlainConnection): Promise<void> => {
    for (; performance.now() - began < roundMs; count.appends += 1) await ask(connection, 'POST', message);
  };
  await Promise.all(connections.map(lane));
  while (count.seen < count.appends * followers) await new Promise((resolve) => setImmediate(resolve));
  const seconds = (performance.now() - began) / 1000;
  for (const reader of readers) reader[Symbol.dispose]();
  for (const connection of connections) connection.close();
  return {
    form: `${form}, over sockets`,
    appendsPerSecond: count.appends / seconds,
    deliveriesPerSecond: count.seen / seconds,
    mibPerSecond: (count.seen * message.length) / seconds / 1024 / 1024,
  };
}

const runs = new Map<string, Result[]>();
await using server = await serverProcess({ MUSTER_STREAMS_LIVE_READS_PER_CREDENTIAL_MAX: String(followers + 10) });
for (let r = 0; r < rounds; r++) {
  for (const form of forms) {
    for (const result of [await run(form), await overSockets(server, form)])
      runs.set(result.form, [...(runs.get(result.form) ?? []), result]);
  }
}
const results = [...runs].map(([form, of]) => {
  const medianOf = (pick: (result: Result) => number): number => round(median(of.map(pick)));
  return {
    form,
    appendsPerSecond: medianOf((result) => result.appendsPerSecond),
    deliveriesPerSecond: medianOf((result) => result.deliveriesPerSecond),
    mibPerSecond: medianOf((result) => result.mibPerSecond),
  };
});
if (given.json) console.log(JSON.stringify({ machine: machine(), followers, rounds, roundMs, results }));
else {
  const { cpu, cores, memoryGb, node, os } = machine();
  console.log(
    `${cpu}, ${cores} cores, ${memoryGb} GB · node ${node} · ${os} · medians of ${rounds} rounds of ${roundMs} ms, ${followers} followers\n`,
  );
  table(
    ['form', 'appends/s', 'deliveries/s', 'MiB/s handed out'],
    results.map((r) => [r.form, r.appendsPerSecond, r.deliveriesPerSecond, r.mibPerSecond]),
  );
}
