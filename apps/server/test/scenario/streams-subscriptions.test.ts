/* Subscriptions over real sockets: wakes of webhooks and of workers that claim, their tokens, their refusals. */
import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { certificates } from '#test/certificates';
import { startServer, type TestServer } from '#test/server';
import { until } from '#test/until';
import { type Received, webhookReceiver } from '#test/webhook-receiver';

let server: TestServer;
let names = 0;

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

type Link = { path: string; link_type: string; acked_offset: string; tail_offset: string; has_pending: boolean };
type Shown = {
  id: string;
  streams: Link[];
  status: string;
  state: string;
  generation: number;
  failures?: number;
  last_error?: string;
};
type Claimed = { wake_id: string; generation: number; token: string; streams: Link[]; lease_ttl_ms: number };

const json = { 'content-type': 'application/json' };
const named = (kind: string): string => `${kind}${(names += 1)}`;
const sub = (id: string, rest = ''): string => `/v1/stream/__ds/subscriptions/${id}${rest}`;
const put = (id: string, body: object) =>
  server.ask(sub(id), { method: 'PUT', headers: json, body: JSON.stringify(body) });
const show = async (id: string): Promise<Shown> => (await server.ask<Shown>(sub(id))).body;
const append = async (path: string, value: unknown, method = 'POST'): Promise<string> => {
  const response = await server.call(`/v1/stream/${path}`, { method, headers: json, body: JSON.stringify(value) });
  expect(response.status).toBeLessThan(300);
  return response.headers.get('stream-next-offset') ?? '';
};
const say = (id: string, action: string, token: string | null, body: object) =>
  server.ask<{ ok?: boolean; next_wake?: boolean; error?: { code: string } }>(sub(id, `/${action}`), {
    key: token,
    json: body,
  });
const claim = (id: string, worker: string) =>
  server.ask<Claimed & { error?: { code: string; current_holder: string; generation: number } }>(sub(id, '/claim'), {
    json: { worker },
  });

async function isSigned({ raw, headers }: Received): Promise<boolean> {
  const { keys } = (await (await fetch(`${server.url}/v1/stream/__ds/jwks.json`)).json()) as {
    keys: { kid: string }[];
  };
  const [, t = '', kid, signature = ''] =
    /^t=(\d+),kid=([^,]+),ed25519=([A-Za-z0-9_-]+)$/.exec(String(headers['webhook-signature'])) ?? [];
  const key = keys.find((one) => one.kid === kid);
  if (!key) return false;
  const publicKey = createPublicKey({ key, format: 'jwk' });
  return verify(null, Buffer.from(`${t}.${raw}`), publicKey, Buffer.from(signature, 'base64url'));
}

test('a webhook is told within milliseconds, signed, and its done acks what it was told', async () => {
  await using receiver = await webhookReceiver(() => ({ json: { done: true } }));
  const id = named('done');
  expect((await put(id, { type: 'webhook', pattern: `${id}/*`, webhook: { url: receiver.url } })).status).toBe(201);
  const began = performance.now();
  const tail = await append(`${id}/a`, { n: 1 }, 'PUT');
  const got = await receiver.next();
  // Milliseconds on a quiet machine, and sooner than anything that comes by once a second.
  expect(got.at - began).toBeLessThan(950);
  expect(await isSigned(got)).toBe(true);
  expect(got.body).toMatchObject({
    subscription_id: id,
    generation: 1,
    callback_url: `${server.url}${sub(id, '/callback')}`,
    streams: [{ path: `${id}/a`, link_type: 'glob', acked_offset: '-1', tail_offset: tail, has_pending: true }],
  });
  await until(async () => (await show(id)).state === 'idle');
  expect((await show(id)).streams).toEqual([{ path: `${id}/a`, link_type: 'glob', acked_offset: tail }]);
  expect(receiver.received).toHaveLength(1);
});

