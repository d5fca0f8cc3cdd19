/**
 * Claim: on two cores with a durable Postgres a submitted build is with a parked worker in 10 ms (p50) and 50 ms (p99); at
 * least 1000 assignments and 300 full cycles (submit, claim, log, result) per second, none twice; after 100 000 builds
 * claims run at 80 % of the start or more; a parked worker costs at most 50 KB; a cancel reaches its worker within 1 s.
 *
 * Latencies, cycles and memory are taken over HTTP from a server process of its own. Assignments are the whole claim
 * transaction (rows, attempts, tokens, events, commit) of one process without HTTP, over 64 label sets. Latencies and
 * cycles are medians of the rounds, one round of each after the other.
 * `--rounds=3 --singles=300 --cycles=2000 --lanes=40 --parked=2000 --builds=100000 --only=cycles --json`.
 */

import type { ClaimAnswer, HeartbeatAnswer, Job, Registered, Submitted } from '@muster/protocol';
import { systemClock } from '../apps/server/src/kernel/base/index.ts';
import { assignmentRates } from './support/builds-assignments.ts';
import { good, PlainConnection } from './support/plain-http.ts';
import { machine, median, middleSpread, options, round, type Spread, spread, table } from './support/report.ts';
import { type ServerProcess, serverProcess } from './support/server-process.ts';

const given = options();
const rounds = given.get('rounds', 3);
const singles = given.get('singles', 300);
const cycles = given.get('cycles', 2_000);
/** One part alone, while working on it. */
const only = given.text('only');
const lanes = given.get('lanes', 40);
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

type Cycles = { perSecond: number; twice: number; serverMs: number; postgresMs: number; clientMs: number };

/**
 * Submit, claim, one log append, result: `lanes` at a time, by workers that are equal or that each have a label of their
 * own. The milliseconds are CPU time per cycle; this client shares the cores too.
 */
