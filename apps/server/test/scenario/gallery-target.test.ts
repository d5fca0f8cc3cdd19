import { expect, test } from 'vitest';
import { startServer } from '#test/server';
test('starts', async () => {
  await using server = await startServer();
  const { status, body } = await server.ask('/v1/gallery/targets');
  console.log(status, JSON.stringify(body));
  expect(status).toBe(200);
});
