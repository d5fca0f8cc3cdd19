import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { FakeClock } from '#kernel/base';
import { createLog } from './create-log.ts';
import type { LogLimits } from './limits.ts';
import type { Log } from './log.ts';

const key = { projectId: 'p', path: 's' };
let log: Log;
afterEach(() => log[Symbol.asyncDispose]());

/** A log in memory that notes how many frames each commit covered. */
async function started(
  limits: Partial<LogLimits>,
): Promise<{ clock: FakeClock; frames: number[]; put: (bytes: number) => Promise<unknown> }> {
  const clock = new FakeClock();
  const frames: number[] = [];
  log = createLog({ driver: 'memory', clock, limits, events: { committed: (batch) => frames.push(batch.frames) } });
  await log.start();
  const created = log.create({ key, contentType: 'text/plain' });
  await clock.advance(1000);
  await created;
  await clock.advance(1000);
  frames.length = 0;
  return { clock, frames, put: (bytes) => log.append({ key, messages: [Buffer.alloc(bytes)] }) };
}

test('caps, not waits: what arrives in one turn is one commit, and nothing waits for a timer', async () => {
  const { frames, put } = await started({});
  await Promise.all([put(10), put(10), put(10)]);
  expect(frames).toEqual([3]);
});

test('a batch is cut at its cap; a larger append goes alone', async () => {
  const { frames, put } = await started({ commitBytesMax: 64 * 1024, commitEarlyBytes: 2 ** 30 });
  await Promise.all([put(30_000), put(30_000), put(30_000), put(200_000), put(10)]);
  expect(frames).toEqual([2, 1, 1, 1]);
  const page = await log.read(key, 'start', { bytes: 2 ** 20, messages: 100 });
  expect(page.messages.map(({ bytes }) => bytes.length)).toEqual([30_000, 30_000, 30_000, 200_000, 10]);
});

test('a crowd does not wait for the end of its turn', async () => {
  const { frames, put } = await started({ commitEarlyBytes: 20_000 });
  await Promise.all(Array.from({ length: 10 }, () => put(5000)));
  expect(frames.length).toBe(2);
  expect(frames[0]).toBe(4);
});

test('a write budget holds commits back, never beyond the cap', async () => {
  const { clock, frames, put } = await started({ commitsPerSecond: 100, commitWaitMsMax: 25 });
  const first = put(1);
  await turn();
  await first;
  expect(frames).toEqual([1]);
  const more = [put(1), put(1)];
  for (let i = 0; i < 5; i++) await turn();
  expect(frames).toEqual([1]);
  await clock.advance(5);
  more.push(put(1));
  await clock.advance(5);
  await Promise.all(more);
  expect(frames).toEqual([1, 3]);
});

test('a budget of almost nothing still commits after the cap', async () => {
  const { clock, frames, put } = await started({ commitsPerSecond: 0.1, commitWaitMsMax: 25 });
  const waiting = put(1);
  await clock.advance(24);
  expect(frames).toEqual([]);
  await clock.advance(2);
  await waiting;
  expect(frames).toEqual([1]);
});
