/**
 * Claim: with 100 000 items the feed of the sandbox gallery answers 500 requests a second, p99 below 20 ms, while it changes
 * ten times a second; and without a socket, one call after another, it is quick enough for a simulated day.
 *
 * The server is a process of its own on the durable Postgres that comes along; requests come at an even pace over kept-alive
 * connections and are timed from when they were due. Half read as a bot (with `isLiked`), half as the service.
 * `--items=100000 --perSecond=500 --ms=20000 --changes=10 --json`.
 */
import { spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { machine, options, round, spread, table } from './support/report.ts';
import { durablePostgres } from './support/stores.ts';

const given = options();
const items = given.get('items', 100_000);
const perSecond = given.get('perSecond', 500);
const ms = given.get('ms', 20_000);
const changes = given.get('changes', 10);
const bots = 100;

const pause = (forMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, forMs));
const file = path.join(import.meta.dirname, 'support', 'sandbox-process.ts');

/** One request at a time on one connection; answers of known length. */
class Lane {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #heard: ((status: number) => void) | undefined;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#socket = connect(Number(port), hostname);
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (data: Buffer) => {
      this.#received = Buffer.concat([this.#received, data]);
      const end = this.#received.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = this.#received.toString('latin1', 0, end);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (this.#received.length < end + 4 + length) return;
      this.#received = this.#received.subarray(end + 4 + length);
      this.#heard?.(Number(head.slice(9, 12)));
    });
  }

  ask(to: string, as: string | undefined): Promise<number> {
    const agent = as === undefined ? '' : `x-agent-id: ${as}\r\n`;
    return new Promise((resolve) => {
      this.#heard = resolve;
      this.#socket.write(`GET ${to} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer fst_bench\r\n${agent}\r\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

const kinds = ['recent', 'popular', 'trending', 'deep', 'item'] as const;
type Kind = (typeof kinds)[number];
const mix: readonly Kind[] = ['recent', 'recent', 'recent', 'popular', 'trending', 'trending', 'deep', 'item'];
const pathOf = (kind: Kind, i: number): string => {
  if (kind === 'item') return `/api/showcase/itm_${String((i * 7919) % items || 1).padStart(26, '0')}`;
  if (kind === 'deep') return `/api/showcase?sort=recent&limit=20&offset=${(i * 40) % 2_000}`;
  return `/api/showcase?sort=${kind}&limit=${kind === 'recent' ? 40 : 20}`;
};

await using postgres = await durablePostgres(24);
const child = spawn(process.execPath, [file, JSON.stringify({ connection: postgres.connection, items, bots })], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
const next = async (): Promise<string> => String((await lines.next()).value);
const url = await next();
const took = new Map<Kind, number[]>(kinds.map((kind) => [kind, []]));
let failed = 0;

async function run(forMs: number, keep: boolean): Promise<void> {
  const free = Array.from({ length: 64 }, () => new Lane(url));
  const all = [...free];
  const began = performance.now();
  let sent = 0;
  let changed = 0;
  let underWay = 0;
  const total = Math.floor((forMs * perSecond) / 1000);
  for (let now = began; sent < total || underWay > 0; now = performance.now()) {
    const due = Math.min(total, Math.floor(((now - began) * perSecond) / 1000));
    for (; sent < due && free.length > 0; sent++) {
      const no = sent;
      const dueAt = began + (no * 1000) / perSecond;
      const kind = mix[no % mix.length] ?? 'recent';
      const lane = free.pop() as Lane;
      underWay++;
      void lane.ask(pathOf(kind, no), no % 2 === 0 ? `bot_${no % bots}` : undefined).then((status) => {
        underWay--;
        free.push(lane);
        if (status !== 200) failed++;
        if (keep) took.get(kind)?.push(performance.now() - dueAt);
      });
    }
    const wanted = Math.floor((Math.min(now - began, forMs) * changes) / 1000);
    for (; changed < wanted; changed++) child.stdin.write('like\n');
    await pause(1);
  }
  for (const lane of all) lane.close();
}

const cpuMs = async (): Promise<number> => {
  child.stdin.write('cpu\n');
  return Number(await next());
};

await run(3_000, false);
const before = await cpuMs();
await run(ms, true);
const cpuMsPerRequest = round(((await cpuMs()) - before) / ((ms / 1000) * perSecond));
child.stdin.write('rates\n');
const rates = JSON.parse(await next()) as Record<string, { perSecond: number; cpuMs: number }>;
child.kill();
await new Promise((resolve) => child.once('exit', resolve));

const every = spread([...took.values()].flat());
const rows = [...took].map(([kind, values]) => ({ kind, requests: values.length, ...spread(values) }));
if (given.json)
  console.log(
    JSON.stringify({ machine: machine(), items, perSecond, ms, changes, failed, cpuMsPerRequest, every, rows, rates }),
  );
else {
  console.log(machine());
  console.log(
    `${items} items, ${perSecond} requests/s for ${ms} ms, ${changes} changes/s, ${failed} not answered with 200`,
  );
  table(
    ['what', 'requests', 'p50 ms', 'p90 ms', 'p99 ms', 'max ms'],
    [
      ...rows.map((row) => [row.kind, row.requests, row.p50, row.p90, row.p99, row.max]),
      ['all', [...took.values()].flat().length, every.p50, every.p90, every.p99, every.max],
    ],
  );
  console.log(`${cpuMsPerRequest} ms of CPU in the server for each request, changes included`);
  console.log('one call after another, without a socket:');
  table(
    ['what', 'per second', 'CPU ms'],
    Object.entries(rates).map(([name, one]) => [name, round(one.perSecond), round(one.cpuMs)]),
  );
}
