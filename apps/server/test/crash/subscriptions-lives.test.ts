/*
 * Lives of a server with subscriptions under load, each ended by `kill -9` at a named point of a wake or at a random moment.
 * Whatever was appended and acknowledged must have been told and acked in the end, and no wake may be announced twice.
 *
 * TEST_LIVES sets how many lives; TEST_SEED repeats a run's choice of deaths.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { testDatabase } from '#test/database';
import { until } from '#test/until';
import { webhookReceiver } from '#test/webhook-receiver';
import { type Death, Lives } from './support/lives.ts';
import { SubscriptionLoad } from './support/subscription-load.ts';

const lives = Number(process.env['TEST_LIVES'] ?? 6);
const seed = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const points = ['subscription.noticed', 'subscription.told', 'subscription.announced', 'subscription.acked'];
const streams = ['load/a', 'load/b', 'load/c'];

it(`${lives} lives: every append is told, no wake is lost or announced twice`, {
  timeout: 120_000 + lives * 20_000,
}, async () => {
  const random = lcg(seed);
  const folder = await mkdtemp(join(tmpdir(), 'muster-subscriptions-'));
  try {
    await using database = await testDatabase();
    await using server = await Lives.in(join(folder, 'data'), { DATABASE_URL: database.url });
    await server.begin();
    const load = new SubscriptionLoad(server.url, await server.key(), random);
    await using receiver = await webhookReceiver(load.answer);
    await load.ask('wakes', { method: 'PUT', body: '[]' });
    for (const [id, more] of [
      ['hook', { type: 'webhook', webhook: { url: receiver.url } }],
      ['pull', { type: 'pull-wake', wake_stream: 'wakes' }],
    ] as const) {
      const body = JSON.stringify({ ...more, pattern: 'load/*', lease_ttl_ms: 1000 });
      expect((await load.ask(`__ds/subscriptions/${id}`, { method: 'PUT', body }))?.status).toBe(201);
    }
    load.start(streams);
    while (server.count <= lives) {
      const before = receiver.received.length;
      const enough = 3 + Math.floor(random() * 10);
      await until(() => server.over || receiver.received.length >= before + enough, { withinMs: 60_000 });
      await server.kill();
      await server.begin(server.count === lives ? 'kill' : nextDeath(random));
    }

    await load.stop();
    const calm = async (id: string): Promise<boolean> => {
      const shown = await load.show(id);
      return shown?.state === 'idle' && streams.every((path) => isAcked(shown.streams, path, load.stored.get(path)));
    };
    await until(
      async () => {
        await load.claim();
        return (await calm('hook')) && (await calm('pull'));
      },
      { withinMs: 60_000, everyMs: 100 },
    );
    expect(load.wrongs).toEqual([]);
    for (const path of streams) {
      expect(load.stored.has(path)).toBe(true);
      // An append whose answer died with the server may be there all the same.
      const [told = '', stored = 'none'] = [load.told.get(path), load.stored.get(path)];
      expect(told >= stored, `${path} was told to its end`).toBe(true);
    }
    const generations = await announced(load);
    expect(generations.length).toBeGreaterThan(0);
    expect(new Set(generations).size, 'a wake was announced twice').toBe(generations.length);
    expect([...generations].sort((a, b) => a - b)).toEqual(generations);
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

const isAcked = (links: readonly { path: string; acked_offset: string }[], path: string, offset = ''): boolean =>
  links.some((link) => link.path === path && link.acked_offset >= offset);

/** Generations of all events in the wake stream, in order. */
async function announced(load: SubscriptionLoad): Promise<number[]> {
  const generations: number[] = [];
  for (let offset = '-1'; ; ) {
    const page = await load.ask(`wakes?offset=${offset}`);
    if (!page) throw new Error('the wake stream cannot be read');
    generations.push(...((await page.json()) as { generation: number }[]).map(({ generation }) => generation));
    if (page.headers.get('stream-up-to-date') === 'true') return generations;
    offset = page.headers.get('stream-next-offset') ?? '';
  }
}

function nextDeath(random: () => number): Death {
  const point = points[Math.floor(random() * (points.length + 1))];
  return point === undefined ? 'kill' : { point, nth: 1 + Math.floor(random() * 8) };
}

/** Numbers that repeat for a seed (Numerical Recipes' linear congruential generator). */
function lcg(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
