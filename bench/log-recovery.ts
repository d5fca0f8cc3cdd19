/**
 * Claim: a server that was cut off with 1 GiB of log that Postgres does not have yet (300-byte messages, 10 000 streams)
 * is ready again in under 5 seconds: every checksum looked at, every head and producer rebuilt, the last segment put down
 * anew and synced.
 *
 * `--mib=1024 --streams=10000 --rounds=3 --json`.
 */

import { type DurableLog, durableLog, withoutFlusher } from './support/durable-log.ts';
import { machine, median, options, round } from './support/report.ts';

const given = options();
const mib = given.get('mib', 1024);
const streams = given.get('streams', 10_000);
const rounds = given.get('rounds', 3);
const message = Buffer.alloc(300, 'm');
const frameBytes = 352;

let frames = 0;
await using made: DurableLog = await durableLog({
  limits: { ...withoutFlusher, backlogBytesMax: 2 ** 40 },
  events: {
    recovered: (found) => {
      frames = found.frames;
    },
  },
});
const { log } = made;
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
  await made.stop();
  const began = performance.now();
  await made.start();
  seconds.push((performance.now() - began) / 1000);
}
const peakMib = Math.round(process.resourceUsage().maxRSS / 1024);

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
