/**
 * Claim: what goes on beside them costs appends little: with the flusher, then 64 cold readers too, then 500 followers too,
 * the p99 of an append stays under twice the bare one's.
 *
 * In process, 20 000 appends per second of 300 B at an even pace over 64 streams, each counted from when it was due. The
 * cold readers read history that has left memory, page behind page, each as fast as it is given; the followers sit on one
 * of the streams. Steps of all rounds interleaved, medians. `--perSecond=20000 --ms=4000 --rounds=3 --history=192 --json`.
 */

import type { Log, Sink, StreamKey } from '../apps/server/src/kernel/log/index.ts';
import { type DurableLog, durableLog, withoutFlusher } from './support/durable-log.ts';
import { PacedAppends } from './support/paced.ts';
import { machine, median, options, round, type Spread, spreadOf, table } from './support/report.ts';

const given = options();
const perSecond = given.get('perSecond', 20_000);
const stepMs = given.get('ms', 4000);
const rounds = given.get('rounds', 3);
const historyMib = given.get('history', 192);
const coldReaders = given.get('readers', 64);
const followers = given.get('followers', 500);
const streams = 64;
const messageBytes = 300;
const page = { bytes: 256 * 1024, messages: 1000 };

const keysOf = (name: string): StreamKey[] =>
  Array.from({ length: streams }, (_, i) => ({ projectId: 'prj_bench', path: `${name}/${i}` }));
const history = keysOf('history');
const live = keysOf('live');

async function prepare(log: Log): Promise<void> {
  for (const key of [...history, ...live]) {
    await log.create({ key, contentType: 'application/octet-stream', fresh: true });
  }
  const message = Buffer.alloc(16 * 1024, 'h');
  for (let at = 0; at < historyMib * 64; at += streams) {
    await Promise.all(history.map((key) => log.append({ key, messages: [message] })));
  }
  for (const key of live) await log.append({ key, messages: [message] });
}

/** Reads one stream from its start to its end, again and again, until told to stop. */
function coldReader(log: Log, no: number): { pages: number; stop(): Promise<void> } {
  const key = history[no % streams] as StreamKey;
  const over = new AbortController();
  const reader = {
    pages: 0,
    stop: () => {
      over.abort();
      return running;
    },
  };
  const read = async (): Promise<void> => {
    for (let from: string = 'start'; !over.signal.aborted; reader.pages += 1) {
      const { next, upToDate } = await log.read(key, from, page);
      from = upToDate ? 'start' : next;
    }
  };
  const running = read();
  return reader;
}

type Step = 'bare' | 'flusher' | 'cold readers' | 'followers';
const steps: readonly Step[] = ['bare', 'flusher', 'cold readers', 'followers'];
type Result = { latencyMs: Spread; pagesPerSecond: number; deliveriesPerSecond: number };

async function measure(log: Log, step: Step, appends: PacedAppends): Promise<Result> {
  let deliveries = 0;
  const sink = (): Sink => ({
    form: 'sse',
    write(shared) {
      deliveries += shared.length;
      return 0;
    },
    gap: () => 'stop',
    end: () => undefined,
  });
  const readers = steps.indexOf(step) >= 2 ? Array.from({ length: coldReaders }, (_, i) => coldReader(log, i)) : [];
  const tails =
    steps.indexOf(step) >= 3
      ? await Promise.all(Array.from({ length: followers }, () => log.tail(live[0] as StreamKey, 'now', sink())))
      : [];
  await appends.run(500); // warms up
  appends.taken();
  const pages = readers.reduce((sum, reader) => sum + reader.pages, 0);
  await appends.run(stepMs);
  const read = readers.reduce((sum, reader) => sum + reader.pages, 0) - pages;
  await Promise.all(readers.map((reader) => reader.stop()));
  for (const tail of tails) tail[Symbol.dispose]();
  return {
    latencyMs: spreadOf(appends.taken()),
    pagesPerSecond: (read * 1000) / stepMs,
    deliveriesPerSecond: (deliveries * 1000) / (stepMs + 500),
  };
}

/** Room for what all rounds write. */
const prepared = 4 + Math.ceil((historyMib + (rounds * 3 * perSecond * 376 * (stepMs + 500)) / 1000 / 2 ** 20) / 128);
const open = async (flushes: boolean): Promise<DurableLog & { appends: PacedAppends }> => {
  const made = await durableLog({ prepared, limits: flushes ? {} : withoutFlusher });
  await prepare(made.log);
  return Object.assign(made, { appends: new PacedAppends(made.log, live, perSecond, messageBytes) });
};
const bare = await open(false);
const whole = await open(true);
const runs = new Map<Step, Result[]>(steps.map((step) => [step, []]));
for (let r = 0; r < rounds; r++) {
  for (const step of steps) {
    const { log, appends } = step === 'bare' ? bare : whole;
    runs.get(step)?.push(await measure(log, step, appends));
  }
}
await bare[Symbol.asyncDispose]();
await whole[Symbol.asyncDispose]();

const results = steps.map((step) => {
  const of = (pick: (result: Result) => number): number => round(median((runs.get(step) ?? []).map(pick)));
  return {
    step,
    p50: of((result) => result.latencyMs.p50),
    p99: of((result) => result.latencyMs.p99),
    pagesPerSecond: of((result) => result.pagesPerSecond),
    deliveriesPerSecond: of((result) => result.deliveriesPerSecond),
  };
});
const bareP99 = results[0]?.p99 ?? 1;
if (given.json) console.log(JSON.stringify({ machine: machine(), perSecond, rounds, stepMs, results }));
else {
  const { cpu, cores, memoryGb, node, os } = machine();
  console.log(
    `${cpu}, ${cores} cores, ${memoryGb} GB · node ${node} · ${os} · ${perSecond} appends/s, medians of ${rounds} rounds of ${stepMs} ms\n`,
  );
  table(
    ['running beside', 'p50 ms', 'p99 ms', '÷ bare p99', 'cold pages/s', 'deliveries/s'],
    results.map((r) => [r.step, r.p50, r.p99, round(r.p99 / bareP99), r.pagesPerSecond, r.deliveriesPerSecond]),
  );
}
