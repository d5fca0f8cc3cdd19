/**
 * Claim: a server that was cut off with 1 GiB of log that Postgres does not have yet (300-byte messages, 10 000 streams)
 * is ready again in under 5 seconds: every checksum looked at, every head and producer rebuilt, the last segment put down
 * anew and synced.
 *
 * `--mib=1024 --streams=10000 --rounds=3 --json`.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { systemClock } from '../apps/server/src/kernel/base/index.ts';
import { createDb, migrate } from '../apps/server/src/kernel/db/index.ts';
import { createLog, type Log } from '../apps/server/src/kernel/log/index.ts';
import { machine, median, options, round } from './support/report.ts';
import { durablePostgres } from './support/stores.ts';

const given = options();
const mib = given.get('mib', 1024);
const streams = given.get('streams', 10_000);
const rounds = given.get('rounds', 3);
const message = Buffer.alloc(300, 'm');
const frameBytes = 352;

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
let frames = 0;
const make = (): Log =>
  createLog({
    driver: 'disk',
    dir: path.join(folder, 'log'),
    db,
    limits: { flushEveryMs: 3_600_000, flushBytes: 2 ** 40, stopFlushMs: 1, backlogBytesMax: 2 ** 40 },
    events: {
      recovered: (found) => {
        frames = found.frames;
      },
    },
    fatal: (error) => {
      throw error;
    },
  });

let log = make();
await log.start();
const appends = Math.floor((mib * 1024 * 1024) / frameBytes);
const keyOf = (i: number): { projectId: string; path: string } => ({
  projectId: 'prj_bench',
  path: `bench/${i % streams}`,
});
for (let at = 0; at < streams; at += 1000) {
  await Promise.all(
    Array.from({ length: Math.min(1000, streams - at) }, (_, i) =>
      log.create({ key: keyOf(at + i), contentType: 'application/octet-stream', fresh: true }),
    ),
  );
}
for (let at = 0; at < appends; at += 4096) {
  await Promise.all(
    Array.from({ length: Math.min(4096, appends - at) }, (_, i) =>
      log.append({ key: keyOf(at + i), messages: [message] }),
    ),
  );
}
const seconds: number[] = [];
for (let r = 0; r < rounds; r++) {
  await log[Symbol.asyncDispose]();
  log = make();
  const began = performance.now();
  await log.start();
  seconds.push((performance.now() - began) / 1000);
}
const peakMib = Math.round(process.resourceUsage().maxRSS / 1024);
await log[Symbol.asyncDispose]();
await db[Symbol.asyncDispose]();
await rm(folder, { recursive: true, force: true });

const result = {
  mib,
  streams,
  frames,
  seconds: seconds.map(round),
  median: round(median(seconds)),
  peakRssMib: peakMib,
};
if (given.json) console.log(JSON.stringify({ machine: machine(), ...result }));
else {
  const { cpu, cores, memoryGb, node, os } = machine();
  console.log(`${cpu}, ${cores} cores, ${memoryGb} GB · node ${node} · ${os}`);
  console.log(
    `${mib} MiB, ${frames} frames, ${streams} streams: ready in ${result.seconds.join(', ')} s (median ${result.median}), peak RSS ${peakMib} MiB`,
  );
}