test('what comes while a wake is worked on becomes the next wake', async () => {
  await using receiver = await webhookReceiver();
  const id = named('next');
  await put(id, { type: 'webhook', pattern: `${id}/**`, webhook: { url: receiver.url } });
  const first = await append(`${id}/a`, 1, 'PUT');
  const wake = (await receiver.next()).body as { wake_id: string; generation: number; callback_token: string };
  await append(`${id}/a`, 2);
  const body = {
    wake_id: wake.wake_id,
    generation: wake.generation,
    acks: [{ stream: `${id}/a`, offset: first }],
    done: true,
  };
  expect(await say(id, 'callback', wake.callback_token, body)).toMatchObject({
    status: 200,
    body: { ok: true, next_wake: true },
  });
  const again = (await receiver.next()).body as { generation: number; streams: Link[] };
  expect(again.generation).toBe(2);
  expect(again.streams[0]?.acked_offset).toBe(first);
  expect(await say(id, 'callback', wake.callback_token, body)).toMatchObject({
    status: 409,
    body: { error: { code: 'FENCED' } },
  });
});

test('pull-wake: an event in the wake stream, one holder, lease, ack, release', async () => {
  const id = named('pull');
  await server.call(`/v1/stream/${id}-wakes`, { method: 'PUT', headers: json, body: '[]' });
  await put(id, { type: 'pull-wake', streams: [`${id}/a`], wake_stream: `${id}-wakes`, lease_ttl_ms: 1000 });
  expect(await claim(id, 'w1')).toMatchObject({ status: 409, body: { error: { code: 'NO_PENDING_WORK' } } });
  const tail = await append(`${id}/a`, 'x', 'PUT');
  await until(async () => {
    const events = (await (await server.call(`/v1/stream/${id}-wakes`)).json()) as Record<string, unknown>[];
    return events.length === 1 && events[0]?.['subscription_id'] === id && events[0]['stream'] === `${id}/a`;
  });
  const { status, body: held } = await claim(id, 'w1');
  expect(status).toBe(200);
  expect(held).toMatchObject({
    generation: 1,
    lease_ttl_ms: 1000,
    streams: [{ tail_offset: tail, has_pending: true }],
  });
  expect((await claim(id, 'w2')).body.error).toMatchObject({
    code: 'ALREADY_CLAIMED',
    current_holder: 'w1',
    generation: 1,
  });
  const wakeOf = { wake_id: held.wake_id, generation: held.generation };
  expect((await say(id, 'ack', held.token, { ...wakeOf, acks: [{ stream: `${id}/a`, offset: tail }] })).body).toEqual({
    ok: true,
    next_wake: false,
  });
  await append(`${id}/a`, 'y');
  expect((await server.call(sub(id, '/release'), { key: held.token, json: wakeOf })).status).toBe(204);
  const next = await claim(id, 'w2');
  expect(next.body.generation).toBe(2);
  expect((await say(id, 'ack', held.token, { ...wakeOf, done: true })).body.error?.code).toBe('FENCED');
});

