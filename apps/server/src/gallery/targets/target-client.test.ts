/* The client against a gallery over real HTTP: what goes out, what is tried again, when it gives up, what it never does. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRaster } from '#gallery/images';
import { type Actor, TargetError, type TargetFault, type TransportCall, type WriteOptions } from '#gallery/model';
import { FakeClock, MusterError, newId, systemClock } from '#kernel/base';
import { type FakeFloImg, type FaultKind, fakeFloImg } from '#test/fake-floimg';
import { type ClientOptions, hurriedClock, publicationOf, targetClient } from '#test/target-client';
import { agentUuid } from './agent-uuid.ts';
import { Breaker } from './breaker.ts';
import { Lane } from './lane.ts';
import type { TargetClient } from './target-client.ts';

let fake: FakeFloImg;
let clock: ReturnType<typeof hurriedClock>;
beforeEach(async () => {
  fake = await fakeFloImg();
  clock = hurriedClock();
});
afterEach(() => fake[Symbol.asyncDispose]());

const signal = new AbortController().signal;
const write = (more: Partial<WriteOptions> = {}): WriteOptions => ({
  key: newId('activity'),
  signal,
  may: () => true,
  ...more,
});
const client = (more: Partial<ClientOptions> = {}): TargetClient =>
  targetClient({ baseUrl: fake.url, credentials: { token: fake.token, legacySecret: null }, clock, ...more });
async function bot(target: TargetClient, username = 'fog_bot'): Promise<Actor> {
  const actor = { botId: newId('galleryBot'), username };
  await target.provision({ ...actor, name: 'Fog', bio: 'automated account', personaId: 'harbor_log' });
  return actor;
}
const faultOf = async (work: Promise<unknown>): Promise<TargetFault | undefined> => {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof TargetError) return error.fault;
    throw error;
  }
};
const routes = (): string[] => fake.requests.map(({ method, path }) => `${method} ${path.split('?')[0]}`);
const post = (): string => fake.personPosts(fake.accounts[0] ?? fake.person('somebody'), 'A post').id;

describe('what goes out', () => {
  test('an act: the token whole, who acts, the key, and who we are', async () => {
    const target = client();
    const as = await bot(target);
    await target.comment(as, post(), 'hello', write({ key: 'act_key' }));
    const { headers, body } = fake.requests.at(-1) ?? {};
    expect(headers).toMatchObject({
      authorization: `Bearer ${fake.token}`,
      'x-agent-id': 'fog_bot',
      'content-type': 'application/json',
      accept: 'application/json',
      'user-agent': 'Muster/0.0.0 (gallery bots)',
      'idempotency-key': 'act_key',
    });
    expect(headers).not.toHaveProperty('x-bot-id');
    expect(body).toEqual({ content: 'hello' });
  });

  test('an account: always an agent, known by the UUID of the bot; a service call names nobody', async () => {
    const target = client();
    const as = await bot(target);
    const { headers, body } = fake.requests.at(-1) ?? {};
    expect(body).toEqual({
      agentId: agentUuid(as.botId),
      name: 'Fog',
      username: 'fog_bot',
      isAgent: true,
      agentPersonaId: 'harbor_log',
    });
    expect(headers).not.toHaveProperty('x-agent-id');
    expect(headers).not.toHaveProperty('idempotency-key');
    await target.provision({ botId: newId('galleryBot'), username: 'plain', name: 'P', bio: 'b', personaId: null });
    expect(fake.requests.at(-1)?.body).not.toHaveProperty('agentPersonaId');
  });

  test('the older secret says bot_ and which bot', async () => {
    const target = client({ credentials: { token: null, legacySecret: fake.legacySecret } });
    const as = await bot(target);
    await target.comment(as, post(), 'hello', write());
    expect(fake.requests.at(-1)?.headers).toMatchObject({
      authorization: `Bearer bot_${fake.legacySecret}`,
      'x-bot-id': agentUuid(as.botId),
      'x-agent-id': 'fog_bot',
    });
    const both = client({ credentials: { token: fake.token, legacySecret: fake.legacySecret } });
    await both.comment(as, post(), 'hello', write());
    expect(fake.requests.at(-1)?.headers['authorization']).toBe(`Bearer ${fake.token}`);
    expect(fake.requests.at(-1)?.headers).not.toHaveProperty('x-bot-id');
  });

  test('a post: uploaded first, without our token there, then shown by its address on the target', async () => {
    const target = client({ row: { captionFooter: 'Posted by a bot.' } });
    const as = await bot(target);
    const made = await target.publish(as, publicationOf(), write({ key: 'act_post' }));
    expect(routes().slice(-4)).toEqual([
      'POST /api/storage/upload-url',
      expect.stringMatching(/^PUT \/upload\//),
      'POST /api/storage/confirm-upload',
      'POST /api/showcase',
    ]);
    const [asked, put, confirmed, posted] = fake.requests.slice(-4);
    expect(asked?.body).toEqual({ filename: 'fog-over-the-slack-tide.png', mimeType: 'image/png', sizeBytes: 68 });
    expect(put?.headers).not.toHaveProperty('authorization');
    expect(put?.headers['content-type']).toBe('image/png');
    expect(confirmed?.body).toMatchObject({ width: 1, height: 1, sizeBytes: 68 });
    expect([asked, put, confirmed].some((seen) => seen?.headers['idempotency-key'] !== undefined)).toBe(false);
    expect(posted?.headers['idempotency-key']).toBe('act_post');
    expect(posted?.body).toEqual({
      imageUrl: expect.stringMatching(`^${fake.url}/api/storage/images/.*/content$`),
      title: 'Fog over the slack tide',
      description: 'The left buoy leans as if it heard something.\n\nPosted by a bot.',
    });
    expect(made.imageUrl).toBe(fake.items.at(-1)?.imageUrl);
  });

  test('a drawing goes up as PNG: galleries may refuse SVG', async () => {
    await using raster = createRaster({ threads: 1, clock: systemClock });
    const target = client({ pngOf: (svg) => raster.png(svg, 1_024) });
    const as = await bot(target);
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 600"><rect width="800" height="600" fill="#123456"/></svg>';
    const image = { ...publicationOf().image, mimeType: 'image/svg+xml', bytes: async () => Buffer.from(svg) } as const;
    await target.publish(as, publicationOf({ image }), write());
    const [asked, put, confirmed] = fake.requests.slice(-4);
    expect(asked?.body).toMatchObject({ filename: 'fog-over-the-slack-tide.png', mimeType: 'image/png' });
    expect(put?.headers['content-type']).toBe('image/png');
    expect(confirmed?.body).toMatchObject({ mimeType: 'image/png', width: 1_024, height: 768 });
    expect([...fake.images.values()].at(-1)?.subarray(1, 4).toString()).toBe('PNG');
  });

  test('where nothing can be uploaded, the address of our blob; a picture of the target stays where it is', async () => {
    const target = client({
      row: { capabilities: { idempotency: false, explicitUnlike: false, upload: false, execute: true } },
    });
    const as = await bot(target);
    await target.publish(as, publicationOf(), write());
    expect(fake.requests.at(-1)?.body).toMatchObject({ imageUrl: publicationOf().image.publicUrl });
    const { imageUrl, imageId } = await target.execute(
      as,
      { name: 'n', steps: [{ kind: 'generate' }, { kind: 'save' }] },
      write(),
    );
    expect(imageUrl).toMatch(`${fake.url}/api/storage/images/`);
    expect(Buffer.from(await target.imageBytes(imageId ?? '', signal)).toString()).toBe('picture 1');
    const before = fake.requests.length;
    await target.publish(as, { ...publicationOf(), image: { ...publicationOf().image, onTarget: imageUrl } }, write());
    expect(fake.requests.length).toBe(before + 1);
    expect(fake.requests.at(-1)?.body).toMatchObject({ imageUrl });
  });

  test('what only galleries of ours take goes nowhere else', async () => {
    const sent: TransportCall[] = [];
    const sandbox = targetClient({
      baseUrl: 'http://muster.example/sandbox',
      clock,
      row: { kind: 'sandbox', id: 'sandbox', acknowledged: false },
      transport: (call) => {
        sent.push(call);
        const item = { showcaseItem: { id: 'itm_1', title: 't', user: null } };
        return Promise.resolve({ status: 201, headers: {}, body: Buffer.from(JSON.stringify(item)) });
      },
    });
    await sandbox.publish({ botId: newId('galleryBot'), username: 'fog_bot' }, publicationOf(), write());
    expect(sent).toHaveLength(1);
    expect(sent[0]?.headers).not.toHaveProperty('authorization');
    expect(JSON.parse(Buffer.from(sent[0]?.body ?? []).toString())).toMatchObject({
      alt: 'A buoy in fog.',
      tags: ['harbour'],
      imagePrompt: 'fog, buoy',
      facts: ['red buoy'],
    });
  });
});

describe('dialect gallery-v0', () => {
  test('the same acts in its words', async () => {
    fake.dialect = 'gallery-v0';
    const capabilities = { idempotency: false, explicitUnlike: true, upload: false, execute: false };
    const target = client({ row: { dialect: 'gallery-v0', capabilities } });
    const as = await bot(target);
    const other = await bot(target, 'other_bot');
    const made = await target.publish(as, publicationOf(), write());
    expect(fake.requests.at(-1)?.body).toEqual({
      image_url: publicationOf().image.publicUrl,
      title: 'Fog over the slack tide',
      caption: publicationOf().caption,
    });
    expect(made).toMatchObject({ title: 'Fog over the slack tide', description: publicationOf().caption });
    await target.ensureLiked(other, made.id, write());
    await target.ensureLiked(other, made.id, write());
    expect(await target.item(made.id, other, signal)).toMatchObject({ isLiked: true, likeCount: 1 });
    await target.unlike(other, made.id, write());
    expect(routes()).toContain(`DELETE /api/gallery/posts/${made.id}/like`);
    await target.comment(other, made.id, 'A buoy!', write());
    expect((await target.thread(made.id, { limit: 5 }, signal))?.[0]).toMatchObject({ content: 'A buoy!' });
    expect((await target.feed('recent', { limit: 5 }, signal))[0]).toMatchObject({ id: made.id, commentCount: 1 });
    expect(await target.itemsOf('fog_bot', signal)).toHaveLength(1);
  });
});

describe('nothing is sent', () => {
  test('without a token', async () => {
    const target = client({ credentials: { token: null, legacySecret: null } });
    expect(await faultOf(target.feed('recent', { limit: 1 }, signal))).toEqual({
      kind: 'held',
      reason: 'target_no_token',
    });
    expect(fake.requests).toEqual([]);
    const { findings } = await target.check(signal);
    expect(findings).toMatchObject([{ what: 'token', ok: false, remedy: expect.stringContaining('fst_') }]);
  });

  test('to a gallery nobody answers for, but for looking at it', async () => {
    const target = client({ row: { acknowledged: false } });
    const as = { botId: newId('galleryBot'), username: 'fog_bot' };
    const id = post();
    const acts = [
      () => target.provision({ ...as, name: 'x', bio: 'b', personaId: null }),
      () => target.deprovision(as.botId),
      () => target.publish(as, publicationOf(), write()),
      () => target.comment(as, id, 'x', write()),
      () => target.ensureLiked(as, id, write()),
      () => target.unlike(as, id, write()),
      () => target.execute(as, { name: 'n', steps: [] }, write()),
    ];
    for (const act of acts) {
      const error = await act().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(MusterError);
      expect(error).toMatchObject({ code: 'conflict', reason: 'target_not_acknowledged' });
    }
    expect(fake.requests).toEqual([]);
    expect((await target.check(signal)).findings.every(({ ok }) => ok)).toBe(true);
    expect(fake.requests.map(({ method }) => method)).toEqual(['GET']);
  });

  test('over a connection nobody vouches for, to a private address, to nobody: and the check says which', async () => {
    const detailOf = async (baseUrl: string): Promise<string> =>
      (await client({ baseUrl }).check(signal)).findings.map(({ detail }) => detail).join(' ');
    expect(await detailOf(fake.url.replace('http:', 'https:'))).toContain('TLS');
    expect(await detailOf('https://10.0.0.7')).toContain('private');
    expect(await detailOf('http://127.0.0.1:1')).toContain('refused');
  });

  test('to where a redirect points; the token stays with us', async () => {
    const elsewhere: unknown[] = [];
    const other = createServer((request, response) => {
      elsewhere.push(request.headers);
      response.end('{}');
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const gallery = createServer((_request, response) =>
      response.writeHead(307, { location: `http://127.0.0.1:${port}/` }).end(),
    );
    await new Promise<void>((resolve) => gallery.listen(0, '127.0.0.1', resolve));
    const baseUrl = `http://127.0.0.1:${(gallery.address() as AddressInfo).port}`;
    const target = client({ baseUrl });
    const refused = { kind: 'held', reason: 'redirect_refused' };
    expect(await faultOf(target.feed('recent', { limit: 1 }, signal))).toEqual(refused);
    const as = { botId: newId('galleryBot'), username: 'x' };
    expect(await faultOf(target.comment(as, 'i', 'x', write()))).toEqual(refused);
    expect(elsewhere).toEqual([]);
    await Promise.all([other, gallery].map((server) => new Promise((resolve) => server.close(resolve))));
  });

  test('while the breaker is open', async () => {
    const breaker = new Breaker();
    breaker.trip(clock.now(), 'target_unreachable');
    const lane = new Lane(clock, { concurrency: 1, rps: 1 });
    await lane.enter(signal);
    const target = client({ breaker, lane });
    const fault = await faultOf(target.feed('recent', { limit: 1 }, signal));
    expect(fault).toMatchObject({ kind: 'unavailable', reason: 'target_unreachable' });
    expect(fault?.kind === 'unavailable' && (fault.retryAfterMs ?? 0)).toBeGreaterThan(29_000);
    expect(fake.requests).toEqual([]);
  });
});

