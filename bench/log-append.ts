/**
 * Claim: one process appends at least 200 000 durable 300-byte messages per second with 64 in flight and 800 000 with 1024,
 * with a p99 under 1 ms at 64, and at 1 and 64 gets at least half of what bare writes of the same batches get.
 *
 * The full path: head, producer check, frame, checksum, group commit, index, one follower; the flusher rests, its cost is
 * another bench. The limit beside it is `write` + `fdatasync` of the same bytes per batch, one at a time, on a file of
 * the same kind (zero-filled), in the same run, rounds interleaved. CPU is that of all threads, the load itself included. `--rounds=3 --ms=1500 --streams=64 --only=64 --json`.
 */

import { closeSync, fdatasync, fsyncSync, openSync, write, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { systemClock } from '../apps/server/src/kernel/base/index.ts';
import { createDb, migrate } from '../apps/server/src/kernel/db/index.ts';
import { createLog, type Log, type Sink, type StreamKey } from '../apps/server/src/kernel/log/index.ts';
import { machine, median, options, round, type Spread, spread, table } from './support/report.ts';
import { durablePostgres } from './support/stores.ts';

const given = options();
const rounds = given.get('rounds', 3);
const roundMs = given.get('ms', 1500);
const streams = given.get('streams', 64);
const only = given.get('only', 0);
const inFlight = [1, 64, 1024].filter((n) => only === 0 || n === only);
const message = Buffer.alloc(300, 'm');
const segmentBytes = 128 * 1024 * 1024;
const segmentsPerRound = 6;

type Muster = {
  perSecond: number;
  cpuMicros: number;
  latencyMs: Spread;
  batchBytes: number;
  batches: number;
  followed: number;
};

const batches = { count: 0, bytes: 0 };
const spares = { ready: 0 };

/** A follower that takes what it gets. */
function counter(): Sink & { seen: number } {
  return {
    form: 'raw',
    seen: 0,
    write(shared) {
      this.seen += shared.length;
      return 0;
    },
    gap: () => 'stop',
    end: () => undefined,
  };
}

/** `n` lanes, each with its own producer and one append in flight at a time. */
async function appendFor(log: Log, keys: readonly StreamKey[], n: number, epoch: number): Promise<Muster> {
  const sink = counter();
  using _ = await log.tail(keys[0] as StreamKey, 'now', sink);
  Object.assign(batches, { count: 0, bytes: 0 });
  const took = new Float64Array(4_000_000);
  let done = 0;
  const cpu = process.cpuUsage();
  const began = performance.now();
  const until = began + roundMs;
  const lane = async (no: number): Promise<void> => {
    const key = keys[no % keys.length] as StreamKey;
    const messages = [message];
    for (let seq = 0; ; seq++) {
      const start = performance.now();
      if (start >= until) return;
      await log.append({ key, messages, producer: { id: `lane-${no}`, epoch, seq } });
      took[done++ % took.length] = performance.now() - start;
    }
  };
  await Promise.all(Array.from({ length: n }, (_, i) => lane(i)));
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    perSecond: done / seconds,
    cpuMicros: (user + system) / done,
    latencyMs: spread([...took.subarray(0, Math.min(done, took.length))]),
    batchBytes: batches.bytes / batches.count,
    batches: batches.count,
    followed: sink.seen,
  };
}

/** Writes per second of `bytes` each, synced one at a time. */
async function bareFor(file: string, bytes: number): Promise<number> {
  const fd = openSync(file, 'r+');
  const buffer = Buffer.alloc(bytes, 1);
  const began = performance.now();
  let count = 0;
  for (let at = 0; performance.now() - began < roundMs; count++) {
    if (at + bytes > segmentBytes) at = 0;
    const from = at;
    await new Promise<void>((resolve, reject) => {
      write(fd, buffer, 0, bytes, from, (error) => {
        if (error) return reject(error);
        fdatasync(fd, (failed) => (failed ? reject(failed) : resolve()));
      });
    });
    at += bytes;
  }
  const perSecond = count / ((performance.now() - began) / 1000);
  closeSync(fd);
  return perSecond;
}

