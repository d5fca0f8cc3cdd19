/**
 * Claim: with 2048 live readers, 1000 messages per second spread over their streams are with them within 3 ms of being sent
 * (p99), over server-sent events and over WebSockets: append, sync, fan-out and both sockets' ways included.
 *
 * A real server in a process of its own; the load is this process, on the same two cores. Each message carries the time
 * it was sent, all by one clock. Readers sit on `--streams` streams evenly; appends go over 16 kept-alive connections, one
 * in flight on each. Rounds of both forms interleaved, medians.
 * `--readers=2048 --streams=2048 --perSecond=1000 --ms=5000 --rounds=3 --only=sse --json`.
 */

import { systemClock } from '../apps/server/src/kernel/base/index.ts';
import { type LiveForm, liveReader, marker } from './support/live-reader.ts';
import { PlainConnection } from './support/plain-http.ts';
import { machine, median, options, round, type Spread, spreadOf, table } from './support/report.ts';
import { serverProcess } from './support/server-process.ts';

const given = options();
const readers = given.get('readers', 2048);
const streams = Math.min(given.get('streams', 2048), readers);
const perSecond = given.get('perSecond', 1000);
const roundMs = given.get('ms', 5000);
const rounds = given.get('rounds', 3);
const forms = (['sse', 'socket'] as const).filter((form) => [undefined, form].includes(given.text('only') as LiveForm));
const connections = 16;
const connectAtOnce = 64;
const filler = 'x'.repeat(150);

type Result = { deliveryMs: Spread; appendMs: Spread; sent: number; late: number };

const server = await serverProcess({
  MUSTER_STREAMS_LIVE_READS_PER_CREDENTIAL_MAX: String(readers + 10),
});
const lanes = await Promise.all(Array.from({ length: connections }, () => PlainConnection.open(server.url)));
for (let i = 0; i < streams; i++) {
  const { status, text } = await (lanes[0] as PlainConnection).ask('PUT', `/v1/stream/bench/${i}`, server.key, '');
  if (status !== 201) throw new Error(`creating a stream was answered ${status}: ${text}`);
}

async function measure(form: LiveForm): Promise<Result> {
  const took = new Float64Array((perSecond * roundMs * 2 * readers) / 1000 / streams);
  const count = { arrived: 0 };
  const arrives = (sentAt: number): void => {
    took[count.arrived++ % took.length] = performance.now() - sentAt;
  };
  const all = async (sent: number): Promise<void> => {
    const expected = (sent * readers) / streams;
    for (let waited = 0; count.arrived < expected && waited < 5000; waited += 20) await systemClock.sleep(20);
    if (count.arrived !== expected) throw new Error(`${count.arrived} of ${expected} messages arrived`);
  };
  const open: Disposable[] = [];
  for (let at = 0; at < readers; at += connectAtOnce) {
    const some = Array.from({ length: Math.min(connectAtOnce, readers - at) }, (_, i) =>
      liveReader(server, form, `bench/${(at + i) % streams}`, arrives),
    );
    open.push(...(await Promise.all(some)));
  }
  await all((await send(1000, () => undefined)).sent); // warms up
  count.arrived = 0;
  const answered: number[] = [];
  const { sent, late } = await send(roundMs, (ms) => answered.push(ms));
  await all(sent);
  for (const reader of open) reader[Symbol.dispose]();
  return {
    deliveryMs: spreadOf(took.subarray(0, count.arrived)),
    appendMs: spreadOf(Float64Array.from(answered)),
    sent,
    late,
  };
}

let next = 0;
/** Sends at an even pace; `late` counts those that had to wait for a free connection. */
async function send(ms: number, answered: (ms: number) => void): Promise<{ sent: number; late: number }> {
  const free = [...lanes];
  const began = performance.now();
  let sent = 0;
  let late = 0;
  const underWay = new Set<Promise<void>>();
  while (performance.now() - began < ms) {
    const due = Math.floor(((performance.now() - began) * perSecond) / 1000);
    for (; sent < due; sent++) {
      const lane = free.pop();
      if (!lane) {
        late += 1;
        break;
      }
      const sentAt = performance.now();
      // Not in the order of the streams, so that no two runs of readers are woken side by side.
      const path = `/v1/stream/bench/${(next++ * 997) % streams}`;
      const work = lane
        .ask('POST', path, server.key, `{${marker}${sentAt},"x":"${filler}"}`)
        .then(({ status, text }) => {
          if (status !== 204) throw new Error(`an append was answered ${status}: ${text}`);
          answered(performance.now() - sentAt);
          free.push(lane);
          underWay.delete(work);
        });
      underWay.add(work);
    }
    await systemClock.sleep(0.5);
  }
  await Promise.all(underWay);
  return { sent, late };
}

const runs = new Map<LiveForm, Result[]>(forms.map((form) => [form, []]));
try {
  for (let r = 0; r < rounds; r++) for (const form of forms) runs.get(form)?.push(await measure(form));
} finally {
  for (const lane of lanes) lane.close();
  await server[Symbol.asyncDispose]();
}

const results = forms.map((form) => {
  const of = (pick: (result: Result) => number): number => round(median((runs.get(form) ?? []).map(pick)));
  return {
    form,
    p50: of((result) => result.deliveryMs.p50),
    p99: of((result) => result.deliveryMs.p99),
    max: of((result) => result.deliveryMs.max),
    appendP50: of((result) => result.appendMs.p50),
    appendP99: of((result) => result.appendMs.p99),
    perSecond: of((result) => (result.sent * 1000) / roundMs),
    late: of((result) => result.late),
  };
});
if (given.json) console.log(JSON.stringify({ machine: machine(), readers, streams, rounds, roundMs, results }));
else {
  const { cpu, cores, memoryGb, node, os } = machine();
  console.log(
    `${cpu}, ${cores} cores, ${memoryGb} GB · node ${node} · ${os} · medians of ${rounds} rounds of ${roundMs} ms, ${readers} readers on ${streams} streams\n`,
  );
  table(
    ['form', 'appends/s', 'sent → read p50 ms', 'p99 ms', 'max ms', 'answered p50 ms', 'p99 ms', 'late'],
    results.map((r) => [r.form, r.perSecond, r.p50, r.p99, r.max, r.appendP50, r.appendP99, r.late]),
  );
}
