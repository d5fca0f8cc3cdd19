import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLog, type Log } from '#kernel/log';
import { BuildLog, type SystemLine } from './build-log-actor.ts';
import { decodeRecord, type NewLine } from './log-lines.ts';
import { logKey, readFrom } from './stream-keys.ts';

const key = logKey('prj_1', 'bld_1');
let log: Log;
beforeEach(async () => {
  log = createLog({ driver: 'memory' });
  await log.start();
});
afterEach(() => log[Symbol.asyncDispose]());

const writer = (bytesMax = 2 ** 28): BuildLog =>
  new BuildLog({ log, key, bytesMax, now: () => 1_760_000_000_000, repaired: () => undefined });
const lines = (...texts: string[]): NewLine[] => texts.map((text) => ({ level: 'info', source: 'stdout', text }));
const system = (id: number, attempt: number, text: string): SystemLine => ({
  id,
  at: new Date(0),
  attempt,
  level: 'info',
  text,
});
const count = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `${from + i}`);

async function stored(): Promise<string[]> {
  const all = [];
  for await (const message of readFrom(log, key, 'start', Number.MAX_SAFE_INTEGER)) {
    const { attempt, line, text, source } = decodeRecord(message.bytes);
    all.push(`${attempt}.${source === 'system' ? 's' : line} ${text}`);
  }
  return all;
}

test('counts the lines of an attempt; a repeat is trimmed, a hole refused with what was expected', async () => {
  const build = writer();
  expect(await build.append(1, 0, lines('a', 'b'))).toMatchObject({ offset: 2, stored: 2 });
  expect(await build.append(1, 0, lines('a', 'b'))).toMatchObject({ offset: 2, stored: 0 });
  expect(await build.append(1, 1, lines('b', 'c'))).toMatchObject({ offset: 3, stored: 1 });
  await expect(build.append(1, 5, lines('x'))).rejects.toMatchObject({
    reason: 'log_gap',
    extra: { expectedOffset: 3 },
  });
  expect(await stored()).toEqual(['1.0 a', '1.1 b', '1.2 c']);
});

test('each attempt counts from 0, keeps its part, and one that is over writes no more', async () => {
  const build = writer();
  await build.appendSystem([system(1, 0, 'Build submitted')], { wary: false, isNew: true });
  await build.append(1, 0, lines('a'));
  await build.appendSystem([system(2, 1, 'lost'), system(3, 2, 'Assigned')], { wary: false, isNew: false });
  await expect(build.append(1, 1, lines('late'))).rejects.toMatchObject({ reason: 'stale_term' });
  await expect(build.append(2, 1, lines('x'))).rejects.toMatchObject({
    reason: 'log_gap',
    extra: { expectedOffset: 0 },
  });
  expect(await build.append(2, 0, lines('b'))).toMatchObject({ offset: 1 });
  expect(await stored()).toEqual(['0.s Build submitted', '1.0 a', '1.s lost', '2.s Assigned', '2.0 b']);
});

test.each([1, 150, 205, 2_300])(
  'a new writer finds the next line in the stream, behind %d system lines',
  async (between) => {
    await writer().append(3, 0, lines('a', 'b', 'c'));
    const more = Array.from({ length: between }, (_, i) => system(i + 1, 3, `s${i}`));
    await writer().appendSystem(more, { wary: false, isNew: false });
    await expect(writer().append(3, 7, lines('x'))).rejects.toMatchObject({ extra: { expectedOffset: 3 } });
    expect(await writer().append(3, 2, lines('c', 'd'))).toMatchObject({ offset: 4, stored: 1 });
  },
);

test('a new writer counts a line that was cut in parts as one', async () => {
  await writer().append(1, 0, lines('x'.repeat(200_000)));
  expect(await writer().append(1, 1, lines('next'))).toMatchObject({ offset: 2 });
});

test('two writers of one log agree: nothing twice, nothing missing', async () => {
  const [one, two] = [writer(), writer()];
  const all = count(0, 60);
  for (let at = 0; at < all.length; at += 5) {
    // Both send the same batch, as a worker does after an answer was lost; the other node may have stored it.
    const batch = lines(...all.slice(at, at + 5));
    await Promise.all([one.append(1, at, batch), two.append(1, at, batch)]);
  }
  expect(await stored()).toEqual(all.map((text) => `1.${text} ${text}`));
});

test('system lines between two writers keep their order and are stored once', async () => {
  const [one, two] = [writer(), writer()];
  await one.append(1, 0, lines('a'));
  await two.appendSystem([system(7, 1, 'progress')], { wary: false, isNew: false });
  await one.append(1, 1, lines('b'));
  await two.appendSystem([system(7, 1, 'progress'), system(8, 1, 'done')], { wary: true, isNew: false });
  expect(await stored()).toEqual(['1.0 a', '1.s progress', '1.1 b', '1.s done']);
});

test('the limit of a build: refused with what is stored, one warning in the log, also by a new writer', async () => {
  const bytesMax = 2_000;
  await writer(bytesMax).append(1, 0, lines(...count(0, 10)));
  for (let tries = 0; tries < 3; tries++) {
    const full = { code: 'exhausted', reason: 'log_full', extra: { expectedOffset: 10, bytesMax } };
    await expect(writer(bytesMax).append(1, 10, lines('y'.repeat(2_000)))).rejects.toMatchObject(full);
  }
  expect((await stored()).filter((text) => text.includes('The log of this build is full'))).toHaveLength(1);
  expect(await writer(bytesMax).append(1, 9, lines('9'))).toMatchObject({ offset: 10, stored: 0 });
});

test('after an append whose end is not known it asks the stream again', async () => {
  let fail = false;
  const shaky = new Proxy(log, {
    get: (target, name: keyof Log) =>
      name === 'append' && fail
        ? async (...given: Parameters<Log['append']>) => {
            fail = false;
            await target.append(...given);
            throw new Error('connection lost after the commit');
          }
        : (target[name] as (...all: unknown[]) => unknown).bind(target),
  });
  const build = new BuildLog({ log: shaky, key, bytesMax: 2 ** 20, now: () => 0, repaired: () => undefined });
  await build.append(1, 0, lines('a'));
  fail = true;
  await expect(build.append(1, 1, lines('b'))).rejects.toThrow('connection lost');
  expect(await build.append(1, 1, lines('b', 'c'))).toMatchObject({ offset: 3, stored: 1 });
  expect(await stored()).toEqual(['1.0 a', '1.1 b', '1.2 c']);
});
