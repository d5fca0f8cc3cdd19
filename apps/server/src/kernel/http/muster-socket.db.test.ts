import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { createSecrets } from '#config';
import { createAuth, defaultProjectId, type Principal, systemPrincipal } from '#kernel/auth';
import { conflict, FakeClock, forbidden, systemClock } from '#kernel/base';
import { inProcessBus } from '#kernel/bus';
import { loneMetrics, silentLogger } from '#kernel/telemetry';
import { certificates } from '#test/certificates';
import { testDatabase } from '#test/database';
import { type OpenSocketOptions, openSocket, RefusedUpgrade, type TestSocket } from '#test/muster-socket';
import { until } from '#test/until';
import { frameHead } from './frame-bytes.ts';
import { createHttp, type Http, type HttpOptions, later, type Subscription } from './index.ts';

const database = await testDatabase();
const { db } = database;
const auth = createAuth({
  db,
  bus: inProcessBus(() => undefined),
  clock: systemClock,
  logger: silentLogger,
  metrics: loneMetrics(silentLogger),
  environmentKeys: [],
  browserTokenSeeds: [randomBytes(32)],
  failuresPerMinuteMax: 1000,
  auditKeepDays: 400,
});
const limits = {
  socketSubscriptionsMax: 3,
  socketSendsPerSecond: 100,
  socketSendsBurst: 150,
  socketFramesOpenMax: 100,
};
let clock: FakeClock;
let http: Http;
let key: { id: string; secret: string };
/** What the toy room was asked, and how its answers are let go. */
let asked: { what: string; who: Principal }[];
let gates: Map<string, () => void>;
let following: Map<string, Subscription>;
let ended: string[];

async function makeKey(): Promise<{ id: string; secret: string }> {
  const made = await db.transaction((tx) =>
    auth.createKey(tx, { projectId: defaultProjectId, name: 'test', scopes: ['streams:operate'] }, systemPrincipal()),
  );
  return { id: made.row.id, secret: made.secret };
}

