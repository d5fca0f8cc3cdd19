import { afterAll, expect, test } from 'vitest';
import { testDatabase } from '#test/database';
import { startServer } from '#test/server';

const database = await testDatabase();
afterAll(() => database[Symbol.asyncDispose]());

const [first, second, third] = ['first', 'second', 'third'].map((word) => word.padEnd(40, '.')) as [
  string,
  string,
  string,
];

async function healthWith(secret: string, previous?: string): Promise<unknown> {
  const env = { MUSTER_SECRET: secret, ...(previous === undefined ? {} : { MUSTER_SECRET_PREVIOUS: previous }) };
  await using server = await startServer({ database, env });
  const { body } = await server.ask<{ status: string; secrets?: string }>('/health', { key: null });
  return [body.status, body.secrets];
}

test('after a change of the secret the former one may go; a foreign one is told and changes nothing', async () => {
  expect(await healthWith(first)).toEqual(['ok', undefined]);
  expect(await healthWith(second)).toEqual(['degraded', 'unreadable']);
  expect(await healthWith(second, first)).toEqual(['ok', undefined]);
  expect(await healthWith(second)).toEqual(['ok', undefined]);
  expect(await healthWith(first)).toEqual(['degraded', 'unreadable']);
  expect(await healthWith(third, second)).toEqual(['ok', undefined]);
});
