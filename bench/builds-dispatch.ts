/**
 * Claim: on two cores with a durable Postgres a submitted build is with a parked worker in 10 ms (p50) and 50 ms (p99); at
 * least 1000 assignments and 300 full cycles (submit, claim, log, result) per second, none twice; after 100 000 builds
 * claims run at 80 % of the start or more; a parked worker costs at most 50 KB; a cancel reaches its worker within 1 s.
 *
 * Latencies, cycles and memory are taken over HTTP from a server process of its own. Assignments are the whole claim
 * transaction (rows, attempts, tokens, events, commit) of one process without HTTP, over 64 label sets.
 * `--singles=400 --cycles=1500 --lanes=24 --parked=2000 --builds=100000 --json`.
 */

import type { ClaimAnswer, HeartbeatAnswer, Job, Registered, Submitted } from '@muster/protocol';
import { systemClock } from '../apps/server/src/kernel/base/index.ts';
import { assignmentRates } from './support/builds-assignments.ts';
import { good, PlainConnection } from './support/plain-http.ts';
import { machine, options, round, type Spread, spread, table } from './support/report.ts';
import { type ServerProcess, serverProcess } from './support/server-process.ts';

const given = options();
const singles = given.get('singles', 400);
const cycles = given.get('cycles', 1_500);
const lanes = given.get('lanes', 24);
const parkedCount = given.get('parked', 2_000);
const builds = given.get('builds', 100_000);

class Bench {
  readonly server: ServerProcess;
  source = '';

  constructor(server: ServerProcess) {
    this.server = server;
  }

  async start(): Promise<void> {
    const connection = await PlainConnection.open(this.server.url);
    const { id } = good<Submitted>(await this.submitFile(connection, { platform: 'ios', expects: 'nothing' }));
    this.source = id;
    connection.close();
  }

