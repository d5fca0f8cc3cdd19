/* The client against the protocol's own reference server: what it does is the protocol, and not only how Muster speaks it. */
import { DurableStreamTestServer } from '@durable-streams/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Batch, Client, type Stream } from '../src/index.ts';

const server = new DurableStreamTestServer({ port: 0, longPollTimeout: 500 });
let client: Client;
beforeAll(async () => {
  client = new Client({ url: await server.start() });
});
afterAll(() => server.stop());

let made = 0;
const streamOf = async (contentType: string): Promise<Stream> => {
  made += 1;
  const stream = client.stream(`test/${made}`);
  expect(await stream.create({ contentType })).toMatchObject({ created: true, closed: false });
  return stream;
};
const collect = async <T>(batches: AsyncIterable<Batch<T>>): Promise<T[]> => {
  const records: T[] = [];
  for await (const batch of batches) records.push(...batch.records);
  return records;
};

describe.each(['sse', 'long-poll'] as const)('by %s', (live) => {
  it('JSON is read from the beginning and as it comes, to the close', async () => {
    const stream = await streamOf('application/json');
    await stream.append({ n: 0 });
    const reading = stream.follow({ live });
    const first = await reading.next();
    expect(first.value).toMatchObject({ records: [{ n: 0 }], upToDate: true });
    await stream.append([1, 2]);
    await stream.close({ n: 2 });
    expect(await collect(reading)).toEqual([[1, 2], { n: 2 }]);
  });

  it('bytes and text are what they were', async () => {
    const bytes = await streamOf('application/octet-stream');
    const reading = bytes.follow<Uint8Array>({ live });
    await bytes.append(new Uint8Array([0, 255, 13, 10]));
    await bytes.close();
    expect(Buffer.concat(await collect(reading))).toEqual(Buffer.from([0, 255, 13, 10]));
    const text = await streamOf('text/plain');
    const texts = text.follow<string>(live === 'sse' ? {} : { live });
    await text.append('é\r\n');
    await text.close();
    expect((await collect(texts)).join('')).toBe('é\r\n');
  });
});

it('making, looking, forking, removing', async () => {
  const stream = await streamOf('text/plain');
  expect(await stream.create({ contentType: 'text/plain' })).toMatchObject({ created: false });
  await expect(stream.create({ contentType: 'application/json' })).rejects.toMatchObject({ code: 'conflict' });
  await stream.append('one');
  const fork = await stream.fork('test/fork');
  await fork.append('two');
  expect((await collect(fork.read<string>())).join('')).toBe('onetwo');
  expect(await fork.head()).toMatchObject({ contentType: 'text/plain', closed: false });
  await fork.delete();
  await expect(fork.head()).rejects.toMatchObject({ code: 'notFound' });
  await expect(client.stream('test/none').follow().next()).rejects.toMatchObject({ code: 'notFound' });
});

it('a producer writes once and in order; an older one is told', async () => {
  const stream = await streamOf('application/json');
  const old = stream.producer('p');
  for (let n = 0; n < 100; n++) void old.append(n);
  await old.open();
  await old.append(100);
  await old.flush();
  const young = stream.producer('p');
  await young.append(101);
  await young.flush();
  await old.append(102);
  await expect(old.flush()).rejects.toMatchObject({ code: 'forbidden' });
  await Promise.all([old.close(), young.close()]);
  expect(await collect(stream.read())).toEqual(Array.from({ length: 102 }, (_, n) => n));
});