describe('a webhook that does not do well', () => {
  /** A subscription to one stream, woken; what the receiver got first. */
  async function woken(receiver: { url: string; next(): Promise<Received> }, more: object = {}) {
    const id = named('bad');
    const made = await put(id, {
      type: 'webhook',
      streams: [`${id}/a`],
      webhook: { url: receiver.url },
      lease_ttl_ms: 1000,
      ...more,
    });
    expect(made.status).toBe(201);
    const tail = await append(`${id}/a`, 1, 'PUT');
    return { id, tail };
  }

  test('500, then nobody there, then well: tried again after a second, shown as failed meanwhile', async () => {
    await using receiver = await webhookReceiver(() => ({ status: 500, text: 'no' }));
    const { id, tail } = await woken(receiver);
    const first = await receiver.next();
    await until(async () => (await show(id)).failures === 1);
    expect(await show(id)).toMatchObject({
      status: 'failed',
      state: 'waking',
      generation: 1,
      last_error: 'The webhook answered 500.',
    });
    receiver.answer = () => 'cut';
    const second = await receiver.next();
    expect(second.at - first.at).toBeGreaterThan(780);
    // A second on a quiet machine; a minute is the longest it may grow to.
    expect(second.at - first.at).toBeLessThan(15_000);
    expect(second.body['wake_id']).toBe(first.body['wake_id']);
    // Signed anew: an old signature would be too old for a careful receiver one day.
    expect(await isSigned(second)).toBe(true);
    receiver.answer = () => ({ json: { done: true } });
    const third = await receiver.next();
    expect(third.at - second.at).toBeGreaterThan(1500);
    await until(async () => (await show(id)).state === 'idle');
    expect(await show(id)).toMatchObject({ status: 'active', streams: [{ acked_offset: tail }] });
    expect(receiver.received).toHaveLength(3);
  });

  test('an HTML page is a 2xx: the lease stands, and its end wakes again', async () => {
    await using receiver = await webhookReceiver(() => ({ text: '<html>done</html>' }));
    const { id } = await woken(receiver);
    const first = (await receiver.next()).body as { callback_token: string; wake_id: string };
    await until(async () => (await show(id)).state === 'leased');
    receiver.answer = () => ({ json: { done: true } });
    const second = await receiver.next();
    expect(second.body['generation']).toBe(2);
    await until(async () => (await show(id)).state === 'idle');
    expect(await say(id, 'callback', first.callback_token, { wake_id: first.wake_id, generation: 1 })).toMatchObject({
      status: 409,
      body: { error: { code: 'FENCED' } },
    });
  });

  test('a redirect is not followed', async () => {
    await using secret = await webhookReceiver();
    await using receiver = await webhookReceiver(() => ({ status: 307, headers: { location: secret.url } }));
    const { id } = await woken(receiver);
    await receiver.next();
    await until(async () => (await show(id)).status === 'failed');
    expect((await show(id)).last_error).toBe('The webhook answered 307.');
    expect(secret.received).toEqual([]);
  });

  test('an endless answer, and a certificate nobody vouches for', async () => {
    await using endless = await webhookReceiver(() => (response) => {
      response.writeHead(200);
      const more = (): void => void (response.destroyed || response.write('x'.repeat(16_384), more));
      more();
    });
    const { id } = await woken(endless);
    await until(async () => (await show(id)).status === 'failed');
    expect((await show(id)).last_error).toContain('longer than 65536 bytes');
    await using tls = await webhookReceiver(undefined, certificates.first);
    const { id: other } = await woken({ ...tls, url: tls.url.replace('127.0.0.1', 'localhost') });
    await until(async () => (await show(other)).status === 'failed');
    expect((await show(other)).last_error).toContain('cannot be trusted');
    expect(tls.received).toEqual([]);
  });

  test('one that never answers is given up after ten seconds; a callback meanwhile counts', async () => {
    await using receiver = await webhookReceiver(() => 'hang');
    const { id, tail } = await woken(receiver, { lease_ttl_ms: 60_000 });
    const { body } = await receiver.next();
    const wakeOf = { wake_id: body['wake_id'], generation: 1 };
    const token = String(body['callback_token']);
    expect(await say(id, 'callback', token, wakeOf)).toMatchObject({ body: { ok: true } });
    expect(await show(id)).toMatchObject({ state: 'leased', status: 'active' });
    await until(() => receiver.gone() === 1, { withinMs: 15_000, everyMs: 100 });
    // It called back, so it has the wake, whatever became of its answer.
    expect(await show(id)).toMatchObject({ state: 'leased', status: 'active', generation: 1 });
    await say(id, 'callback', token, { ...wakeOf, acks: [{ stream: `${id}/a`, offset: tail }], done: true });
    expect(await show(id)).toMatchObject({ state: 'idle' });
    expect(receiver.received).toHaveLength(1);
  });
});