test('an id that would lead out of the path is no id', async () => {
  const ids = ['..', '.', '', null, 'fine', '../..', 'a/b?c'];
  const sent: string[] = [];
  const target = client({
    transport: (call) => {
      sent.push(call.path);
      const items = ids.map((id) => ({ id, title: 't' }));
      return Promise.resolve({
        status: 200,
        headers: {},
        body: Buffer.from(JSON.stringify({ items, item: items[4] })),
      });
    },
  });
  const feed = await target.feed('recent', { limit: 9 }, signal);
  expect(feed.map(({ id }) => id)).toEqual(['fine', '../..', 'a/b?c']);
  for (const { id } of feed) await target.item(id, null, signal);
  expect(sent.slice(1)).toEqual(['/api/showcase/fine', '/api/showcase/..%2F..', '/api/showcase/a%2Fb%3Fc']);
});

describe('tries', () => {
  const reads: readonly FaultKind[] = [
    '429',
    '500',
    '503',
    'html502',
    'malformedJson',
    'truncated',
    'reset',
    'tooLarge',
  ];
  test.each(reads)('a read meets %s three times and goes on', async (kind) => {
    fake.faults.push({ kind, times: 3 });
    expect(await client().feed('recent', { limit: 1 }, signal)).toEqual([]);
    expect(fake.requests).toHaveLength(4);
    expect(clock.pauses).toEqual([125, 500, 2_000]);
    fake.requests.length = 0;
    fake.faults.push({ kind, times: 4 });
    expect((await faultOf(client().feed('recent', { limit: 1 }, signal)))?.kind).toBe('unavailable');
    expect(fake.requests).toHaveLength(4);
  });

  test('what cannot heal is asked once', async () => {
    for (const kind of [
      '401',
      '403',
      '400',
      '422',
      'fleetPaused',
      'fleetDaily',
      'agentMonthly',
      'redirect',
      'wrongShape',
    ] as const) {
      fake.requests.length = 0;
      fake.faults.push({ kind, times: 1 });
      expect(await faultOf(client().feed('recent', { limit: 1 }, signal)), kind).toBeDefined();
      expect(fake.requests, kind).toHaveLength(1);
    }
    expect(clock.pauses).toEqual([]);
  });

  test('Retry-After is waited for when it is short, and told when it is long', async () => {
    fake.faults.push({ kind: '503', times: 1, headers: { 'retry-after': '1' } });
    expect(await client().feed('recent', { limit: 1 }, signal)).toEqual([]);
    expect(clock.pauses).toEqual([1_000]);
    fake.faults.length = 0;
    fake.faults.push({ kind: '429', headers: { 'retry-after': '30' } });
    expect(await faultOf(client().feed('recent', { limit: 1 }, signal))).toEqual({
      kind: 'unavailable',
      reason: 'target_rate_limited',
      retryAfterMs: 30_000,
    });
    for (const header of ['-1', 'never']) {
      fake.faults.length = 0;
      fake.faults.push({ kind: '429', headers: { 'retry-after': header } });
      expect(await faultOf(client().feed('recent', { limit: 1 }, signal))).not.toHaveProperty('retryAfterMs');
    }
  });

  test('a write is never sent again once it may have been received', async () => {
    const target = client();
    const as = await bot(target);
    const id = post();
    for (const kind of [
      '429',
      '503',
      '500',
      'html502',
      'reset',
      'dropAfterCommit',
      'malformedJson',
      'truncated',
    ] as const) {
      fake.requests.length = 0;
      fake.faults.push({ kind, method: 'POST', times: 1 });
      const fault = await faultOf(target.comment(as, id, kind, write()));
      expect(fault?.kind, kind).toBe(kind === '429' || kind === '503' ? 'unavailable' : 'unknown');
      expect(fake.requests, kind).toHaveLength(1);
    }
  });

  test('a write nobody took is tried again: surely nothing was received', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const target = client({ baseUrl: `http://127.0.0.1:${port}` });
    const as = { botId: newId('galleryBot'), username: 'x' };
    expect(await faultOf(target.comment(as, 'i', 'x', write()))).toEqual({
      kind: 'unavailable',
      reason: 'target_unreachable',
    });
    expect(clock.pauses).toEqual([125, 500, 2_000]);
  });

  test('the last look is asked for each try of each step, and ends it at any of them', async () => {
    const target = client();
    const as = await bot(target);
    for (let steps = 0; steps < 4; steps++) {
      let left = steps;
      fake.requests.length = 0;
      const may = (): boolean => left-- > 0;
      expect(await faultOf(target.publish(as, publicationOf(), write({ may })))).toEqual({ kind: 'dropped' });
      expect(fake.requests).toHaveLength(steps);
    }
    expect(fake.items).toEqual([]);
  });

  test('a full store is our request’s fault, not the account’s', async () => {
    fake.quotaLeft = 1;
    const target = client();
    const as = await bot(target);
    const fault = await faultOf(target.publish(as, publicationOf(), write()));
    expect(fault).toMatchObject({ kind: 'invalid', reason: 'target_invalid', body: expect.stringContaining('quota') });
  });

  test.each(['401', '403', '404', 'redirect', '500'] as const)(
    'a store that answers an upload with %s is no verdict on us',
    async (kind) => {
      const target = client();
      const as = await bot(target);
      fake.faults.push({ kind, method: 'PUT' });
      expect((await faultOf(target.publish(as, publicationOf(), write())))?.kind).toBe('unavailable');
      expect(fake.items).toEqual([]);
      fake.faults.splice(0, 1, { kind, method: 'PUT', times: 2 });
      await target.publish(as, publicationOf(), write());
      expect(fake.items).toHaveLength(1);
    },
  );

  test('the same key with a fresh upload finds what the first try made', async () => {
    fake.idempotency = true;
    const capabilities = { idempotency: true, explicitUnlike: false, upload: true, execute: false };
    const target = client({ row: { capabilities } });
    const as = await bot(target);
    const key = newId('activity');
    fake.faults.push({ kind: 'dropAfterCommit', path: /^\/api\/showcase$/, times: 1 });
    expect((await faultOf(target.publish(as, publicationOf(), write({ key }))))?.kind).toBe('unknown');
    const again = await target.publish(as, publicationOf(), write({ key }));
    expect(fake.items.map(({ id }) => id)).toEqual([again.id]);
  });
});

