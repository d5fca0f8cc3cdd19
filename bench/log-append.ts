/**
 * Claim: one process appends at least 200 000 durable 300-byte messages per second with 64 in flight and 800 000 with 1024,
 * with a p99 under 1 ms at 64, and at 1 and 64 gets at least half of what bare writes of the same batches get.
 *
 * The full path: head, producer check, frame, checksum, group commit, index, one follower; the flusher rests, `log-cost`
 * measures it. Segment files are ready, as in a server that has run for a while. The limits beside it are
 * `write` + `fdatasync` and one `write` on an O_DSYNC descriptor: the same bytes per batch, one at a time, on a file of
 * the same kind (zero-filled), in the same run, rounds interleaved; past the page cache (O_DIRECT), as we write, it is
 * shown too. So is Redis Streams (XADD, fsync always) where there is a redis-server. CPU is that of all threads, the load
 * included. `--rounds=5 --ms=700 --rest=10000 --streams=64 --only=64 --json`; `rest` lets a
 * disk that lends speed for a while get over the preparation of the files.
 */

import { closeSync, constants, fdatasync, openSync, write } from 'node:fs';
import path from 'node:path';
import { systemClock } from '../apps/server/src/kernel/base/index.ts';
import type { Log, Sink, StreamKey } from '../apps/server/src/kernel/log/index.ts';
import { durableLog, segmentBytes, withoutFlusher, zeroFilled } from './support/durable-log.ts';
import { redisStreams } from './support/redis-streams.ts';
import { machine, median, options, round, type Spread, spreadOf, table } from './support/report.ts';
import { redis } from './support/stores.ts';

const given = options();
const rounds = given.get('rounds', 5);
const roundMs = given.get('ms', 700);
const restMs = given.get('rest', 10_000);
const streams = given.get('streams', 64);
const only = given.get('only', 0);
const inFlight = [1, 64, 1024].filter((n) => only === 0 || n === only);
const message = Buffer.alloc(300, 'm');

type Muster = {
  perSecond: number;
  cpuMicros: number;
  latencyMs: Spread;
  batchBytes: number;
  perBatch: number;
};
const ways = ['fdatasync', 'dsync', 'direct'] as const;
type Way = (typeof ways)[number];

const batches = { count: 0, bytes: 0, unprepared: 0 };
const took = new Float64Array(4_000_000);

/** A follower that takes what it gets. */
const counter: Sink = { form: 'raw', write: () => 0, gap: () => 'stop', end: () => undefined };

/** `n` lanes, each with its own producer and one append in flight at a time. */
async function appendFor(log: Log, keys: readonly StreamKey[], n: number, epoch: number): Promise<Muster> {
  using _ = await log.tail(keys[0] as StreamKey, 'now', counter);
  Object.assign(batches, { count: 0, bytes: 0 });
  let done = 0;
  const cpu = process.cpuUsage();
  const began = performance.now();
  const until = began + roundMs;
  const lane = async (no: number): Promise<void> => {
    const key = keys[no % keys.length] as StreamKey;
    const id = `lane-${no}`;
    const messages = [message];
    for (let seq = 0, start = performance.now(); start < until; seq++) {
      await log.append({ key, messages, producer: { id, epoch, seq } });
      const end = performance.now();
      took[done++ % took.length] = end - start;
      start = end;
    }
  };
  await Promise.all(Array.from({ length: n }, (_, i) => lane(i)));
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    perSecond: done / seconds,
    cpuMicros: (user + system) / done,
    latencyMs: spreadOf(took.subarray(0, done)),
    batchBytes: Math.ceil(batches.bytes / batches.count / 512) * 512,
    perBatch: done / batches.count,
  };
}

/** Page-aligned, which O_DIRECT asks for. */
declare const WebAssembly: { Memory: new (pages: { initial: number }) => { readonly buffer: ArrayBuffer } };
const source = Buffer.from(new WebAssembly.Memory({ initial: 32 }).buffer).fill(1);

/** Writes per second of `bytes` each, synced one at a time. */
async function bareFor(file: string, bytes: number, way: Way): Promise<number> {
  const direct = way === 'direct' ? constants.O_DIRECT : 0;
  const fd = openSync(file, constants.O_RDWR | direct | (way === 'fdatasync' ? 0 : constants.O_DSYNC));
  const began = performance.now();
  let count = 0;
  for (let at = 512; performance.now() - began < roundMs / 2; count++, at += bytes) {
    if (at + bytes > segmentBytes) at = 512;
    const from = at;
    await new Promise<void>((resolve, reject) => {
      write(fd, source, 0, bytes, from, (error) => {
        if (error) return reject(error);
        if (way !== 'fdatasync') return resolve();
        fdatasync(fd, (failed) => (failed ? reject(failed) : resolve()));
      });
    });
  }
  const perSecond = count / ((performance.now() - began) / 1000);
  closeSync(fd);
  return perSecond;
}