describe('what is refused', () => {
  const code = async (work: Promise<{ status: number; body: unknown }>): Promise<string> => {
    const { status, body } = await work;
    return `${status} ${(body as { error?: { code: string } }).error?.code ?? ''}`;
  };

  test('addresses this server does not call', async () => {
    for (const url of [
      'https://10.0.0.1/',
      'http://169.254.169.254/latest',
      'https://[::ffff:10.0.0.1]/',
      'https://2886729729/',
      'http://93.184.216.34/',
      'ftp://127.0.0.1/',
      'https://me:pw@127.0.0.1/',
      'nonsense',
    ])
      expect(await code(put(named('no'), { type: 'webhook', pattern: 'a/*', webhook: { url } })), url).toBe(
        '400 WEBHOOK_URL_REJECTED',
      );
  });

  test('bodies that are no subscription', async () => {
    const url = 'http://127.0.0.1:9/';
    const wrong = [
      {},
      { type: 'mail', pattern: 'a' },
      { type: 'webhook', webhook: { url } },
      { type: 'webhook', pattern: 'a/*' },
      { type: 'webhook', pattern: 'a/*', webhook: { url }, wake_stream: 'w' },
      { type: 'pull-wake', pattern: 'a/*' },
      { type: 'pull-wake', pattern: 'a/*', wake_stream: 'w', webhook: { url } },
      { type: 'pull-wake', pattern: 'a*', wake_stream: 'w' },
      { type: 'pull-wake', pattern: 'a//b', wake_stream: 'w' },
      { type: 'pull-wake', streams: ['a/*'], wake_stream: 'w' },
      { type: 'pull-wake', streams: ['__ds/x'], wake_stream: 'w' },
      { type: 'pull-wake', pattern: 'a', wake_stream: 'w', lease_ttl_ms: 999 },
      { type: 'pull-wake', pattern: 'a', wake_stream: 'w', lease_ttl_ms: 600_001 },
      { type: 'pull-wake', pattern: 'a', wake_stream: 'w', lease_ttl_ms: 1500.5 },
      { type: 'pull-wake', pattern: 'a', wake_stream: 'w', leaseTtlMs: 1500 },
    ];
    for (const body of wrong)
      expect(await code(put(named('no'), body)), JSON.stringify(body)).toBe('400 INVALID_REQUEST');
    const id = named('no');
    for (const body of ['{', '[]', '"x"', 'null'])
      expect(await code(server.ask(sub(id), { method: 'PUT', headers: json, body })), body).toBe('400 INVALID_REQUEST');
    expect((await server.call(sub(id, '/other'), { method: 'POST' })).status).toBe(404);
    expect((await server.call(sub(id), { method: 'POST' })).status).toBe(405);
    expect(await code(server.ask(sub(id)))).toBe('404 SUBSCRIPTION_NOT_FOUND');
    expect((await server.call(sub(id), { method: 'DELETE' })).status).toBe(204);
  });

  test('the same name with another configuration; the same again in another order', async () => {
    const id = named('twice');
    const body = { type: 'pull-wake', streams: ['b', 'a', 'b'], wake_stream: 'w', lease_ttl_ms: 30_000 };
    expect((await put(id, body)).status).toBe(201);
    expect((await put(id, { wake_stream: '/w', streams: ['a', '/b/'], type: 'pull-wake' })).status).toBe(200);
    expect(await code(put(id, { ...body, lease_ttl_ms: 30_001 }))).toBe('409 SUBSCRIPTION_ALREADY_EXISTS');
    expect(await code(put(id, { ...body, description: 'x' }))).toBe('409 SUBSCRIPTION_ALREADY_EXISTS');
  });

  test('acks: unknown stream, backwards, past the tail; all or nothing', async () => {
    const id = named('acks');
    await put(id, { type: 'pull-wake', streams: [`${id}/a`, `${id}/b`], wake_stream: 'w' });
    const first = await append(`${id}/a`, 1, 'PUT');
    const second = await append(`${id}/a`, 2);
    await append(`${id}/b`, 1, 'PUT');
    const { body: held } = await claim(id, 'w');
    const ack = (...acks: { stream: string; offset: string }[]) =>
      code(say(id, 'ack', held.token, { wake_id: held.wake_id, generation: held.generation, acks }));
    const past = `${second.slice(0, 17)}0000000000000099`;
    expect(await ack({ stream: `${id}/a`, offset: second }, { stream: `${id}/c`, offset: second })).toBe(
      '409 INVALID_OFFSET',
    );
    expect(await ack({ stream: `${id}/a`, offset: second }, { stream: `${id}/b`, offset: past })).toBe(
      '409 INVALID_OFFSET',
    );
    expect((await show(id)).streams.map(({ acked_offset }) => acked_offset)).toEqual(['-1', '-1']);
    expect(await ack({ stream: `${id}/a`, offset: second })).toBe('200 ');
    expect(await ack({ stream: `${id}/a`, offset: first })).toBe('409 INVALID_OFFSET');
    expect(await ack({ stream: `${id}/a`, offset: '-1' })).toBe('409 INVALID_OFFSET');
    expect(await ack({ stream: `${id}/a`, offset: 'x' })).toBe('400 INVALID_REQUEST');
    expect(await ack({ stream: `${id}/a`, offset: second })).toBe('200 ');
  });

  test('tokens: none, forged, of another subscription, of one that is gone', async () => {
    const [one, two] = [named('tok'), named('tok')];
    for (const id of [one, two]) {
      await put(id, { type: 'pull-wake', streams: [`${id}/a`], wake_stream: 'w' });
      await append(`${id}/a`, 1, 'PUT');
    }
    const { body: held } = await claim(one, 'w');
    const { body: other } = await claim(two, 'w');
    const wakeOf = { wake_id: held.wake_id, generation: held.generation, done: true };
    for (const token of [null, other.token, `${held.token}x`, held.token.replace('_1_', '_2_'), server.key])
      expect(await code(say(one, 'ack', token, wakeOf)), String(token)).toBe('401 TOKEN_INVALID');
    expect(await code(say(one, 'ack', held.token, { ...wakeOf, wake_id: other.wake_id }))).toBe('409 FENCED');
    await server.call(sub(one), { method: 'DELETE' });
    for (const action of ['ack', 'callback', 'release'])
      expect(await code(say(one, action, held.token, wakeOf))).toBe('404 SUBSCRIPTION_NOT_FOUND');
    expect(await code(claim(one, 'w'))).toBe('404 SUBSCRIPTION_NOT_FOUND');
  });

  test('credentials: none is 401, too little is 403, another area does not see rooms', async () => {
    expect(await code(server.ask(sub('x'), { key: null }))).toBe('401 NO_CREDENTIAL');
    const reader = await server.makeKey('streams:read');
    expect(await code(server.ask(sub('x'), { key: reader.secret }))).toBe('403 SCOPE_MISSING');
    const operator = await server.makeKey('streams:operate');
    const body = { type: 'pull-wake', pattern: 'builds/**', wake_stream: 'w' };
    const made = server.ask(sub(named('room')), {
      method: 'PUT',
      key: operator.secret,
      headers: json,
      body: JSON.stringify(body),
    });
    expect(await code(made)).toBe('403 SCOPE_MISSING');
    expect((await put(named('room'), body)).status).toBe(201);
    expect((await put(named('room'), { ...body, pattern: 'a', wake_stream: 'builds/x' })).status).toBe(403);
  });
});

