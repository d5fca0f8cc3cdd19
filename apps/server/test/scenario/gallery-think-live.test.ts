import { expect, test } from 'vitest';
import { startServer } from '#test/server';
import { until } from '#test/until';

type Task = { id: string; state: string; error?: unknown };

test('a server lets a drawn fleet live an hour: it posts, likes, comments and replies, and the feed tells it in order', {
  timeout: 300_000,
}, async () => {
  await using server = await startServer();
  const task = await server.ask<Task>('/v1/gallery/sim', { json: { count: 20, hours: 1, seed: 3 } });
  expect(task.status).toBe(202);
  const now = async (): Promise<Task> => (await server.ask<Task>(`/v1/gallery/tasks/${task.body.id}`)).body;
  await until(async () => !['queued', 'running'].includes((await now()).state), { withinMs: 280_000, everyMs: 250 });
  expect(await now()).toMatchObject({ state: 'done' });
  const { body } = await server.ask<{ items: { id: string; type: string; seq: number; message: string }[] }>(
    '/v1/gallery/activity?limit=200',
  );
  const types = new Set(body.items.map(({ type }) => type));
  for (const type of ['thought', 'post', 'like', 'comment', 'browse']) expect(types).toContain(type);
  expect(new Set(body.items.map(({ id }) => id)).size).toBe(body.items.length);
  expect(server.logs.filter(({ level }) => level === 'error')).toEqual([]);
});
