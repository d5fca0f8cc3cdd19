/* Many readers over one socket, against the real server. */
import { afterAll, expect, test } from 'vitest';
import { startServer } from '../../../apps/server/test/support/server.ts';
import { until } from '../../../apps/server/test/support/until.ts';
import { Client, type ReaderState } from '../src/index.ts';

const server = await startServer();
afterAll(() => server[Symbol.asyncDispose]());
const client = new Client({ url: server.url, credential: server.key });

const sockets = async (): Promise<number> => {
  const text = await (await server.call('/metrics')).text();
  return Number(/^muster_sockets (\d+)$/m.exec(text)?.[1] ?? Number.NaN);
};

test('forty streams, each whole and in order, and the socket goes when the last reader does', async () => {
  const socket = client.socket();
  const streams = Array.from({ length: 40 }, (_, n) => client.stream(`many/${n}`, 'application/json'));
  await Promise.all(streams.map((stream) => stream.create({ contentType: 'application/json', data: { n: 0 } })));
  const modes = new Set<string>();
  const onState = ({ phase, mode }: ReaderState): void => void (phase === 'live' && modes.add(mode));
  const seen = streams.map(() => [] as number[]);
  const reading = streams.map(async ({ path }, at) => {
    for await (const { records } of socket.follow<{ n: number }>(path, { onState }))
      seen[at]?.push(...records.map(({ n }) => n));
  });
  await until(() => seen.every((each) => each.length === 1));
  await until(() => modes.size > 0);
  expect(await sockets()).toBe(1);
  for (let n = 1; n <= 20; n++) await Promise.all(streams.map((stream) => stream.append({ n })));
  await Promise.all(streams.map((stream) => stream.close()));
  await Promise.all(reading);
  for (const each of seen) expect(each).toEqual(Array.from({ length: 21 }, (_, n) => n));
  expect([...modes]).toEqual(['socket']);
  await until(async () => (await sockets()) === 0);
});

test('two readers of one stream, raw JSON, text with its line ends, bytes', async () => {
  const socket = client.socket();
  const json = client.stream('exact/json', 'application/json');
  await json.create({ contentType: 'application/json' });
  const text = client.stream('exact/text', 'text/plain');
  await text.create({ contentType: 'text/plain' });
  const bytes = client.stream('exact/bytes', 'application/octet-stream');
  await bytes.create({ contentType: 'application/octet-stream' });

  const collect = async <T>(path: string, raw: boolean): Promise<T[]> => {
    const all: T[] = [];
    for await (const { records } of socket.follow<T>(path, { raw })) all.push(...records);
    return all;
  };
  const states: string[] = [];
  const live = (async () => {
    const onState = ({ phase }: ReaderState): void => void states.push(phase);
    for await (const { records } of socket.follow('exact/json', { onState })) if (records.length > 0) return records;
    return [];
  })();
  const others = [collect('exact/json', true), collect('exact/text', false), collect('exact/bytes', false)] as const;
  await until(() => states.includes('live'));
  await server.call('/v1/stream/exact/json', {
    method: 'POST',
    body: '[12345678901234567890, {"b":1.0,"a":"]"}]',
    headers: { 'content-type': 'application/json' },
  });
  await text.append('a\r\nb');
  await bytes.append(new Uint8Array([255, 0]));
  await Promise.all([json.close(), text.close(), bytes.close()]);
  expect(await live).toEqual([12345678901234567000, { b: 1, a: ']' }]);
  const [raw, texts, parts] = await Promise.all(others);
  expect(raw).toEqual(['12345678901234567890', '{"b":1.0,"a":"]"}']);
  expect(texts.join('')).toBe('a\r\nb');
  expect(Buffer.concat(parts as Uint8Array[])).toEqual(Buffer.from([255, 0]));
});

test('a token that is about to expire is renewed on the open socket; what is refused for good is told', async () => {
  const stream = client.stream('token/a', 'application/json');
  await stream.create({ contentType: 'application/json' });
  const asked: string[] = [];
  const credential = async (why: string): Promise<string> => {
    asked.push(why);
    return (await client.streams.createToken({ paths: ['token/**'], operations: ['read'], ttlMs: 1_500 })).token;
  };
  const socket = new Client({ url: server.url, credential }).socket();
  const seen: unknown[] = [];
  const reading = (async () => {
    for await (const { records } of socket.follow('token/a', { pace: { firstMs: 10, maxMs: 50 } }))
      seen.push(...records);
  })();
  for (let n = 0; n < 20; n++) {
    await stream.append(n);
    await until(() => seen.length > n);
    await until(() => asked.length > n / 7);
  }
  await stream.close();
  await reading;
  expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => n));
  expect(asked.length).toBeGreaterThan(1);
  await expect(socket.follow('other/a').next()).rejects.toMatchObject({ status: 403 });
});
