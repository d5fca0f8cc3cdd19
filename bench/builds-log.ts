/**
 * Claim: a line that a worker appends is with a follower within 200 ms (p99). One worker appends a line every few
 * milliseconds over HTTP; a follower reads the build's log by long-poll and another by SSE; both clocks are this process's.
 *
 * `--rounds=3 --lines=1000 --every=5 --json`; medians of the rounds.
 */
import type { ClaimAnswer, LogRecord, Registered, Submitted } from '@muster/protocol';
import { Client, Connection } from '../packages/client/src/index.ts';
import { machine, middleSpread, options, type Spread, spread, table } from './support/report.ts';
import { serverProcess } from './support/server-process.ts';

const given = options();
const rounds = given.get('rounds', 3);
const lines = given.get('lines', 1_000);
const everyMs = given.get('every', 5);

await using server = await serverProcess();
const client = new Client({ url: server.url, credential: server.key });
const zip = new Blob([Buffer.concat([Buffer.from('504b0506', 'hex'), Buffer.alloc(18)])]);
const build: Submitted = await client.builds.submit({ expects: 'nothing' }, { source: zip });
const registered: Registered = await client.workers.register({ name: 'bench', platforms: ['any'] });
const worker = new Connection({ url: server.url, credential: registered.token });
const { job } = await worker.call<ClaimAnswer>('POST', '/v1/workers/me/claim', { json: { held: [], free: 1 } });
if (!job) throw new Error('no job');
const { id, term } = job.build;
await worker.call('POST', `/v1/workers/me/builds/${id}/start`, { json: { term } });

const sentAt = new Map<string, number>();
let seen = { poll: [] as number[], sse: [] as number[] };
const stop = new AbortController();
const note = (kind: 'poll' | 'sse', record: LogRecord): void => {
  const sent = sentAt.get(record.text);
  if (sent !== undefined) seen[kind].push(performance.now() - sent);
};

async function poll(): Promise<void> {
  for await (const page of client.builds.log(build.id, { signal: stop.signal }))
    for (const record of page.records) note('poll', record);
}

async function sse(): Promise<void> {
  const answer = await fetch(`${server.url}/v1/stream/builds/${id}/log?offset=-1&live=sse`, {
    headers: { authorization: `Bearer ${server.key}` },
    signal: stop.signal,
  });
  let text = '';
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = text.slice(0, end);
      text = text.slice(end + 2);
      if (!/^event: ?data$/m.test(event)) continue;
      const data = [...event.matchAll(/^data: ?(.*)$/gm)].map((match) => match[1]).join('\n');
      for (const record of JSON.parse(data) as LogRecord[]) note('sse', record);
    }
  }
}

const quiet = (error: unknown): void => {
  if (!stop.signal.aborted) throw error;
};
const readers = [poll().catch(quiet), sse().catch(quiet)];
await new Promise((resolve) => setTimeout(resolve, 300));
const results: { append: Spread; poll: Spread; sse: Spread }[] = [];
for (let round = 0; round < rounds; round++) {
  seen = { poll: [], sse: [] };
  const answered: number[] = [];
  for (let n = 0; n < lines; n++) {
    const offset = round * lines + n;
    const text = `line ${offset}`;
    sentAt.set(text, performance.now());
    await worker.call('POST', `/v1/builds/${id}/log`, { json: { term, offset, lines: [{ text, source: 'stdout' }] } });
    answered.push(performance.now() - (sentAt.get(text) ?? 0));
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  while (seen.poll.length < lines || seen.sse.length < lines) await new Promise((resolve) => setTimeout(resolve, 20));
  results.push({ append: spread(answered), poll: spread(seen.poll), sse: spread(seen.sse) });
}
stop.abort();
await Promise.all(readers);

const figures = {
  machine: machine(),
  rounds,
  lines,
  appendMs: middleSpread(results.map(({ append }) => append)),
  longPollMs: middleSpread(results.map(({ poll }) => poll)),
  sseMs: middleSpread(results.map(({ sse }) => sse)),
  bars: { visibleMsP99: 200 },
};
if (given.json) console.log(JSON.stringify(figures));
else {
  console.log(`${rounds} rounds of ${lines} lines, one every ${everyMs} ms; ${JSON.stringify(figures.machine)}`);
  table(
    ['from append to', 'p50 ms', 'p99 ms', 'max ms', 'bar p99'],
    [
      ['its answer (synced)', figures.appendMs.p50, figures.appendMs.p99, figures.appendMs.max, '–'],
      ['a follower by long-poll', figures.longPollMs.p50, figures.longPollMs.p99, figures.longPollMs.max, '≤ 200'],
      ['a follower by SSE', figures.sseMs.p50, figures.sseMs.p99, figures.sseMs.max, '≤ 200'],
    ],
  );
}
process.exit(0);
