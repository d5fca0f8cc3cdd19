/* The reader and the writer against the real server, over `kill -9` of either side. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Lives } from '../../../apps/server/test/crash/support/lives.ts';
import { type TestDatabase, testDatabase } from '../../../apps/server/test/support/database.ts';
import { until } from '../../../apps/server/test/support/until.ts';
import { Client, type FollowOptions, type Stream } from '../src/index.ts';

const key = 'k'.repeat(40);
let database: TestDatabase;
let server: Lives;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-client-'));
  database = await testDatabase();
  server = await Lives.in(join(folder, 'data'), { DATABASE_URL: database.url, MUSTER_API_KEY: key });
  await begin();
}, 90_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

const client = (): Client => new Client({ url: server.url, credential: key });
const pace = { firstMs: 20, maxMs: 200 };

/** A life that is over before it is ready is no part of this test. */
async function begin(): Promise<void> {
  await server.begin();
  if (server.over) throw new Error(`the server ended at its start:\n${server.output}`);
}

/** Everything a reader was given, as one text, while it reads. */
function following(
  stream: Pick<Stream, 'follow'>,
  options: FollowOptions,
): { seen: () => string; waits: () => number; end: Promise<void> } {
  const parts: string[] = [];
  let waits = 0;
  const end = (async () => {
    const onWait = (): void => void (waits += 1);
    for await (const { records } of stream.follow<string | Uint8Array>({ ...options, raw: true, pace, onWait })) {
      parts.push(...records.map((each) => (typeof each === 'string' ? `${each}\n` : Buffer.from(each).toString())));
    }
  })();
  return { seen: () => parts.join(''), waits: () => waits, end };
}

test('readers miss nothing and repeat nothing over five kills of the server, however they read', {
  timeout: 300_000,
}, async () => {
  const [json, text] = [client().stream('kills/json', 'application/json'), client().stream('kills/text', 'text/plain')];
  await Promise.all([json.create({ contentType: 'application/json' }), text.create({ contentType: 'text/plain' })]);
  const socket = client().socket();
  const bySocket = (path: string): Pick<Stream, 'follow'> => ({ follow: (options) => socket.follow(path, options) });
  const readers = [
    following(json, { live: 'sse' }),
    following(json, { live: 'long-poll' }),
    following(text, {}),
    following(bySocket('kills/json'), {}),
    following(bySocket('kills/text'), {}),
  ];
  const producers = [json, text].map((stream) => stream.producer('w', { pace }));

  let written = 0;
  const write = async (count: number): Promise<void> => {
    for (const upTo = written + count; written < upTo; written++) {
      await producers[0]?.append(written);
      await producers[1]?.append(`${written}\n`);
    }
  };
  await write(50);
  for (let kill = 0; kill < 5; kill++) {
    const before = written;
    await until(() => readers.every(({ seen }) => seen().includes(`\n${before - 20}\n`)));
    await write(200);
    await server.kill();
    await write(50);
    await until(() => readers.every(({ waits }) => waits() > kill), { withinMs: 30_000 });
    await begin();
  }
  await Promise.all(producers.map((producer) => producer.flush()));
  await Promise.all([json.close(), text.close()]);
  await Promise.all(readers.map(({ end }) => end));
  const all = Array.from({ length: written }, (_, n) => `${n}\n`).join('');
  for (const { seen } of readers) expect(seen() === all).toBe(true);
  // The same for whoever comes later.
  const late = following(json, { once: true });
  await late.end;
  expect(late.seen() === all).toBe(true);
});

test('a writer with a file outbox writes every line once and in order, over ten kills of itself and one of the server', {
  timeout: 300_000,
}, async () => {
  const stream = client().stream('kills/lines');
  await stream.create({ contentType: 'text/plain' });
  const words = [server.url, key, 'kills/lines', join(folder, 'lines.outbox'), '1500'];
  const child = (): ChildProcess => {
    const made = spawn(process.execPath, [join(import.meta.dirname, 'support/line-writer-child.ts'), ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void made.kill('SIGKILL'));
    return made;
  };
  let taken = 0;
  let kills = 0;
  for (let life = 0; life < 10; life++) {
    const writer = child();
    const gone = once(writer, 'exit');
    // It says the number of each line that the outbox has; it dies somewhere behind the next dozens.
    const goal = taken + 60 + life * 9;
    writer.stdout?.on('data', (chunk: Buffer) => {
      taken = Number(chunk.toString().trim().split('\n').at(-1) ?? taken);
      if (taken >= goal) writer.kill('SIGKILL');
    });
    if (life === 4) {
      await server.kill();
      await begin();
    }
    const [ended, signal] = (await gone) as [number | null, string | null];
    // What it says is heard late: a quick one may be through with its lines before the kill.
    if (ended === 0) break;
    expect(signal).toBe('SIGKILL');
    kills += 1;
  }
  expect(kills).toBeGreaterThanOrEqual(5);
  const [code] = (await once(child(), 'exit')) as [number];
  expect(code).toBe(0);
  const parts: string[] = [];
  for await (const { records } of stream.read<string>()) parts.push(...records);
  expect(parts.join('') === Array.from({ length: 1_500 }, (_, n) => `line ${n + 1}\n`).join('')).toBe(true);
});