function zeroFilled(file: string): void {
  const fd = openSync(file, 'w');
  const zeros = Buffer.alloc(4 * 1024 * 1024);
  for (let at = 0; at < segmentBytes; at += zeros.length) writeSync(fd, zeros);
  fsyncSync(fd);
  closeSync(fd);
}

async function sparesReady(): Promise<void> {
  while (spares.ready < segmentsPerRound) await systemClock.sleep(50);
}

await using postgres = await durablePostgres(5);
await migrate({ connection: postgres.connection, clock: systemClock, serverVersion: 'bench' });
const db = createDb({
  ...postgres.connection,
  poolMax: 5,
  statementTimeoutMs: 60_000,
  applicationName: 'bench',
  clock: systemClock,
});
await db.start();
const folder = await mkdtemp(path.join(process.cwd(), '.bench-log-'));
const log = createLog({
  driver: 'disk',
  dir: path.join(folder, 'log'),
  db,
  limits: {
    segmentBytes,
    sparesMax: segmentsPerRound,
    spareFillBytesPerSecond: 2 ** 40,
    spareDelayMs: 0,
    flushEveryMs: 3_600_000,
    flushBytes: 2 ** 40,
    stopFlushMs: 1,
  },
  events: {
    committed({ bytes }) {
      batches.count += 1;
      batches.bytes += bytes;
    },
    segment(what) {
      if (what === 'spare') spares.ready += 1;
      if (what === 'opened' && spares.ready > 1) spares.ready -= 1;
    },
  },
  fatal: (error) => {
    throw error;
  },
});
await log.start();
const keys = Array.from({ length: streams }, (_, i) => ({ projectId: 'prj_bench', path: `bench/${i}` }));
for (const key of keys) await log.create({ key, contentType: 'application/octet-stream', fresh: true });
const bareFile = path.join(folder, 'bare');
zeroFilled(bareFile);

const muster = new Map<number, Muster[]>();
const bare = new Map<number, number[]>();
await sparesReady();
await appendFor(log, keys, 64, 0); // warms up
for (let r = 0; r < rounds; r++) {
  for (const n of inFlight) {
    await sparesReady();
    const result = await appendFor(log, keys, n, 1 + r * inFlight.length + inFlight.indexOf(n));
    muster.set(n, [...(muster.get(n) ?? []), result]);
    const perBatch = (result.perSecond / result.batches) * (roundMs / 1000);
    const writes = await bareFor(bareFile, Math.ceil(result.batchBytes / 512) * 512);
    bare.set(n, [...(bare.get(n) ?? []), writes * perBatch]);
  }
}
await log[Symbol.asyncDispose]();
await db[Symbol.asyncDispose]();
await rm(folder, { recursive: true, force: true });

const results = inFlight.map((n) => {
  const runs = muster.get(n) as Muster[];
  const perSecond = median(runs.map((run) => run.perSecond));
  const limit = median(bare.get(n) as number[]);
  const p99 = median(runs.map((run) => run.latencyMs.p99));
  const p50 = median(runs.map((run) => run.latencyMs.p50));
  const batchBytes = Math.round(median(runs.map((run) => run.batchBytes)));
  return {
    inFlight: n,
    perSecond: Math.round(perSecond),
    limit: Math.round(limit),
    ratio: round(perSecond / limit),
    p50,
    p99,
    cpuMicros: round(median(runs.map((run) => run.cpuMicros))),
    batchBytes,
  };
});
if (given.json) {
  console.log(JSON.stringify({ machine: machine(), rounds, roundMs, streams, results }));
} else {
  const { cpu, cores, memoryGb, node, os } = machine();
  console.log(
    `${cpu}, ${cores} cores, ${memoryGb} GB · node ${node} · ${os} · medians of ${rounds} rounds of ${roundMs} ms, ${streams} streams\n`,
  );
  table(
    ['in flight', 'appends/s', 'bare write + fdatasync', 'ratio', 'p50 ms', 'p99 ms', 'CPU µs each', 'bytes per batch'],
    results.map((r) => [r.inFlight, r.perSecond, r.limit, r.ratio, r.p50, r.p99, r.cpuMicros, r.batchBytes]),
  );
}
