/* The protocol's own client reads and writes against us as against any server of it. */
import { DurableStream, IdempotentProducer, stream } from '@durable-streams/client';
import { afterAll, expect, test } from 'vitest';
import { startServer } from '#test/server';

const server = await startServer();
afterAll(() => server[Symbol.asyncDispose]());
const headers = { Authorization: `Bearer ${server.key}` };
const urlOf = (path: string): string => `${server.url}/v1/stream/${path}`;

test('it creates, appends, reads, follows and closes', async () => {
  const url = urlOf('npm/one');
  const handle = await DurableStream.create({ url, headers, contentType: 'application/json' });
  const read: unknown[] = [];
  const live = await handle.stream<{ n: number }>({ live: 'sse', offset: '-1' });
  const done = new Promise<void>((resolve) => {
    live.subscribeJson((batch) => {
      read.push(...batch.items);
      if (read.length === 20) resolve();
    });
  });
  for (let n = 0; n < 20; n++) await handle.append(JSON.stringify({ n }));
  await done;
  live.cancel();
  expect(read).toEqual(Array.from({ length: 20 }, (_, n) => ({ n })));
  const whole = await stream<{ n: number }>({ url, headers, live: false });
  expect(await whole.json()).toEqual(read);
  const polled = await stream<{ n: number }>({ url, headers, live: 'long-poll', offset: '-1' });
  const first = new Promise<unknown[]>((resolve) => {
    polled.subscribeJson((batch) => {
      if (batch.items.length > 0) resolve([...batch.items]);
    });
  });
  expect(await first).toEqual(read);
  polled.cancel();
  await handle.close();
  expect(await handle.head()).toMatchObject({ streamClosed: true, contentType: 'application/json' });
  await expect(handle.append('{}')).rejects.toThrow();
  await handle.delete();
  expect(await handle.head()).toEqual({ exists: false });
});

test('its exactly-once producer stores each message once, in order', async () => {
  const url = urlOf('npm/producer');
  const handle = await DurableStream.create({ url, headers, contentType: 'text/plain' });
  const producer = new IdempotentProducer(handle, 'npm', { lingerMs: 1, maxBatchBytes: 64 });
  for (let n = 0; n < 200; n++) producer.append(`${n};`);
  await producer.flush();
  await producer.close();
  const whole = await stream({ url, headers, live: false });
  expect(await whole.text()).toBe(Array.from({ length: 200 }, (_, n) => `${n};`).join(''));
});
