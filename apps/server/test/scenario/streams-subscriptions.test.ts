/* Subscriptions over real sockets: wakes of webhooks and of workers that claim, their tokens, their refusals. */
import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
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
  const publicKey = createPublicKey({ key: key as never, format: 'jwk' });
  return verify(null, Buffer.from(`${t}.${raw}`), publicKey, Buffer.from(signature, 'base64url'));
}

test('a webhook is told within milliseconds, signed, and its done acks what it was told', async () => {
  await using receiver = await webhookReceiver(() => ({ json: { done: true } }));
  const id = named('done');
  expect((await put(id, { type: 'webhook', pattern: `${id}/*`, webhook: { url: receiver.url } })).status).toBe(201);
  const began = performance.now();
  const tail = await append(`${id}/a`, { n: 1 }, 'PUT');
  const got = await receiver.next();
  expect(got.at - began).toBeLessThan(500);
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