describe('streams come and go', () => {
  test('what exists is linked at its tail, what comes later from its first message', async () => {
    const id = named('link');
    const there = await append(`${id}/there`, 1, 'PUT');
    await put(id, { type: 'pull-wake', pattern: `${id}/**`, wake_stream: `${id}-w` });
    expect((await claim(id, 'w')).status).toBe(409);
    await append(`${id}/new/one`, 1, 'PUT');
    await server.call(`/v1/stream/${id}/empty`, { method: 'PUT', headers: json });
    const { body } = await claim(id, 'w');
    expect(body.streams).toMatchObject([
      { path: `${id}/new/one`, acked_offset: '-1', has_pending: true },
      { path: `${id}/there`, acked_offset: there, has_pending: false },
    ]);
    await append(`${id}/empty`, 1);
    await until(async () =>
      (await show(id)).streams.some(({ path, acked_offset }) => path === `${id}/empty` && acked_offset === '-1'),
    );
  });

  test('a stream that is removed wakes nobody; made anew it is new', async () => {
    await using receiver = await webhookReceiver(() => ({ status: 503 }));
    const id = named('gone');
    await put(id, { type: 'webhook', pattern: `${id}/*`, webhook: { url: receiver.url } });
    await append(`${id}/a`, 1, 'PUT');
    await receiver.next();
    await server.call(`/v1/stream/${id}/a`, { method: 'DELETE' });
    await until(async () => (await show(id)).state === 'idle');
    expect((await show(id)).streams).toEqual([]);
    // Until it was removed, the first one may have been told again.
    const before = receiver.received.length;
    receiver.answer = () => ({ json: { done: true } });
    const told = (): unknown => receiver.received.slice(before).at(-1)?.body['streams'];
    const tail = await append(`${id}/a`, 2, 'PUT');
    await until(() => told() !== undefined);
    expect(told()).toMatchObject([{ acked_offset: '-1', tail_offset: tail }]);
    await until(async () => (await show(id)).state === 'idle');
    // Linked by name it stays, and begins anew with the stream.
    await server.call(sub(id, '/streams'), { json: { streams: [`${id}/a`] } });
    await server.call(`/v1/stream/${id}/a`, { method: 'DELETE' });
    const heard = receiver.received.length;
    const third = await append(`${id}/a`, 3, 'PUT');
    await until(() => receiver.received.length > heard);
    expect(told()).toMatchObject([{ acked_offset: '-1', tail_offset: third }]);
  });

  test('links by name: added at the tail, taken back, kept by the pattern', async () => {
    const id = named('names');
    await append(`${id}/a`, 1, 'PUT');
    await put(id, { type: 'pull-wake', pattern: `${id}/*`, wake_stream: 'w' });
    const links = async () => (await show(id)).streams.map(({ path, link_type }) => [path, link_type]);
    const add = (...streams: string[]) => server.call(sub(id, '/streams'), { json: { streams } });
    expect((await add(`${id}/a`, `/${id}-other/b/`)).status).toBe(204);
    expect((await add(`${id}/a`)).status).toBe(204);
    expect(await links()).toEqual([
      [`${id}-other/b`, 'explicit'],
      [`${id}/a`, 'explicit'],
    ]);
    const take = (path: string) => server.call(sub(id, `/streams/${encodeURIComponent(path)}`), { method: 'DELETE' });
    expect((await take(`${id}/a`)).status).toBe(204);
    expect((await take(`${id}-other/b`)).status).toBe(204);
    expect((await take(`${id}-other/b`)).status).toBe(204);
    expect(await links()).toEqual([[`${id}/a`, 'glob']]);
  });

  test('a wake stream that is not there yet: shown as failed, and the wake comes when it is', async () => {
    const id = named('late');
    await put(id, { type: 'pull-wake', pattern: `${id}/*`, wake_stream: `${id}/wakes` });
    await append(`${id}/a`, 1, 'PUT');
    await until(async () => (await show(id)).status === 'failed');
    await server.call(`/v1/stream/${id}/wakes`, { method: 'PUT', headers: json, body: '[]' });
    const events = async (): Promise<unknown[]> =>
      (await (await server.call(`/v1/stream/${id}/wakes`)).json()) as unknown[];
    await until(async () => (await events()).length === 1);
    await until(async () => (await show(id)).status === 'active');
    // Its own wake stream is inside its pattern and wakes it not.
    const { body } = await claim(id, 'w');
    expect(body.streams.map(({ path }) => path)).toEqual([`${id}/a`]);
  });

  test('a fork begins just before its own first append', async () => {
    const id = named('fork');
    const source = await append(`${id}-source`, [1, 2, 3], 'PUT');
    await put(id, { type: 'pull-wake', pattern: `${id}/*`, wake_stream: 'w' });
    await server.call(`/v1/stream/${id}/child`, {
      method: 'PUT',
      headers: { ...json, 'stream-forked-from': `${id}-source` },
    });
    await append(`${id}/child`, 4);
    const { body } = await claim(id, 'w');
    const [link] = body.streams;
    expect(link?.acked_offset.slice(17)).toBe(source.slice(17));
    const page = await server.call(`/v1/stream/${id}/child?offset=${link?.acked_offset}`);
    expect(await page.json()).toEqual([4]);
  });
});

