import { expect, test } from 'vitest';
import type { Tx } from '#kernel/db';
import { KeyUses } from './key-uses.ts';
import { authLimits } from './limits.ts';

/** A transaction that only notes what it was asked for. */
const noted: { text: string; values: readonly unknown[] }[] = [];
const tx = {
  query: (statement: { text: string; values: readonly unknown[] }) => {
    noted.push(statement);
    return Promise.resolve([]);
  },
} as unknown as Tx; // oxlint-disable-line typescript/no-unsafe-type-assertion -- all that is used of it
const write = (act: (given: Tx) => Promise<void>): Promise<void> => act(tx);
const asked = (what: string) => noted.find(({ text }) => text.includes(what))?.values;

const use = (status: number) => () => ({
  at: new Date(0),
  method: 'GET',
  route: '/v1/x',
  status,
  ms: 1,
  address: '10.0.0.1',
  requestId: 'r',
});

test('all calls are counted, a few are told whole, and failed ones find room when others took theirs', async () => {
  noted.length = 0;
  const uses = new KeyUses();
  let told = 0;
  const tell = (status: number) => () => {
    told += 1;
    return use(status)();
  };
  for (let i = 0; i < 1000; i++) uses.note('key_a', 200, tell(200));
  for (let i = 0; i < 100; i++) uses.note('key_a', 403, tell(403));
  uses.touched('key_b');
  await uses.flush(write);
  const { keyUsesKept, keyFailuresKept } = authLimits;
  expect(told).toBe(keyUsesKept + keyFailuresKept);
  expect(asked('touch_keys')).toEqual([
    ['key_a', 'key_b'],
    ['10.0.0.1', null],
  ]);
  expect(asked('add_key_hours')).toEqual([['key_a'], [1100], [100]]);
  expect(asked('insert_key_requests')?.[4]).toEqual([
    ...Array.from({ length: keyUsesKept }, () => 200),
    ...Array.from({ length: keyFailuresKept }, () => 403),
  ]);
  noted.length = 0;
  await uses.flush(write);
  expect(noted).toEqual([]);
});

test('what could not be written is counted the next time', async () => {
  noted.length = 0;
  const uses = new KeyUses();
  uses.note('key_a', 200, use(200));
  await expect(uses.flush(() => Promise.reject(new Error('the database is away')))).rejects.toThrow('away');
  uses.note('key_a', 500, use(500));
  await uses.flush(write);
  expect(asked('add_key_hours')).toEqual([['key_a'], [2], [1]]);
  expect(asked('touch_keys')).toEqual([['key_a'], ['10.0.0.1']]);
});
