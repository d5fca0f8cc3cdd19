// A process that does one thing to a disk blob store and may be killed while at it. Bytes are `position % 251`.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { arm, MusterError } from '#kernel/base';
import { openDiskBlobs, putBlob, verified } from '#kernel/blobs';

const [folder = '', verb = '', key = 'a/1', extra = ''] = process.argv.slice(2);
const MB = 1024 * 1024;
const pattern = Buffer.from(Array.from({ length: 251 * 256 }, (_, at) => at % 251));

async function* bytes(count: number, from = 0): AsyncGenerator<Buffer> {
  for (let at = from; at < from + count; ) {
    const phase = at % 251;
    const chunk = pattern.subarray(phase, phase + Math.min(64_000, from + count - at));
    yield chunk;
    at += chunk.length;
  }
}
const killedAt = (point: string): unknown =>
  arm(point, () => process.kill(process.pid, 'SIGKILL') && new Promise(() => undefined));

const store = await openDiskBlobs({ folder });

const verbs: Record<string, () => Promise<string>> = {
  put: async () => {
    const facts = await putBlob(store, key, bytes(Number(extra)), Number(extra));
    return `${facts.bytes} ${facts.sha256}`;
  },
  append: async () => {
    const { offset, ended } = await (await store.resumable(key)).append(bytes(Number(extra)), Number(extra));
    return `${offset} ${ended}`;
  },
  'append-forever': async () => {
    const part = await store.resumable(key);
    for (let offset = 0; ; ) {
      ({ offset } = await part.append(bytes(300_000, offset), 300_000));
      process.stdout.write(`${offset}\n`);
    }
  },
  'put-killed-at': async () => {
    killedAt(extra);
    await putBlob(store, key, bytes(100_000), 100_000);
    return 'alive';
  },
  'finish-killed-at': async () => {
    const part = await store.resumable(key);
    await part.append(bytes(100_000), 100_000);
    killedAt(extra);
    await part.finish();
    return 'alive';
  },
  'ls-staged': async () => (await readdir(path.join(folder, 'tmp'))).join(' '),
  // Peak RSS growth in MB of each: a blob in, the same bytes in resumable parts, verified reads out.
  memory: async () => {
    const size = Number(extra);
    await putBlob(store, key, bytes(16 * MB), size); // warm
    const growths: number[] = [];
    const phase = async <T>(work: () => Promise<T>): Promise<T> => {
      const start = process.memoryUsage.rss();
      let peak = start;
      const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 5);
      const result = await work();
      clearInterval(watch);
      growths.push(Math.round((peak - start) / MB));
      return result;
    };
    const facts = await phase(() => putBlob(store, key, bytes(size), size));
    await phase(async () => {
      const part = await store.resumable(`${key}-parts`);
      for (let at = 0; at < size / 4; ) at = (await part.append(bytes(64 * MB, at), size)).offset;
      await part.finish();
    });
    await phase(async () => {
      for await (const _ of verified(await store.read(key), facts, () => undefined));
    });
    return growths.join(' ');
  },
};

try {
  process.stdout.write((await verbs[verb]?.()) ?? '');
} catch (error) {
  if (!(error instanceof MusterError)) throw error;
  process.stdout.write(`${error.code} ${error.reason} ${error.retryAfterMs}`);
}
