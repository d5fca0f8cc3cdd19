// A writer and a reader of one stream. Halfway the server is killed without warning and started again: the reader gets
// every line once and in order all the same. Run it after `npm ci`: node examples/stream-two-lives.ts [port]
import { equal } from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@muster/client';
import { fileOutbox } from '@muster/client/node';

const url = `http://127.0.0.1:${process.argv[2] ?? '4321'}`;
const dir = mkdtempSync(join(tmpdir(), 'muster-example-'));
const main = join(import.meta.dirname, '../apps/server/src/main.ts');

const start = async (): Promise<ChildProcess> => {
  const words = [main, `--data=${dir}/data`, `--port=${new URL(url).port}`];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'inherit'] });
  while (!(await fetch(`${url}/ready`).catch(() => undefined))?.ok) await new Promise((wait) => setTimeout(wait, 100));
  return child;
};
const end = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> =>
  void (child.kill(signal) && (await once(child, 'exit')));

let server = await start();
const credential = readFileSync(`${dir}/data/first-key`, 'utf8').trim();
const stream = new Client({ url, credential }).stream('demo/lives');
await stream.create({ contentType: 'application/json' });

// The reader: everything from the beginning, then what comes, until the stream is closed.
const read = async (): Promise<number[]> => {
  const seen: number[] = [];
  for await (const { records, next } of stream.follow<{ n: number }>({
    onWait: ({ message }) => console.log(`  reader: ${message}`),
  })) {
    seen.push(...records.map(({ n }) => n));
    // A program that may be killed itself keeps `next` together with what it did, and begins again with `from: next`.
    console.log(`  reader: ${seen.length} so far, next is ${next}`);
  }
  return seen;
};

// The writer: what it has not sent yet is in a file, so it may be killed as well.
const write = async (count: number): Promise<void> => {
  await using producer = stream.producer('example', { outbox: fileOutbox(`${dir}/outbox`) });
  for (let n = 0; n < count; n++) {
    await producer.append({ n });
    if (n !== count / 2) continue;
    await end(server, 'SIGKILL');
    start().then((again) => (server = again));
  }
  await producer.flush();
  await stream.close();
};

const [seen] = await Promise.all([read(), write(1_000)]);
equal(seen.join(), Array.from({ length: 1_000 }, (_, n) => n).join());
await end(server, 'SIGTERM');
rmSync(dir, { recursive: true, force: true });
console.log(`Read ${seen.length} messages, each once and in order, over the death of the server.`);