  readonly submitFile = (
    connection: PlainConnection,
    build: object,
    sent?: () => void,
  ): ReturnType<PlainConnection['ask']> => {
    const boundary = 'muster-bench-boundary';
    const part = (head: string, body: string): string =>
      `--${boundary}\r\ncontent-disposition: form-data; ${head}\r\n\r\n${body}\r\n`;
    const zip = Buffer.concat([Buffer.from('504b0506', 'hex'), Buffer.alloc(18)]);
    const body = Buffer.concat([
      Buffer.from(part('name="build"', JSON.stringify(build))),
      Buffer.from(
        `--${boundary}\r\ncontent-disposition: form-data; name="source"; filename="s.zip"\r\ncontent-type: application/zip\r\n\r\n`,
      ),
      zip,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);
    return connection.ask(
      'POST',
      '/v1/builds',
      this.server.key,
      body,
      `multipart/form-data; boundary=${boundary}`,
      sent,
    );
  };

  readonly submitJson = (
    connection: PlainConnection,
    build: object,
    sent?: () => void,
  ): ReturnType<PlainConnection['ask']> => {
    return connection.ask(
      'POST',
      '/v1/builds',
      this.server.key,
      JSON.stringify({ ...build, source: { fromBuild: this.source } }),
      'application/json',
      sent,
    );
  };

  async register(connection: PlainConnection, labels: Record<string, string>, seats = 1): Promise<Registered> {
    return good(
      await connection.ask(
        'POST',
        '/v1/workers',
        this.server.key,
        JSON.stringify({ name: 'bench', platforms: ['linux'], labels, seats }),
      ),
    );
  }
}

const work = { platform: 'linux', expects: 'nothing' } as const;
const about = (job: Job, verb: string): string => `/v1/workers/me/builds/${job.build.id}/${verb}`;
const termOf = (job: Job): string => JSON.stringify({ term: job.build.term });

/** From the request being sent to the parked worker having read its job. */
async function submitToWorker(bench: Bench, submit: Bench['submitFile']): Promise<Spread> {
  const [people, machineSide] = [
    await PlainConnection.open(bench.server.url),
    await PlainConnection.open(bench.server.url),
  ];
  const label = { bench: `latency-${submit.name}` };
  const { token } = await bench.register(people, label);
  const took: number[] = [];
  for (let n = 0; n < singles + 20; n++) {
    const claim = machineSide
      .ask('POST', '/v1/workers/me/claim?wait=20s', token, '{}')
      .then((answer) => ({ answer, at: performance.now() }));
    await systemClock.sleep(8); // parked by then
    let sentAt = 0;
    const submitted = submit.call(bench, people, { ...work, requires: label }, () => {
      sentAt = performance.now();
    });
    const { answer, at } = await claim;
    if (n >= 20) took.push(at - sentAt);
    good(await submitted);
    const { job } = good<ClaimAnswer>(answer);
    if (!job) throw new Error('no job');
    good(await machineSide.ask('POST', about(job, 'result'), token, termOf(job)));
  }
  for (const connection of [people, machineSide]) connection.close();
  return spread(took);
}

/**
 * Submit, claim, one log append, result: `lanes` at a time, by workers that are equal or that each have a label of their
 * own (then no claim serves two of them). `clientMs`: what this very process spends per cycle; it shares the cores.
 */
async function fullCycles(
  bench: Bench,
  labels: 'equal' | 'own',
): Promise<{ perSecond: number; twice: number; clientMs: number }> {
  const seen = new Map<string, number>();
  let left = cycles;
  const lane = async (no: number): Promise<void> => {
    const [people, machineSide] = [
      await PlainConnection.open(bench.server.url),
      await PlainConnection.open(bench.server.url),
    ];
    const own = labels === 'own' ? { lane: `${no}` } : undefined;
    const { token } = await bench.register(people, { bench: `cycles-${labels}`, ...own });
    while (left-- > 0) {
      const claim = machineSide.ask('POST', '/v1/workers/me/claim?wait=20s', token, '{}');
      good(await bench.submitJson(people, { ...work, requires: { bench: `cycles-${labels}` } }));
      const { job } = good<ClaimAnswer>(await claim);
      if (!job) throw new Error('no job');
      seen.set(`${job.build.id} ${job.build.term}`, (seen.get(`${job.build.id} ${job.build.term}`) ?? 0) + 1);
      const line = JSON.stringify({ term: job.build.term, offset: 0, lines: [{ text: 'hello' }] });
      good(await machineSide.ask('POST', `/v1/builds/${job.build.id}/log`, job.token, line));
      good(await machineSide.ask('POST', about(job, 'result'), token, termOf(job)));
    }
    for (const connection of [people, machineSide]) connection.close();
  };
  const began = performance.now();
  const spent = process.cpuUsage();
  await Promise.all(Array.from({ length: lanes }, (_, no) => lane(no)));
  const perSecond = (cycles * 1_000) / (performance.now() - began);
  const { user, system } = process.cpuUsage(spent);
  return {
    perSecond: round(perSecond),
    twice: [...seen.values()].filter((times) => times > 1).length,
    clientMs: round((user + system) / 1_000 / cycles),
  };
}

/** From the cancel being answered to the worker having read it, in a parked heartbeat. */
async function cancelToWorker(bench: Bench): Promise<Spread> {
  const [people, machineSide] = [
    await PlainConnection.open(bench.server.url),
    await PlainConnection.open(bench.server.url),
  ];
  const label = { bench: 'cancel' };
  const { token } = await bench.register(people, label);
  const took: number[] = [];
  for (let n = 0; n < Math.ceil(singles / 4); n++) {
    const { id } = good<Submitted>(await bench.submitJson(people, { ...work, requires: label }));
    const { job } = good<ClaimAnswer>(await machineSide.ask('POST', '/v1/workers/me/claim?wait=20s', token, '{}'));
    if (!job) throw new Error('no job');
    const leases = JSON.stringify({ leases: [{ buildId: id, term: job.build.term }] });
    const beat = machineSide
      .ask('POST', '/v1/workers/me/heartbeat?wait=20s', token, leases)
      .then((answer) => ({ answer, at: performance.now() }));
    await systemClock.sleep(80); // parked by then
    let sentAt = 0;
    const cancelled = people.ask('POST', `/v1/builds/${id}/cancel`, bench.server.key, '{}', 'application/json', () => {
      sentAt = performance.now();
    });
    const { answer, at } = await beat;
    if (good<HeartbeatAnswer>(answer).instructions[0]?.kind !== 'cancel') throw new Error('not a cancel');
    took.push(at - sentAt);
    await cancelled;
    good(await machineSide.ask('POST', about(job, 'stopped'), token, termOf(job)));
  }
  for (const connection of [people, machineSide]) connection.close();
  return spread(took);
}

/** What a parked worker costs the server: its connection, its request, its place. And how long a wake takes among them. */
async function parkedWorkers(bench: Bench): Promise<{ kilobytesEach: number; wakeMs: Spread }> {
  const people = await PlainConnection.open(bench.server.url);
  const workers: { connection: PlainConnection; token: string }[] = [];
  for (let n = 0; n < parkedCount; n++) {
    const { token } = await bench.register(people, { bench: 'parked' });
    workers.push({ connection: await PlainConnection.open(bench.server.url), token });
  }
  await systemClock.sleep(3_000);
  const before = bench.server.residentBytes();
  const open = new Set<Promise<{ at: number; worker: (typeof workers)[number]; job: Job | null }>>();
  const park = (worker: (typeof workers)[number]): void => {
    const answer = worker.connection.ask('POST', '/v1/workers/me/claim?wait=50s', worker.token, '{}').then((answer) => {
      open.delete(answered);
      return { at: performance.now(), worker, job: good<ClaimAnswer>(answer).job };
    });
    const answered = answer;
    open.add(answered);
  };
  for (const worker of workers) park(worker);
  await systemClock.sleep(6_000);
  const kilobytesEach = round((bench.server.residentBytes() - before) / 1024 / parkedCount);
  const took: number[] = [];
  for (let n = 0; n < 100; n++) {
    let sentAt = 0;
    const submitted = bench.submitJson(people, { ...work, requires: { bench: 'parked' } }, () => {
      sentAt = performance.now();
    });
    const first = await Promise.race(open);
    await submitted;
    if (!first.job) throw new Error('somebody came back empty');
    took.push(first.at - sentAt);
    good(await first.worker.connection.ask('POST', about(first.job, 'result'), first.worker.token, termOf(first.job)));
  }
  for (const { connection } of workers) connection.close();
  people.close();
  return { kilobytesEach, wakeMs: spread(took) };
}

await using server = await serverProcess({
  MUSTER_BUILDS_SUBMITS_PER_SECOND: '100000',
  MUSTER_HTTP_REQUESTS_PER_KEY_MAX: '10000000',
});
const bench = new Bench(server);
await bench.start();
const latencyJson = await submitToWorker(bench, bench.submitJson);
const latencyFile = await submitToWorker(bench, bench.submitFile);
const cancel = await cancelToWorker(bench);
const cycleEqual = await fullCycles(bench, 'equal');
const cycleOwn = await fullCycles(bench, 'own');
const parked = await parkedWorkers(bench);
const rates = await assignmentRates({ builds });

if (given.json) {
  console.log(
    JSON.stringify({
      machine: machine(),
      database: server.database,
      latencyJson,
      latencyFile,
      cancel,
      cycleEqual,
      cycleOwn,
      parked,
      rates,
    }),
  );
} else {
  const { cpu, cores, memoryGb, node, os } = machine();
  console.log(`${cpu}, ${cores} cores, ${memoryGb} GB · ${os} · Node ${node} · ${server.database}\n`);
  table(
    ['what', 'p50 ms', 'p99 ms', 'max ms', 'bar'],
    [
      [
        'submit (JSON, shared source) → parked worker',
        latencyJson.p50,
        latencyJson.p99,
        latencyJson.max,
        'p50 ≤ 10, p99 ≤ 50',
      ],
      [
        'submit (multipart, own source) → parked worker',
        latencyFile.p50,
        latencyFile.p99,
        latencyFile.max,
        'p50 ≤ 10, p99 ≤ 50',
      ],
      [`submit → one of ${parkedCount} parked workers`, parked.wakeMs.p50, parked.wakeMs.p99, parked.wakeMs.max, ''],
      ['cancel → parked heartbeat', cancel.p50, cancel.p99, cancel.max, '≤ 1000'],
    ],
  );
  console.log('');
  table(
    ['what', 'number', 'bar'],
    [
      ['assignments per second, fresh tables', rates.fresh, '≥ 1000'],
      [
        `assignments per second after ${builds} builds`,
        rates.after,
        `≥ 80 % (is ${Math.round((100 * rates.after) / rates.fresh)} %)`,
      ],
      ['assigned twice', rates.twice, '0'],
      [`full cycles per second, ${lanes} lanes, equal workers`, cycleEqual.perSecond, '≥ 300'],
      [`full cycles per second, ${lanes} lanes, each worker with its own label`, cycleOwn.perSecond, '≥ 300'],
      ['of that CPU ms per cycle in this client', `${cycleEqual.clientMs} and ${cycleOwn.clientMs}`, ''],
      ['handed out twice', cycleEqual.twice + cycleOwn.twice, '0'],
      [`KB RSS per parked worker (${parkedCount})`, parked.kilobytesEach, '≤ 50'],
    ],
  );
}