test('limits: subscriptions of a project, links of one', async () => {
  await using small = await startServer({
    env: { MUSTER_STREAMS_SUBSCRIPTIONS_MAX: '2', MUSTER_STREAMS_SUBSCRIPTION_LINKS_MAX: '2' },
  });
  const make = (id: string, body: object) =>
    small.ask<{ reason?: string }>(sub(id), {
      method: 'PUT',
      headers: json,
      body: JSON.stringify({ type: 'pull-wake', wake_stream: 'w', ...body }),
    });
  const add = (path: string) => small.call(`/v1/stream/${path}`, { method: 'PUT', headers: json, body: '1' });
  expect(await make('a', { streams: ['1', '2', '3'] })).toMatchObject({ status: 429, body: { reason: 'links_max' } });
  expect((await make('a', { pattern: 'p/*' })).status).toBe(201);
  for (const path of ['p/1', 'p/2', 'p/3']) await add(path);
  const shown = async () => (await small.ask<Shown & { overflowed_at?: string }>(sub('a'))).body;
  await until(async () => (await shown()).overflowed_at !== undefined);
  expect(await shown()).toMatchObject({ status: 'failed', streams: [{ path: 'p/1' }, { path: 'p/2' }] });
  expect(await make('b', { pattern: 'p/*' })).toMatchObject({ status: 429, body: { reason: 'links_max' } });
  expect((await small.ask<{ reason: string }>(sub('a', '/streams'), { json: { streams: ['x'] } })).body.reason).toBe(
    'links_max',
  );
  expect((await make('b', { streams: ['1'] })).status).toBe(201);
  expect(await make('c', { streams: ['1'] })).toMatchObject({ status: 429, body: { reason: 'subscriptions_max' } });
});
