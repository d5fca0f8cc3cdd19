// A writer and a reader of one stream. Halfway the server is killed without warning and started again; the reader gets
// every message once and in order all the same. Run it after `npm ci`: node examples/stream-two-lives.ts [port]
import { deepEqual } from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@muster/client';
import { fileOutbox } from '@muster/client/node';

const url = `http://127.0.0.1:${process.argv[2] ?? '4321'}`;
const dir = join(tmpdir(), `muster-example-${process.pid}`);
mkdirSync(dir);
const start = async (): Promise<ChildProcess> => {
  const words = [
    join(import.meta.dirname, '../apps/server/src/main.ts'),
    `--data=${dir}/data`,
    `--port=${new URL(url).port}`,
  ];
  const server = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'inherit'] });
  while (!(await fetch(`${url}/ready`).catch(() => undefined))?.ok) await new Promise((wait) => setTimeout(wait, 100));
  return server;
};
const end = async (server: ChildProcess, signal: NodeJS.Signals): Promise<unknown> =>
  server.kill(signal) && once(server, 'exit');

const first = await start();
const credential = readFileSync(`${dir}/data/first-key`, 'utf8').trim();
const stream = new Client({ url, credential }).stream('demo/lives');
await stream.create({ contentType: 'application/json' });

// The reader: everything from the beginning, then what comes, until the stream is closed. A program that may be killed
// itself keeps `next` together with what it did, and begins again with `follow({ from: next })`.
const read = async (): Promise<number[]> => {
  const seen: number[] = [];
  const onWait = ({ message }: Error): void => console.log(`  reader: ${message}`);
  for await (const { records, next } of stream.follow<{ n: number }>({ onWait })) {
    seen.push(...records.map(({ n }) => n));
    console.log(`  reader: ${seen.length} so far, next is ${next}`);
  }
  return seen;
};

// The writer: what is not sent yet is in a file, so it may be killed as well.
const write = async (numbers: readonly number[]): Promise<void> => {
  await using producer = stream.producer('example', { outbox: fileOutbox(`${dir}/outbox`) });
  for (const n of numbers) await producer.append({ n });
  await producer.flush();
};

const numbers = Array.from({ length: 1_000 }, (_, n) => n);
const reading = read();
await write(numbers.slice(0, 500));
await end(first, 'SIGKILL');
const [second] = await Promise.all([start(), write(numbers.slice(500)).then(() => stream.close())]);
deepEqual(await reading, numbers);
await end(second, 'SIGTERM');
rmSync(dir, { recursive: true, force: true });
console.log('Read 1000 messages, each once and in order, over the death of the server.');
