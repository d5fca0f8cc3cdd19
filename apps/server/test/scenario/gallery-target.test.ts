/* A FloImg gallery named by the settings, from the first start on: looked at, answered for, lived on, left. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FakeFloImg, fakeFloImg } from '#test/fake-floimg';
import { startServer, type TestServer } from '#test/server';
import { until } from '#test/until';

type Bot = {
  id: string;
  state: string;
  provision: { state: string; detail: string | null; userId: string | null };
  waiting: { reason: string } | null;
};

let fake: FakeFloImg;
let server: TestServer;
beforeAll(async () => {
  fake = await fakeFloImg();
  server = await startServer({
    env: {
      FLOIMG_API_URL: fake.url,
      FLOIMG_SERVICE_TOKEN: fake.token,
      MUSTER_GALLERY_ACK_HOST: new URL(fake.url).host,
    },
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what it expects to read
const ask = <T = Record<string, unknown>>(path: string, json?: unknown, method?: string) =>
  server.ask<T>(`/v1/gallery${path}`, {
    ...(json === undefined ? {} : { json }),
    ...(method === undefined ? {} : { method }),
  });
const makeBot = async (username: string, more: object = {}) => {
  const made = await ask<Bot>('/bots', { name: `Bot ${username}`, username, targetId: 'floimg', ...more });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return made.body.id;
};
const bot = async (id: string) => (await ask<Bot>(`/bots/${id}`)).body;

describe('a gallery of the settings', () => {
  test('is there, answered for by its host, and well', async () => {
    await until(async () => (await ask('/targets/floimg')).status === 200);
    const { body } = await ask('/targets/floimg');
    expect(body).toMatchObject({
      kind: 'floimg',
      baseUrl: fake.url,
      tokenSet: true,
      acknowledgement: { host: new URL(fake.url).host },
    });
    expect(JSON.stringify(body)).not.toContain(fake.token);
    expect((await ask('/targets/floimg/check', {})).body).toMatchObject({ ok: true });
  });

  test('bots get accounts there as what they are, and are gone when they are purged', async () => {
    const id = await makeBot('fog_caller');
    await until(async () => (await bot(id)).provision.state === 'done');
    const invited = fake.requests.find(({ path }) => path === '/api/admin/users/invite');
    expect(invited?.body).toMatchObject({ username: 'fog_caller', isAgent: true });
    expect((await bot(id)).provision.userId).toBe(fake.accounts.find(({ username }) => username === 'fog_caller')?.id);
    expect((await ask(`/bots/${id}`, undefined, 'DELETE')).status).toBeLessThan(300);
    fake.faults.push({ kind: '503', method: 'DELETE' });
    await ask(`/bots/${id}/purge`, {});
    await until(async () => ((await bot(id)).provision.detail ?? '').includes('target_unreachable'), {
      withinMs: 30_000,
    });
    expect((await bot(id)).provision.state).toBe('removing');
    fake.faults.length = 0;
    expect(fake.accounts.map(({ username }) => username)).toContain('fog_caller');
  }, 60_000);

  test('a username that is taken there is said', async () => {
    fake.person('ada_there');
    const id = await makeBot('ada_there');
    await until(async () => (await bot(id)).provision.state === 'failed');
    expect((await bot(id)).provision.detail).toContain('is taken');
  });

  test('they act there under their own names and with a key', async () => {
    fake.personPosts(fake.person('mira'), 'A lamp over wet slate');
    const id = await makeBot('slate_reader', {
      start: true,
      odds: { post: 0, comment: 0, reply: 0, like: 1, browse: 0 },
    });
    await until(async () => (await bot(id)).state === 'running');
    await ask(`/bots/${id}/wake`, {});
    await until(() => fake.items.some(({ likes }) => likes.size > 0), { withinMs: 40_000 });
    const like = fake.requests.find(({ path }) => path.endsWith('/like'));
    expect(like?.headers).toMatchObject({
      'x-agent-id': 'slate_reader',
      'user-agent': expect.stringMatching(/^Muster\/\S+ \(gallery bots\)$/),
    });
    expect(like?.headers['idempotency-key']).toMatch(/^act_/);
  }, 60_000);

  test('the kill switch of the target holds everybody until a person opens it', async () => {
    const id = await makeBot('held_back', { start: true, odds: { post: 0, comment: 1, reply: 0, like: 1, browse: 0 } });
    await until(async () => (await bot(id)).state === 'running');
    fake.faults.push({ kind: 'fleetPaused', method: 'POST' });
    await ask(`/bots/${id}/wake`, {});
    await until(
      async () => {
        const { gate } = (await ask<{ gate: { state: string } }>('/targets/floimg')).body;
        return gate.state === 'held';
      },
      { withinMs: 40_000 },
    );
    expect((await ask<{ gate: { reason: string } }>('/targets/floimg')).body.gate.reason).toBe('target_fleet_paused');
    expect(await bot(id)).toMatchObject({ state: 'paused', waiting: { reason: 'target_fleet_paused' } });
    fake.faults.length = 0;
    expect((await ask('/targets/floimg/open', {})).body).toMatchObject({ gate: { state: 'open' } });
    await until(async () => (await bot(id)).state === 'running');
  }, 90_000);
});
