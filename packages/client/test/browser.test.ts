/* The client in a real browser, as it is: reading by events, by the socket and by a bare EventSource, and writing through
 * IndexedDB over reloads of the page. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Lives } from '../../../apps/server/test/crash/support/lives.ts';
import { testDatabase } from '../../../apps/server/test/support/database.ts';
import { startServer } from '../../../apps/server/test/support/server.ts';
import { until } from '../../../apps/server/test/support/until.ts';
import { Client } from '../src/index.ts';
import { servePage } from './support/browser-page.ts';

const places = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const found = await Promise.all(
  places.map(
    async (place) =>
      (place &&
        (await access(place).then(
          () => place,
          () => undefined,
        ))) ||
      undefined,
  ),
);
const browser = found.find((place) => place !== undefined);
// No browser comes with the install, so a machine that has none is no broken one; CI installs one first.
if (!browser) process.stderr.write('skipped: no Chromium on this machine (CHROMIUM names another place)\n');
/** A browser waits 3 s before it reconnects: few by default, twenty when asked. */
const kills = Number(process.env['TEST_KILLS'] ?? 4);

async function browse(url: string): Promise<ChildProcess> {
  const profile = await mkdtemp(join(tmpdir(), 'muster-browser-'));
  const words = ['--headless=new', '--no-sandbox', '--disable-gpu', `--user-data-dir=${profile}`, url];
  // A group of its own: a browser is many processes.
  const child = spawn(browser ?? '', words, { stdio: 'ignore', detached: true });
  onTestFinished(async () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      process.kill(-child.pid, 'SIGKILL');
      await gone;
    }
    await rm(profile, { recursive: true, force: true, maxRetries: 10 });
  });
  return child;
}

const script = `
const { Client, indexedDbOutbox } = await import('@muster/client');
const asked = new URLSearchParams(location.search);
const [url, token] = [asked.get('url'), asked.get('token')];
const life = Number(sessionStorage.getItem('life') ?? 0);
const client = new Client({ url, credential: () => token });
const stream = client.stream('page/log', 'application/json');
const pace = { firstMs: 20, maxMs: 100 };
const producer = stream.producer('tab', { outbox: indexedDbOutbox(), pace });
const { mark, pending } = await producer.open();
await report({ life, pending });
const first = Number(mark ?? -1) + 1;
const last = life < 4 ? first + 100 : 600;
for (let n = first; n < last; n++) await producer.append({ n }, { mark: String(n) });
if (life < 4) {
  // Gone in the middle of whatever is on its way.
  sessionStorage.setItem('life', life + 1);
  location.reload();
} else {
  await producer.flush();
  const collect = async (batches) => {
    const seen = [];
    for await (const { records } of batches) {
      seen.push(...records.map(({ n }) => n));
      if (seen.length >= 600) return seen;
    }
  };
  const source = new EventSource(url + '/v1/stream/page/log?offset=-1&live=sse&token=' + encodeURIComponent(token));
  const events = [];
  await new Promise((resolve) => source.addEventListener('data', ({ data }) => {
    events.push(...JSON.parse(data).map(({ n }) => n));
    if (events.length >= 600) resolve();
  }));
  source.close();
  await report({ read: await collect(stream.follow()), socket: await collect(client.socket().follow('page/log')), events });
}`;

test.skipIf(!browser)(
  'a page reads in every way, and writes once and in order over its reloads',
  { timeout: 120_000 },
  async () => {
    const server = await startServer();
    onTestFinished(() => server[Symbol.asyncDispose]());
    const client = new Client({ url: server.url, credential: server.key });
    await client.stream('page/log').create({ contentType: 'application/json' });
    const { token } = await client.streams.createToken({ paths: ['page/**'], operations: ['read', 'append'] });
    const page = await servePage(script);
    onTestFinished(() => page[Symbol.asyncDispose]());
    await browse(`${page.url}?url=${encodeURIComponent(server.url)}&token=${encodeURIComponent(token)}`);
    await until(() => page.reports.some((report) => 'read' in report || 'failed' in report), { withinMs: 100_000 });
    const all = Array.from({ length: 600 }, (_, n) => n);
    expect(page.reports.at(-1)).toEqual({ read: all, socket: all, events: all });
    expect(page.reports.slice(0, -1).map(({ life }) => life)).toEqual([0, 1, 2, 3, 4]);
  },
);

const bare = `
const asked = new URLSearchParams(location.search);
const source = new EventSource(asked.get('url') + '/v1/stream/page/bare?offset=-1&live=sse&token=' + encodeURIComponent(asked.get('token')));
const seen = [];
let cuts = 0;
source.addEventListener('error', () => { cuts += 1; });
source.addEventListener('data', ({ data }) => {
  seen.push(...JSON.parse(data));
  report({ seen, cuts });
});`;

test.skipIf(!browser)(
  `a bare EventSource loses and repeats nothing over ${kills} kills of the server`,
  { timeout: 600_000 },
  async () => {
    await using undo = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'muster-page-'));
    undo.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const database = undo.use(await testDatabase());
    const key = 'k'.repeat(40);
    const server = undo.use(await Lives.in(join(folder, 'data'), { DATABASE_URL: database.url, MUSTER_API_KEY: key }));
    await server.begin();
    const client = new Client({ url: server.url, credential: key });
    const stream = client.stream('page/bare', 'application/json');
    await stream.create({ contentType: 'application/json' });
    const { token } = await client.streams.createToken({ paths: ['page/**'], operations: ['read'], ttlMs: 3_600_000 });
    const page = undo.use(await servePage(bare));
    await browse(`${page.url}?url=${encodeURIComponent(server.url)}&token=${encodeURIComponent(token)}`);
    const producer = undo.use(stream.producer('w', { pace: { firstMs: 20, maxMs: 200 } }));
    let written = 0;
    const write = async (upTo: number): Promise<void> => {
      for (; written < upTo; written++) await producer.append(written);
    };
    const seen = (): unknown[] =>
      page.reports.reduce<unknown[]>(
        (most, { seen }) => (Array.isArray(seen) && seen.length > most.length ? seen : most),
        [],
      );
    for (let kill = 1; kill <= kills; kill++) {
      await write(kill * 20 - 10);
      await until(() => seen().length > (kill - 1) * 20, { withinMs: 60_000 });
      await write(kill * 20);
      await server.kill();
      await server.begin();
    }
    await producer.flush();
    await until(() => seen().length >= written, { withinMs: 60_000 });
    expect(seen()).toEqual(Array.from({ length: written }, (_, n) => n));
    expect(Math.max(...page.reports.map(({ cuts }) => Number(cuts)))).toBeGreaterThanOrEqual(kills);
  },
);