beforeAll(async () => {
  await auth.start();
  key = await makeKey();
});
afterAll(async () => {
  await auth[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const makeHttp = (more: Partial<HttpOptions>): Http =>
  createHttp({
    auth,
    db,
    clock,
    logger: silentLogger,
    metrics: loneMetrics(silentLogger),
    answers: createSecrets({ master: 'm'.repeat(32), dataDir: '/nowhere' }).box('test'),
    port: 0,
    edge: { host: '127.0.0.1', basePath: '', trustProxy: ['loopback'], corsOrigins: ['*'] },
    metricsAccess: { mode: 'loopback' },
    version: 'test',
    node: 'n1',
    limits,
    ...more,
  });

beforeEach(async () => {
  asked = [];
  gates = new Map();
  following = new Map();
  ended = [];
  clock = new FakeClock(systemClock.now());
  http = makeHttp({});
  declare(http);
  await http.start();
});
const sockets = new Set<TestSocket>();
afterEach(async () => {
  for (const socket of sockets) await socket[Symbol.asyncDispose]();
  sockets.clear();
  const disposing = http[Symbol.asyncDispose]();
  await clock.advance(20_000);
  await disposing;
});

function declare(http: Http): void {
  http.frame({
    t: 'say',
    of: 'thing',
    summary: 'Says it back, when it is let go: later ones need not wait for it',
    fields: z.object({ thing: z.string(), text: z.string(), gate: z.enum(['accept', 'answer', 'fail']).optional() }),
    handle: async ({ frame, who }) => {
      asked.push({ what: `say ${frame.thing} ${frame.text}`, who });
      const gate = (): Promise<void> => new Promise((resolve) => gates.set(frame.text, resolve));
      if (frame.gate === 'accept') await gate();
      if (frame.gate === 'answer') return later(gate().then(() => ({ text: frame.text })));
      if (frame.gate === 'fail')
        return later(Promise.reject(conflict('not_now', 'Not now.', { extra: { more: 1 }, retryAfterMs: 5 })));
      return later(Promise.resolve({ text: frame.text }));
    },
  });
  http.frame({
    t: 'say',
    of: 'room',
    summary: 'Another room uses the same word',
    fields: z.object({ room: z.string() }),
    handle: ({ frame }) => ({ room: frame.room }),
  });
  http.frame({
    t: 'break',
    of: 'thing',
    summary: 'Fails',
    fields: z.object({ thing: z.string() }),
    handle: () => Promise.reject(new Error('the secret cause')),
  });
  http.subscription({
    t: 'sub',
    of: 'thing',
    summary: 'Follows a thing',
    fields: z.object({ thing: z.string(), sub: z.string().optional(), gate: z.boolean().optional() }),
    name: ({ thing, sub }) => sub ?? thing,
    open: async ({ frame, who }, subscription) => {
      asked.push({ what: `sub ${frame.thing}`, who });
      following.set(subscription.name, subscription);
      subscription.send('first', { of: frame.thing });
      if (frame.gate) await new Promise<void>((resolve) => gates.set(frame.thing, resolve));
      if (frame.thing === 'none') throw forbidden('not_yours', 'Not yours.');
      return {
        ok: { state: 'open' },
        end: () => void ended.push(subscription.name),
        drained: () => void asked.push({ what: `drained ${subscription.name}`, who }),
        renewed: (now) => {
          if (now.kind === 'browser') throw forbidden('token_path', 'Not with this.');
        },
      };
    },
  });
}

async function open(options: OpenSocketOptions = {}): Promise<TestSocket> {
  const socket = await openSocket(http.url, { key: key.secret, ...options });
  sockets.add(socket);
  return socket;
}
const token = async (ttlMs: number): Promise<string> =>
  (
    await auth.issueBrowserToken({
      keyId: key.id,
      projectId: defaultProjectId,
      subject: null,
      paths: ['**'],
      operations: ['read'],
      producerPrefix: null,
      renewable: false,
      ttlMs,
    })
  ).token;
const refusal = async (options: OpenSocketOptions): Promise<RefusedUpgrade> => {
  try {
    await open(options);
  } catch (error) {
    if (error instanceof RefusedUpgrade) return error;
    throw error;
  }
  throw new Error('it was not refused');
};
/** A whole text frame with a payload of so many bytes. */
const framed = (payload: string): Buffer =>
  Buffer.concat([frameHead(Buffer.byteLength(payload)), Buffer.from(payload)]);

test('opened with a header: ready says who, where, how long and the limits', async () => {
  const socket = await open();
  expect(socket.ws.protocol).toBe('muster.v1');
  expect(socket.frames[0]).toEqual({
    t: 'ready',
    conn: expect.stringMatching(/^con_/),
    node: 'n1',
    project: defaultProjectId,
    who: `key:${key.id}`,
    expiresAt: null,
    pingMs: 25_000,
    limits: { frameBytes: 1024 * 1024, subscriptions: 3, sendsPerSecond: 100, sendsBurst: 150, framesOpen: 100 },
  });
});

test('a wrong credential in the header is a 401 of HTTP; no subprotocol is a 400', async () => {
  expect(await refusal({ key: 'mst_wrong' })).toMatchObject({
    status: 401,
    problem: { reason: 'malformed_credential' },
  });
  expect(await refusal({ protocols: ['other'] })).toMatchObject({
    status: 400,
    problem: { reason: 'subprotocol_missing', expected: 'muster.v1' },
  });
});

test('a credential as second subprotocol: taken and not repeated; a wrong one is told on the socket', async () => {
  const socket = await open({ key: undefined, protocols: ['muster.v1', `bearer.${key.secret}`] });
  expect(socket.ws.protocol).toBe('muster.v1');
  const wrong = await open({ key: undefined, protocols: ['muster.v1', 'bearer.mst_wrong'], silent: true });
  expect(await wrong.frame(({ t }) => t === 'err')).toMatchObject({
    code: 'unauthenticated',
    reason: 'malformed_credential',
  });
  expect(await wrong.closed).toEqual({ code: 4401, reason: 'malformed_credential' });
});

test('in the address only a browser token is taken', async () => {
  const browser = await open({ key: undefined, query: `?token=${await token(60_000)}` });
  expect(browser.frames[0]).toMatchObject({
    t: 'ready',
    who: expect.stringMatching(/^browser:/),
    expiresAt: expect.any(String),
  });
  const wrong = await open({ key: undefined, query: `?token=${key.secret}`, silent: true });
  expect(await wrong.frame(({ t }) => t === 'err')).toMatchObject({ reason: 'token_in_address' });
  expect((await wrong.closed).code).toBe(4401);
});

test('a first frame auth opens it; what comes right behind waits for it', async () => {
  const socket = await open({ key: undefined, silent: true });
  socket.send({ t: 'auth', ref: 'a', token: key.secret });
  socket.send({ t: 'say', ref: 'b', thing: 'x', text: 'hello' });
  expect(await socket.answer('a')).toMatchObject({ t: 'ready', ref: 'a', who: `key:${key.id}` });
  expect(await socket.answer('b')).toEqual({ t: 'ok', ref: 'b', text: 'hello' });
});

test('another frame first, a wrong auth, or none in time: 4401', async () => {
  const early = await open({ key: undefined, silent: true });
  early.send({ t: 'ping' });
  expect(await early.closed).toEqual({ code: 4401, reason: 'send auth first' });

  const wrong = await open({ key: undefined, silent: true });
  wrong.send({ t: 'auth', ref: 1, token: 'mst_wrong' });
  expect(await wrong.answer(1)).toMatchObject({ t: 'err', reason: 'malformed_credential' });
  expect((await wrong.closed).code).toBe(4401);

  const late = await open({ key: undefined, silent: true });
  await clock.advance(4000);
  expect(late.frames).toEqual([]);
  await clock.advance(2000);
  expect(await late.closed).toEqual({ code: 4401, reason: 'no_credential' });
});

test('a stranger may not send much', async () => {
  const socket = await open({ key: undefined, silent: true });
  socket.send({ t: 'auth', token: 'x'.repeat(20_000) });
  expect((await socket.closed).code).toBe(4400);
});

test('garbage ends the socket with 4400, each kind with its reason', async () => {
  for (const garbage of ['{"t":', '[]', 'null', '"t"', '{}', '{"t":1}']) {
    const socket = await open();
    socket.send(garbage);
    expect(await socket.closed, garbage).toEqual({
      code: 4400,
      reason: expect.stringContaining('a frame is a JSON object'),
    });
  }
  const binary = await open();
  binary.send(Buffer.from('{"t":"ping"}'));
  expect(await binary.closed).toEqual({ code: 4400, reason: 'frames are JSON text' });
});

test('a frame above the limit: 1009; text that is no UTF-8: 1007', async () => {
  const large = await open();
  large.send(JSON.stringify({ t: 'say', thing: 'x', text: 'x'.repeat(1024 * 1024) }));
  expect((await large.closed).code).toBe(1009);
  const broken = await open();
  broken.ws.send(Buffer.from([0x22, 0xff, 0xfe, 0x22]), { binary: false });
  expect((await broken.closed).code).toBe(1007);
});

test('frames that are understood but wrong are answered, and the socket goes on', async () => {
  const socket = await open();
  expect(await socket.ask({ t: 'sya', ref: 1 })).toMatchObject({
    t: 'err',
    code: 'invalid',
    reason: 'unknown_frame',
    nearest: 'say',
  });
  expect(await socket.ask({ t: 'say', ref: 2 })).toMatchObject({
    reason: 'unknown_frame',
    detail: 'A frame say says what it is about: it needs thing or room.',
  });
  expect(await socket.ask({ t: 'say', ref: 3, thing: 'x', text: 1, txet: 2 })).toMatchObject({
    reason: 'invalid_frame',
    errors: [
      { pointer: '/text', detail: expect.stringContaining('string') },
      { pointer: '/txet', detail: expect.stringContaining('did you mean text') },
    ],
  });
  expect(await socket.ask({ t: 'ping', ref: 4, at: 'x' })).toMatchObject({
    reason: 'invalid_frame',
    errors: [{ pointer: '/at' }],
  });
  expect(await socket.ask({ t: 'unsub', ref: 5, sub: 'nothing' })).toMatchObject({
    code: 'notFound',
    reason: 'sub_unknown',
  });
  expect(await socket.ask({ t: 'break', ref: 6, thing: 'x' })).toEqual({
    t: 'err',
    ref: 6,
    code: 'internal',
    reason: 'internal',
    detail: expect.not.stringContaining('secret'),
  });
  expect(await socket.ask({ t: 'say', ref: 7, thing: 'x', text: 'late', gate: 'fail' })).toEqual({
    t: 'err',
    ref: 7,
    code: 'conflict',
    reason: 'not_now',
    detail: 'Not now.',
    more: 1,
    retryAfterMs: 5,
  });
  expect(await socket.ask({ t: 'ping', ref: 8, at: 5 })).toEqual({ t: 'pong', ref: 8, at: 5, serverAt: clock.now() });
  for (const ref of [{}, 'x'.repeat(129), null]) socket.send({ t: 'ping', ref });
  await until(() => socket.frames.filter(({ t, ref }) => t === 'err' && ref === undefined).length === 3);
  expect(socket.frames.at(-1)).toMatchObject({ reason: 'invalid_frame', errors: [{ pointer: '/ref' }] });
  socket.send({ t: 'ping' });
  expect(await socket.frame(({ t, ref }) => t === 'pong' && ref === undefined)).toEqual({
    t: 'pong',
    serverAt: clock.now(),
  });
});

test('two rooms share a word by what it is about', async () => {
  const socket = await open();
  expect(await socket.ask({ t: 'say', ref: 1, room: 'r' })).toEqual({ t: 'ok', ref: 1, room: 'r' });
  expect(() => http.frame({ t: 'say', of: 'room', summary: '', fields: z.object({}), handle: () => ({}) })).toThrow(
    'declared twice',
  );
  expect(() => http.frame({ t: 'ping', of: 'at', summary: '', fields: z.object({}), handle: () => ({}) })).toThrow(
    'declared twice',
  );
});

test('frames about one thing are accepted in order, others go past; answers leave in order', async () => {
  const socket = await open();
  socket.send({ t: 'say', ref: 1, thing: 'a', text: 'a1', gate: 'accept' });
  socket.send({ t: 'say', ref: 2, thing: 'a', text: 'a2' });
  socket.send({ t: 'say', ref: 3, thing: 'b', text: 'b1', gate: 'answer' });
  socket.send({ t: 'say', ref: 4, thing: 'b', text: 'b2' });
  await until(() => gates.has('a1') && asked.length === 3);
  expect(asked.map(({ what }) => what)).toEqual(['say a a1', 'say b b1', 'say b b2']);
  gates.get('a1')?.();
  await until(() => asked.length === 4);
  expect((await socket.answer(2)).t).toBe('ok');
  expect(socket.frames.filter(({ t }) => t === 'ok').map(({ ref }) => ref)).toEqual([1, 2]);
  gates.get('b1')?.();
  await socket.answer(4);
  expect(socket.frames.filter(({ t }) => t === 'ok').map(({ ref }) => ref)).toEqual([1, 2, 3, 4]);
});

test('a subscription: ok first, then what was written meanwhile, until unsub', async () => {
  const socket = await open();
  socket.send({ t: 'sub', ref: 1, thing: 'a', gate: true });
  await until(() => gates.has('a'));
  following.get('a')?.write([framed('{"t":"second","sub":"a"}')]);
  socket.send({ t: 'ping', ref: 'p' });
  await socket.answer('p');
  expect(socket.of('a')).toEqual([]);
  gates.get('a')?.();
  await socket.answer(1);
  following.get('a')?.send('third', { n: 3 });
  await socket.frame(({ t }) => t === 'third');
  expect(socket.frames.slice(-4)).toEqual([
    { t: 'ok', ref: 1, sub: 'a', state: 'open' },
    { t: 'first', sub: 'a', of: 'a' },
    { t: 'second', sub: 'a' },
    { t: 'third', sub: 'a', n: 3 },
  ]);
  expect(await socket.ask({ t: 'unsub', ref: 2, sub: 'a' })).toEqual({ t: 'ok', ref: 2, sub: 'a' });
  expect(ended).toEqual(['a']);
  following.get('a')?.send('fourth', {});
  await socket.ask({ t: 'ping', ref: 'q' });
  expect(socket.of('a').map(({ t }) => t)).toEqual(['first', 'second', 'third']);
});

test('unsub of one that is still opening: its ok, then that of unsub, and nothing between', async () => {
  const socket = await open();
  socket.send({ t: 'sub', ref: 1, thing: 'a', gate: true });
  socket.send({ t: 'unsub', ref: 2, sub: 'a' });
  // The name is free at once.
  socket.send({ t: 'sub', ref: 3, thing: 'a' });
  await until(() => gates.has('a'));
  gates.get('a')?.();
  await socket.answer(3);
  expect(socket.frames.slice(1).map(({ t, ref }) => [t, ref])).toEqual([
    ['ok', 1],
    ['ok', 2],
    ['ok', 3],
    ['first', undefined],
  ]);
  expect(ended).toEqual(['a']);
});

test('names: one of its own, taken ones, at most so many, freed when refused or over', async () => {
  const socket = await open();
  expect(await socket.ask({ t: 'sub', ref: 1, thing: 'a', sub: 'mine' })).toMatchObject({ t: 'ok', sub: 'mine' });
  expect(await socket.ask({ t: 'sub', ref: 2, thing: 'b', sub: 'mine' })).toMatchObject({
    code: 'conflict',
    reason: 'sub_taken',
  });
  expect(await socket.ask({ t: 'sub', ref: 3, thing: '' })).toMatchObject({ reason: 'invalid_frame' });
  expect(await socket.ask({ t: 'sub', ref: 4, thing: 'b', sub: 'n'.repeat(513) })).toMatchObject({
    reason: 'invalid_frame',
  });
  expect(await socket.ask({ t: 'sub', ref: 5, thing: 'none' })).toMatchObject({
    code: 'forbidden',
    reason: 'not_yours',
  });
  await socket.ask({ t: 'sub', ref: 6, thing: 'b' });
  await socket.ask({ t: 'sub', ref: 7, thing: 'c' });
  expect(await socket.ask({ t: 'sub', ref: 8, thing: 'd' })).toMatchObject({
    code: 'exhausted',
    reason: 'subscriptions_max',
    max: 3,
  });
  following.get('c')?.send('bye', {});
  following.get('c')?.end();
  expect(await socket.ask({ t: 'sub', ref: 9, thing: 'd' })).toMatchObject({ t: 'ok' });
  expect(socket.of('c').map(({ t }) => t)).toEqual(['first', 'bye']);
  expect(socket.of('none')).toEqual([]);
  await socket[Symbol.asyncDispose]();
  await until(() => ended.length === 4);
  expect(ended.toSorted()).toEqual(['b', 'c', 'd', 'mine']);
});

test('too many frames at once, and frames without end', async () => {
  const socket = await open();
  for (let ref = 0; ref < 101; ref++) socket.send({ t: 'say', ref, thing: 'a', text: String(ref), gate: 'answer' });
  expect(await socket.answer(100)).toMatchObject({
    code: 'exhausted',
    reason: 'frames_open_max',
    retryAfterMs: expect.any(Number),
  });
  for (let ref = 101; ref < 151; ref++) socket.send({ t: 'ping', ref });
  expect(await socket.answer(150)).toMatchObject({
    code: 'exhausted',
    reason: 'rate',
    retryAfterMs: expect.any(Number),
  });
  await clock.advance(100);
  expect(await socket.ask({ t: 'nothing', ref: 'now' })).toMatchObject({ reason: 'frames_open_max' });
  for (let i = 0; i < 200; i++) socket.send({ t: 'ping' });
  expect(await socket.closed).toEqual({ code: 4409, reason: 'too many frames' });
  // What was asked before does not reach a closed socket.
  for (const letGo of gates.values()) letGo();
});

test('pings every 25 s; 60 s of silence end it with 1001', async () => {
  const socket = await open();
  let pings = 0;
  socket.ws.on('ping', () => (pings += 1));
  await clock.advance(26_000);
  await until(() => pings === 1);
  // The pong came: silence begins anew.
  await socket.ask({ t: 'ping', ref: 1 });
  socket.ws.removeAllListeners('ping');
  // A client that does not answer: its own pongs are not sent.
  const mute = await open();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- to make a well-behaved client misbehave
  (mute.ws as unknown as { _receiver: { removeAllListeners(name: string): void } })._receiver.removeAllListeners(
    'ping',
  );
  await clock.advance(61_000);
  expect(await mute.closed).toEqual({ code: 1001, reason: 'nothing was heard' });
});

test('a browser token: asked for a new one before it ends, renewed on the open socket, closed when it ends', async () => {
  const socket = await open({ key: await token(60_000) });
  await socket.ask({ t: 'sub', ref: 's', thing: 'a' });
  await clock.advance(25_000);
  expect(socket.frames.some(({ t }) => t === 'tokenExpiring')).toBe(false);
  await clock.advance(8000);
  expect(await socket.frame(({ t }) => t === 'tokenExpiring')).toMatchObject({ inMs: expect.any(Number) });
  expect(await socket.ask({ t: 'auth', ref: 1, token: 'mst_wrong' })).toMatchObject({
    t: 'err',
    reason: 'malformed_credential',
  });
  expect(await socket.ask({ t: 'auth', ref: 2, token: key.secret })).toMatchObject({
    t: 'ready',
    who: `key:${key.id}`,
    expiresAt: null,
  });
  await clock.advance(50_000);
  expect(await socket.ask({ t: 'say', ref: 3, thing: 'a', text: 'still here' })).toMatchObject({ t: 'ok' });
  expect(asked.at(-1)?.who.kind).toBe('key');

  const ends = await open({ key: await token(200_000) });
  await clock.advance(90_000);
  ends.ws.pong();
  await ends.ask({ t: 'ping', ref: 1 });
  await clock.advance(40_000);
  expect(await ends.frame(({ t }) => t === 'err')).toMatchObject({ reason: 'expired_credential' });
  expect(await ends.closed).toEqual({ code: 4401, reason: 'expired_credential' });
});

test('a new credential ends what it may not see, and cannot be of another project', async () => {
  const socket = await open();
  await socket.ask({ t: 'sub', ref: 1, thing: 'a' });
  await socket.ask({ t: 'auth', ref: 2, token: await token(60_000) });
  expect(await socket.frame(({ t }) => t === 'gone')).toEqual({ t: 'gone', sub: 'a', reason: 'token_path' });
  await until(() => ended.length === 1);
  expect(await socket.ask({ t: 'sub', ref: 3, thing: 'a' })).toMatchObject({ t: 'ok' });
});

test('a credential that changes while a subscription opens is looked at when it is open', async () => {
  const socket = await open();
  socket.send({ t: 'sub', ref: 1, thing: 'a', gate: true });
  await until(() => gates.has('a'));
  expect(await socket.ask({ t: 'auth', ref: 2, token: await token(60_000) })).toMatchObject({ t: 'ready' });
  gates.get('a')?.();
  expect(await socket.answer(1)).toMatchObject({ t: 'ok' });
  expect(await socket.frame(({ t }) => t === 'gone')).toEqual({ t: 'gone', sub: 'a', reason: 'token_path' });
  expect(ended).toEqual(['a']);
});

test('more than 4 MiB that wait for answers: the rest is not read before some are given', async () => {
  const socket = await open();
  const text = (n: number): string => String(n).padEnd(900_000, '.');
  for (let n = 0; n < 12; n++) socket.send({ t: 'say', ref: n, thing: `t${n}`, text: text(n), gate: 'answer' });
  await until(() => asked.length >= 5);
  for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve));
  expect(asked.length).toBeLessThan(8);
  for (let n = 0; n < 12; n++) {
    await until(() => gates.has(text(n)));
    gates.get(text(n))?.();
  }
  await socket.answer(11);
  expect(socket.frames.filter(({ t }) => t === 'ok').map(({ ref }) => ref)).toEqual(
    Array.from({ length: 12 }, (_, n) => n),
  );
});

test('revoking the key ends its sockets', async () => {
  const other = await makeKey();
  const socket = await open({ key: other.secret });
  await db.transaction((tx) => auth.revokeKey(tx, defaultProjectId, other.id, systemPrincipal()));
  expect(await socket.frame(({ t }) => t === 'err')).toMatchObject({ reason: 'revoked_credential' });
  expect(await socket.closed).toEqual({ code: 4401, reason: 'revoked_credential' });
});

test('a run token, whose end nobody announces, is asked about again', async () => {
  const subject = { workerId: 'wrk_1' };
  const claim = { kind: 'wkt' as const, projectId: defaultProjectId, subject };
  const socket = await open({ key: await db.transaction((tx) => auth.issueRunToken(tx, claim)) });
  expect(socket.frames[0]).toMatchObject({ t: 'ready', who: 'worker:wrk_1' });
  await clock.advance(27_000);
  await socket.ask({ t: 'ping', ref: 1 });
  await db.transaction((tx) => auth.endRunTokens(tx, subject));
  await clock.advance(27_000);
  expect((await socket.closed).code).toBe(4401);
});

test('draining: told first, open frames are answered, new ones refused, then 1012', async () => {
  const socket = await open();
  const stranger = await open({ key: undefined, silent: true });
  socket.send({ t: 'say', ref: 1, thing: 'a', text: 'open', gate: 'answer' });
  await until(() => gates.has('open'));
  http.drain();
  expect(await socket.frame(({ t }) => t === 'draining')).toEqual({
    t: 'draining',
    retryAfterMs: expect.any(Number),
    closeInMs: 1000,
  });
  expect((await stranger.closed).code).toBe(1012);
  expect(await socket.ask({ t: 'say', ref: 2, thing: 'a', text: 'new' })).toMatchObject({
    code: 'unavailable',
    reason: 'draining',
  });
  gates.get('open')?.();
  expect(await socket.answer(1)).toMatchObject({ t: 'ok' });
  await clock.advance(1000);
  expect(await socket.closed).toEqual({ code: 1012, reason: 'server is stopping' });
  expect(await refusal({})).toMatchObject({ status: 503, problem: { reason: 'draining' } });
});

test('over TLS it is the same', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-socket-tls-'));
  const tls = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') };
  await writeFile(tls.certFile, certificates.first.cert);
  await writeFile(tls.keyFile, certificates.first.key);
  const secure = makeHttp({ tls });
  declare(secure);
  await secure.start();
  const socket = await openSocket(secure.url, { key: key.secret, anyCertificate: true });
  await socket.ask({ t: 'sub', ref: 1, thing: 'a' });
  const large = JSON.stringify({ t: 'large', sub: 'a', text: 'x'.repeat(700_000) });
  for (let i = 0; i < 3; i++)
    following.get('a')?.write([framed(large).subarray(0, 5000), framed(large).subarray(5000)]);
  await until(() => socket.texts.filter((text) => text === large).length === 3);
  await socket[Symbol.asyncDispose]();
  await secure[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

test('a reader that stops: not read from, subscriptions told when it goes on, 1013 after 30 s without progress', async () => {
  const socket = await open();
  await socket.ask({ t: 'sub', ref: 1, thing: 'a' });
  const subscription = following.get('a');
  socket.ws.pause();
  const big = framed(JSON.stringify({ t: 'big', sub: 'a', text: 'x'.repeat(200_000) }));
  let waiting = 0;
  while (waiting <= 1024 * 1024) {
    waiting = subscription?.write([big]) ?? 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.send({ t: 'say', ref: 'unread', thing: 'a', text: 'unread' });
  await clock.advance(29_000);
  expect(ended).toEqual([]);
  expect(asked.map(({ what }) => what)).not.toContain('say a unread');
  socket.ws.resume();
  await socket.answer('unread');
  await until(() => asked.some(({ what }) => what === 'drained a'));
  // Again, and this time nobody reads.
  socket.ws.pause();
  waiting = 0;
  while (waiting <= 1024 * 1024) {
    waiting = subscription?.write([big]) ?? 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (let second = 0; second < 33; second++) await clock.advance(1000);
  expect(ended).toEqual(['a']);
  socket.ws.resume();
  expect((await socket.closed).code).toBe(1013);
});