/** Appends per second to Redis Streams, fsync always. */
async function redisFor(client: { add(no: number): Promise<void> }, n: number): Promise<number> {
  let done = 0;
  const began = performance.now();
  const lane = async (no: number): Promise<void> => {
    for (; performance.now() - began < roundMs; done++) await client.add(no);
  };
  await Promise.all(Array.from({ length: n }, (_, i) => lane(i)));
  return done / ((performance.now() - began) / 1000);
}

/** What a machine faster than this page's would write in all rounds. */
const bytesPerSecond = inFlight.reduce((sum, n) => sum + 384 * Math.min(n * 4000, 800_000), 0);
const expectedBytes = (bytesPerSecond * (rounds + 1) * roundMs) / 1000;
await using muster = await durableLog({
  prepared: 3 + Math.ceil(expectedBytes / segmentBytes),
  limits: withoutFlusher,
  events: {
    committed({ bytes }) {
      batches.count += 1;
      batches.bytes += bytes;
    },
    segment(what) {
      if (what === 'unprepared') batches.unprepared += 1;
    },
  },
});
const { log } = muster;
const keys = Array.from({ length: streams }, (_, i) => ({ projectId: 'prj_bench', path: `bench/${i}` }));
for (const key of keys) await log.create({ key, contentType: 'application/octet-stream', fresh: true });
const bareFile = path.join(muster.folder, 'bare');
zeroFilled(bareFile);
await using redisServer = await redis('always');
const peer = redisServer ? await redisStreams(redisServer.socket) : undefined;

const ours = new Map<number, Muster[]>();
const bare = new Map<string, number[]>();
const redisRates = new Map<number, number[]>();
const keep = <K, V>(map: Map<K, V[]>, key: K, value: V): void => void map.set(key, [...(map.get(key) ?? []), value]);
await systemClock.sleep(restMs);
await appendFor(log, keys, 64, 0); // warms up
for (let r = 0; r < rounds; r++) {
  for (const n of inFlight) {
    const result = await appendFor(log, keys, n, 1 + r * inFlight.length + inFlight.indexOf(n));
    keep(ours, n, result);
    const { batchBytes, perBatch } = result;
    for (const way of ways) keep(bare, `${n} ${way}`, (await bareFor(bareFile, batchBytes, way)) * perBatch);
    if (peer) keep(redisRates, n, await redisFor(peer, n));
  }
}
await peer?.[Symbol.asyncDispose]();

const results = inFlight.map((n) => {
  const runs = ours.get(n) as Muster[];
  const of = (pick: (run: Muster) => number): number => median(runs.map(pick));
  const bareOf = (way: Way): number => Math.round(median(bare.get(`${n} ${way}`) as number[]));
  const perSecond = of((run) => run.perSecond);
  return {
    inFlight: n,
    perSecond: Math.round(perSecond),
    bareFdatasync: bareOf('fdatasync'),
    bareDsync: bareOf('dsync'),
    bareDirect: bareOf('direct'),
    overFdatasync: round(perSecond / bareOf('fdatasync')),
    overDsync: round(perSecond / bareOf('dsync')),
    p50: of((run) => run.latencyMs.p50),
    p99: of((run) => run.latencyMs.p99),
    cpuMicros: round(of((run) => run.cpuMicros)),
    batchBytes: Math.round(of((run) => run.batchBytes)),
    redisStreams: peer ? Math.round(median(redisRates.get(n) as number[])) : '–',
  };
});
const on = { ...machine(), redis: redisServer?.about ?? 'no redis-server here' };
if (given.json) {
  console.log(JSON.stringify({ machine: on, rounds, roundMs, streams, unprepared: batches.unprepared, results }));
} else {
  console.log(
    `${on.cpu}, ${on.cores} cores, ${on.memoryGb} GB · node ${on.node} · ${on.os} · ${on.redis} · medians of ${rounds} rounds of ${roundMs} ms, ${streams} streams\n`,
  );
  table(
    [
      'in flight',
      'appends/s',
      'bare fdatasync',
      'bare O_DSYNC',
      'ours ÷ fdatasync',
      'ours ÷ O_DSYNC',
      'bare direct',
      'p50 ms',
      'p99 ms',
      'CPU µs each',
      'bytes per batch',
      'Redis Streams',
    ],
    results.map((r) => [
      r.inFlight,
      r.perSecond,
      r.bareFdatasync,
      r.bareDsync,
      r.overFdatasync,
      r.overDsync,
      r.bareDirect,
      r.p50,
      r.p99,
      r.cpuMicros,
      r.batchBytes,
      r.redisStreams,
    ]),
  );
  if (batches.unprepared > 0) console.log(`${batches.unprepared} batches went to files that were not prepared`);
}