async function fullCycles(bench: Bench, labels: 'equal' | 'own', count: number): Promise<Cycles> {
  const seen = new Map<string, number>();
  const label = `cycles-${labels}-${labelNo++}`;
  let left = count;
  const lane = async (no: number): Promise<void> => {
    const [people, machineSide] = [
      await PlainConnection.open(bench.server.url),
      await PlainConnection.open(bench.server.url),
    ];
    const own = labels === 'own' ? { lane: `${no}` } : undefined;
    const { token } = await bench.register(people, { bench: label, ...own });
    while (left-- > 0) {
      const claim = machineSide.ask('POST', '/v1/workers/me/claim?wait=20s', token, '{}');
      good(await bench.submitJson(people, { ...work, requires: { bench: label } }));
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
  const client = process.cpuUsage();
  const before = bench.server.cpuMs();
  await Promise.all(Array.from({ length: lanes }, (_, no) => lane(no)));
  const perSecond = (count * 1_000) / (performance.now() - began);
  const after = bench.server.cpuMs();
  const { user, system } = process.cpuUsage(client);
  return {
    perSecond: round(perSecond),
    twice: [...seen.values()].filter((times) => times > 1).length,
    serverMs: round((after.server - before.server) / count),
    postgresMs: round((after.postgres - before.postgres) / count),
    clientMs: round((user + system) / 1_000 / count),
  };
}
let labelNo = 0;

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

const middle = <K extends string>(all: readonly Record<K, number>[], key: K): number =>
  median(all.map((each) => each[key]));
const middleCycles = (all: readonly Cycles[]): Cycles => ({
  perSecond: middle(all, 'perSecond'),
  twice: all.reduce((sum, { twice }) => sum + twice, 0),
  serverMs: middle(all, 'serverMs'),
  postgresMs: middle(all, 'postgresMs'),
  clientMs: middle(all, 'clientMs'),
});

await using server = await serverProcess({
  MUSTER_BUILDS_SUBMITS_PER_SECOND: '100000',
  MUSTER_HTTP_REQUESTS_PER_KEY_MAX: '10000000',
});
const bench = new Bench(server);
await bench.start();
const wants = (part: string): boolean => only === undefined || only === part;
const latencies: { json: Spread; file: Spread; cancel: Spread }[] = [];
const cycled: { equal: Cycles; own: Cycles }[] = [];
// Plans, code and tables that are warm, as on a server that has run for a minute.
if (wants('cycles')) await fullCycles(bench, 'equal', Math.min(600, cycles));
for (let n = 0; n < rounds; n++) {
  if (wants('latency')) {
    const json = await submitToWorker(bench, bench.submitJson);
    const file = await submitToWorker(bench, bench.submitFile);
    latencies.push({ json, file, cancel: await cancelToWorker(bench) });
  }
  if (wants('cycles')) {
    const equal = await fullCycles(bench, 'equal', cycles);
    cycled.push({ equal, own: await fullCycles(bench, 'own', cycles) });
  }
}
const latency = latencies.length > 0 && {
  json: middleSpread(latencies.map(({ json }) => json)),
  file: middleSpread(latencies.map(({ file }) => file)),
  cancel: middleSpread(latencies.map(({ cancel }) => cancel)),
};
const cycle = cycled.length > 0 && {
  equal: middleCycles(cycled.map(({ equal }) => equal)),
  own: middleCycles(cycled.map(({ own }) => own)),
};
const parked = wants('parked') && (await parkedWorkers(bench));
const rates = wants('assignments') && (await assignmentRates({ builds }));

if (given.json) {
  console.log(
    JSON.stringify({ machine: machine(), database: server.database, rounds, latency, cycle, cycled, parked, rates }),
  );
} else {
  const { cpu, cores, memoryGb, node, os } = machine();
  console.log(
    `${cpu}, ${cores} cores, ${memoryGb} GB · ${os} · Node ${node} · ${server.database} · ${rounds} rounds\n`,
  );
  const spreadRow = (what: string, { p50, p99, max }: Spread, bar: string): (string | number)[] => [
    what,
    p50,
    p99,
    max,
    bar,
  ];
  table(
    ['what', 'p50 ms', 'p99 ms', 'max ms', 'bar'],
    [
      ...(latency
        ? [
            spreadRow('submit (JSON, shared source) → parked worker', latency.json, 'p50 ≤ 10, p99 ≤ 50'),
            spreadRow('submit (multipart, own source) → parked worker', latency.file, 'p50 ≤ 10, p99 ≤ 50'),
            spreadRow('cancel → parked heartbeat', latency.cancel, '≤ 1000'),
          ]
        : []),
      ...(parked ? [spreadRow(`submit → one of ${parkedCount} parked workers`, parked.wakeMs, '')] : []),
    ],
  );
  console.log('');
  const cpuOf = ({ serverMs, postgresMs, clientMs }: Cycles): string => `${serverMs} + ${postgresMs} + ${clientMs}`;
  table(
    ['what', 'number', 'bar'],
    [
      ...(rates
        ? [
            ['assignments per second, fresh tables', rates.fresh, '≥ 1000'],
            [
              `assignments per second after ${builds} builds`,
              rates.after,
              `≥ 80 % (is ${Math.round((100 * rates.after) / rates.fresh)} %)`,
            ],
            ['assigned twice', rates.twice, '0'],
          ]
        : []),
      ...(cycle
        ? [
            [`full cycles per second, ${lanes} lanes, equal workers`, cycle.equal.perSecond, '≥ 300'],
            [`full cycles per second, ${lanes} lanes, each worker with its own label`, cycle.own.perSecond, '≥ 300'],
            ['CPU ms per cycle in server + Postgres + client, equal workers', cpuOf(cycle.equal), ''],
            ['the same, own labels', cpuOf(cycle.own), ''],
            ['handed out twice', cycle.equal.twice + cycle.own.twice, '0'],
          ]
        : []),
      ...(parked ? [[`KB RSS per parked worker (${parkedCount})`, parked.kilobytesEach, '≤ 50']] : []),
    ],
  );
}
