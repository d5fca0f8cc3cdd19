/* How long an event stream lasts over real sockets: its own time, and that of the token it was opened with (streams §6, §10). */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '#kernel/base';
import { startServer, type TestServer } from '#test/server';
import { until } from '#test/until';

const minute = 60_000;
let ahead = 0;
const clock = {
  ...systemClock,
  now: () => systemClock.now() + ahead,
  monotonic: () => systemClock.monotonic() + ahead,
};
let server: TestServer;
beforeAll(async () => {
  server = await startServer({ options: { clock } });
  for (const path of ['ends/one', 'open/one']) await append(path, 'PUT', 'hello');
  await server.ask('/v1/stream-settings', { method: 'PUT', json: { publicRead: ['open/**'] } });
});
afterAll(() => server[Symbol.asyncDispose]());

const append = async (path: string, method: string, body: string): Promise<void> => {
  const said = await server.call(`/v1/stream/${path}`, { method, headers: { 'content-type': 'text/plain' }, body });
  expect(said.ok).toBe(true);
};

async function follow(path: string, query: string, key: string | null, from = '-1') {
  const answer = await server.call(`/v1/stream/${path}?offset=${from}&live=sse${query}`, { key });
  let [text, over] = ['', false];
  const reading = (async () => {
    for await (const chunk of answer.body ?? []) text += Buffer.from(chunk).toString();
    over = true;
  })();
  const comments = (): number => text.split('\n').filter((line) => line === ':').length;
  return { status: answer.status, text: () => text, over: () => over, comments, reading };
}
type Followed = Awaited<ReturnType<typeof follow>>;

/** Time has gone by, and each of these was looked at since: whoever was silent for so long says a comment then. */
async function passTo(ms: number, lasting: readonly Followed[]): Promise<void> {
  const before = lasting.map(({ comments }) => comments());
  ahead = ms;
  await until(() => lasting.every(({ comments }, n) => comments() > (before[n] ?? 0)));
  expect(lasting.map(({ over }) => over())).toEqual(lasting.map(() => false));
}

test('a public one after a minute, one with a token when that ends, a private one after a quarter of an hour', async () => {
  const key = await server.makeKey('streams:operate');
  const mint = async (ttlMs: number): Promise<string> => {
    const json = { paths: ['ends/**'], operations: ['read'], ttlMs };
    return (await server.ask<{ token: string }>('/v1/stream-tokens', { json, key: key.secret })).body.token;
  };
  const token = await mint(5 * minute);
  const open = await follow('open/one', '', null);
  const own = await follow('ends/one', '', server.key);
  const lent = await follow('ends/one', `&token=${token}`, null);
  expect([open, own, lent].map(({ status }) => status)).toEqual([200, 200, 200]);
  await until(() => [open, own, lent].every(({ text }) => text().includes('upToDate')));

  await passTo(52_000, [open, own, lent]);
  await passTo(67_000, [own, lent]);
  await open.reading;
  // The token's last minutes: it still gets what comes.
  await passTo(4.8 * minute, [own, lent]);
  await append('ends/one', 'POST', 'again');
  await until(() => lent.text().includes('data:again'));
  await passTo(5.1 * minute, [own]);
  await lent.reading;
  await passTo(13.4 * minute, [own]);
  ahead = 16.6 * minute;
  await own.reading;

  // Each ended right behind a control event, and whoever comes back with its offset misses nothing.
  for (const { text } of [open, own, lent])
    expect(text().replaceAll(':\n\n', '')).toMatch(/\nevent: control\ndata:\{[^}]*"upToDate":true\}\nid: [\d_]+\n\n$/);
  const last = [...lent.text().matchAll(/^id: (\S+)$/gm)].at(-1)?.[1] ?? '';
  const refused = await server.ask<{ reason: string }>(`/v1/stream/ends/one?offset=${last}&live=sse&token=${token}`, {
    key: null,
  });
  expect([refused.status, refused.body.reason]).toEqual([401, 'expired_credential']);
  await append('ends/one', 'POST', 'and more');
  const next = await follow('ends/one', `&token=${await mint(minute)}`, null, last);
  await until(() => next.text().includes('upToDate'));
  expect(next.text()).toMatch(/^event: data\ndata:and more\n\n/);
  ahead += 2 * minute;
  await next.reading;
});
