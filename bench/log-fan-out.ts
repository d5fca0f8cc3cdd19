/**
 * Claim: one stream's messages reach 500 followers at 500 000 deliveries per second and more, in either form, because each
 * tick is encoded once and every follower is handed the same bytes.
 *
 * In process, with sinks that count: what the log itself costs. Sockets and their system calls are measured with the
 * server, over HTTP. `--followers=500 --ms=2000 --rounds=3 --json`.
 */

import { createLog, type Sink } from '../apps/server/src/kernel/log/index.ts';
import { machine, median, options, round, table } from './support/report.ts';

const given = options();
const followers = given.get('followers', 500);
const roundMs = given.get('ms', 2000);
const rounds = given.get('rounds', 3);
const message = Buffer.from(JSON.stringify({ text: 'x'.repeat(180) }));
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

const runs = new Map<string, Result[]>(forms.map((form) => [form, []]));
for (let r = 0; r < rounds; r++) for (const form of forms) runs.get(form)?.push(await run(form));
const results = forms.map((form) => {
  const of = (pick: (result: Result) => number): number => round(median((runs.get(form) ?? []).map(pick)));
  return {
    form,
    appendsPerSecond: of((result) => result.appendsPerSecond),
    deliveriesPerSecond: of((result) => result.deliveriesPerSecond),
    mibPerSecond: of((result) => result.mibPerSecond),
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