describe('time', () => {
  /** Advances until the call is over, and tells how long that took. */
  async function endOf(time: FakeClock, work: Promise<unknown>, stepMs: number): Promise<number> {
    const began = time.now();
    const end = { over: false };
    void work.finally(() => void (end.over = true));
    const seen = fake.requests.length;
    while (fake.requests.length === seen) await new Promise((resolve) => setImmediate(resolve));
    while (!end.over) {
      await time.advance(stepMs);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return time.now() - began;
  }

  test('a write that hangs is unknown after 15 s, an execute after 120 s', async () => {
    const time = new FakeClock(Date.now());
    const target = client({ clock: time });
    const as = await bot(target);
    fake.faults.push({ kind: 'hang' });
    const comment = faultOf(target.comment(as, 'i', 'x', write()));
    expect(await endOf(time, comment, 1_000)).toBe(15_000);
    expect(await comment).toMatchObject({ kind: 'unknown' });
    const execute = faultOf(target.execute(as, { name: 'n', steps: [] }, write()));
    expect(await endOf(time, execute, 5_000)).toBe(120_000);
    expect(await execute).toMatchObject({ kind: 'unknown' });
  });

  test('a read that hangs takes 10 s a try; giving up ends it at once', async () => {
    const time = new FakeClock(Date.now());
    fake.faults.push({ kind: 'hang' });
    const abort = new AbortController();
    const read = faultOf(client({ clock: time }).feed('recent', { limit: 1 }, abort.signal));
    while (fake.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await time.advance(9_999);
    expect(fake.requests).toHaveLength(1);
    await time.advance(1);
    await time.advance(250);
    while (fake.requests.length === 1) await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    expect(await read).toEqual({ kind: 'dropped' });
  });

  test('resetAt that is past, far off or no time; and by the target’s clock', async () => {
    const target = client();
    const aheadOf = async (resetAt: unknown): Promise<number> => {
      fake.faults.push({ kind: 'agentDaily', times: 1, resetAt });
      const fault = await faultOf(target.feed('recent', { limit: 1 }, signal));
      return Math.round(((fault?.kind === 'sleep' ? fault.wakeAt : 0) - Date.now()) / 1_000);
    };
    expect(await aheadOf('2001-01-01T00:00:00Z')).toBe(1);
    expect(await aheadOf('9999-01-01T00:00:00Z')).toBe(86_400);
    expect(await aheadOf('soon')).toBe(3_600);
    expect(await aheadOf(undefined)).toBe(3_600);
    const theirs = Date.now() + 600_000;
    fake.date = new Date(theirs).toUTCString();
    expect(await aheadOf(new Date(theirs + 120_000).toISOString())).toBeGreaterThanOrEqual(119);
    expect(await aheadOf(new Date(theirs + 120_000).toISOString())).toBeLessThanOrEqual(121);
    const { findings, clockSkewMs } = await target.check(signal);
    expect(Math.abs(clockSkewMs - 600_000)).toBeLessThan(2_000);
    expect(findings.find(({ what }) => what === 'clock')).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/^Its clock is (599|600|601) s ahead of ours\.$/),
    });
  });
});

describe('likes', () => {
  test('a toggle that answers liked: false is pressed once more, with a key of its own', async () => {
    const target = client();
    const as = await bot(target);
    const id = post();
    const account = fake.accounts.find(({ username }) => username === 'fog_bot');
    // Somebody likes it in the bot's name between our look and our toggle.
    const racing = client({
      transport: async (call) => {
        const { body: _, ...rest } = call;
        const headers = { ...call.headers };
        const response = await fetch(fake.url + call.path, {
          method: rest.method,
          headers,
          ...(call.body ? { body: Buffer.from(call.body) } : {}),
        });
        const body = new Uint8Array(await response.arrayBuffer());
        if (call.method === 'GET') fake.items.at(-1)?.likes.add(account?.id ?? '');
        return { status: response.status, headers: {}, body };
      },
    });
    expect(await racing.ensureLiked(as, id, write({ key: 'act_like' }))).toEqual({ corrected: true });
    expect(fake.items.at(-1)?.likes.size).toBe(1);
    const keys = fake.requests.slice(-2).map(({ headers }) => headers['idempotency-key']);
    expect(keys).toEqual(['act_like', 'act_like:again']);
  });

  test('what is liked already is not pressed', async () => {
    const target = client();
    const as = await bot(target);
    const id = post();
    await target.ensureLiked(as, id, write());
    const before = fake.requests.length;
    await target.ensureLiked(as, id, write());
    expect(fake.requests.slice(before).map(({ method }) => method)).toEqual(['GET']);
    expect(fake.requests.at(-1)?.headers['x-agent-id']).toBe('fog_bot');
  });

  test('with an explicit like nothing is read first', async () => {
    fake.explicitLike = true;
    const capabilities = { idempotency: false, explicitUnlike: true, upload: true, execute: true };
    const target = client({ row: { capabilities } });
    const as = await bot(target);
    const id = post();
    await target.ensureLiked(as, id, write());
    expect(fake.requests.at(-1)).toMatchObject({ method: 'PUT', path: `/api/showcase/${id}/like` });
    await target.unlike(as, id, write());
    expect(fake.requests.at(-1)).toMatchObject({ method: 'DELETE', path: `/api/showcase/${id}/like` });
    expect(fake.items.at(-1)?.likes.size).toBe(0);
  });
});

test('HTML 502 to ten thousand bots: the breaker opens after twenty calls, and nobody is at fault', async () => {
  fake.faults.push({ kind: 'html502' });
  const breaker = new Breaker();
  const lane = new Lane(clock, { concurrency: 16, rps: null });
  const target = client({ breaker, lane });
  const as = { botId: newId('galleryBot'), username: 'x' };
  const faults = new Map<string, number>();
  for (let wave = 0; wave < 20; wave++) {
    const found = await Promise.all(
      Array.from({ length: 500 }, (_, i) =>
        faultOf(i % 2 === 0 ? target.feed('recent', { limit: 1 }, signal) : target.comment(as, 'i', 'x', write())),
      ),
    );
    for (const fault of found) faults.set(fault?.kind ?? 'none', (faults.get(fault?.kind ?? 'none') ?? 0) + 1);
  }
  expect([...faults.keys()].toSorted()).toEqual(['unavailable', 'unknown']);
  expect(fake.requests.length).toBeLessThanOrEqual(40);
  expect(breaker.view().state).toBe('open');
}, 60_000);
