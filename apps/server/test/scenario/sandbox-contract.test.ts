/* The contract of a FloImg gallery over raw HTTP, as its clients speak it. */
import { afterAll, beforeEach, expect, test } from 'vitest';
import { sandboxServer, svgOf } from '#test/sandbox-server';

const server = await sandboxServer();
const { call, bot, post, scene } = server;
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => server.empty());

test('posts, shows and lists an item, with every field of the contract', async () => {
  await bot('moss');
  const body = {
    imageUrl: await scene(),
    title: ' Fern knight ',
    description: 'Second try',
    category: 'data-viz',
    workflowId: 'wf_1',
    tags: ['fern', 'pixel'],
    alt: 'A small green knight',
    imagePrompt: 'fern knight, pixel',
    facts: ['fern', 'green'],
    unknown: 1,
  };
  const made = await call('POST', '/api/showcase', { body, as: 'moss' });
  expect(made.status).toBe(201);
  const item = made.body['showcaseItem'];
  expect(item).toEqual({
    id: expect.stringMatching(/^itm_[0-9a-z]{26}$/),
    title: 'Fern knight',
    description: 'Second try',
    category: 'data-viz',
    tags: ['fern', 'pixel'],
    likeCount: 0,
    humanLikeCount: 0,
    botLikeCount: 0,
    commentCount: 0,
    viewCount: 0,
    isLiked: false,
    createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    workflowId: 'wf_1',
    workflowShared: false,
    image: { id: expect.stringMatching(/^img_/) },
    user: { id: expect.any(String), username: 'moss', name: 'Bot moss', isAgent: true },
    alt: 'A small green knight',
    imagePrompt: 'fern knight, pixel',
    facts: ['fern', 'green'],
  });
  expect((await call('GET', `/api/showcase/${item.id}`)).body).toEqual({ item });
  const list = await call('GET', '/sandbox/api/showcase?limit=5&sort=popular&category=data-viz');
  expect(list.body).toEqual({ items: [item] });
  expect(list.headers.get('x-gallery-capabilities')).toContain('idempotency');
  expect((await call('GET', '/api/showcase?category=marketing')).body).toEqual({ items: [] });
  const content = await call('GET', `/api/storage/images/${item.image.id}/content`);
  expect(content.text).toBe(svgOf('teal'));
  expect(content.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox");
});

test('pages of a list end where it ends, newest first', async () => {
  await bot('moss');
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.unshift(await post('moss', { title: `n${i}` }));
  const idsOf = async (query: string): Promise<string[]> =>
    (await call('GET', `/api/showcase?${query}`)).body['items'].map(({ id }: { id: string }) => id);
  expect(await idsOf('limit=3')).toEqual(ids.slice(0, 3));
  expect(await idsOf('limit=3&offset=3')).toEqual(ids.slice(3));
  for (const query of ['limit=0', 'limit=101', 'limit=x', 'offset=-1', 'sort=odd', 'category=odd'])
    expect((await call('GET', `/api/showcase?${query}`)).status, query).toBe(400);
});

test('a like is a toggle; PUT and DELETE say what they mean; one like per account', async () => {
  await bot('moss');
  await bot('kind');
  await bot('tram');
  const id = await post('moss');
  const like = (method: string, as: string) => call(method, `/api/showcase/${id}/like`, { as, body: {} });
  expect((await like('POST', 'kind')).body).toEqual({ success: true, liked: true, likeCount: 1 });
  expect((await like('POST', 'kind')).body).toEqual({ success: true, liked: false, likeCount: 0 });
  expect((await like('PUT', 'kind')).body).toMatchObject({ liked: true, likeCount: 1 });
  expect((await like('PUT', 'kind')).body).toMatchObject({ liked: true, likeCount: 1 });
  expect((await like('PUT', 'tram')).body).toMatchObject({ liked: true, likeCount: 2 });
  const seen = (await call('GET', `/api/showcase/${id}`, { as: 'kind' })).body['item'];
  expect(seen).toMatchObject({ isLiked: true, likeCount: 2, botLikeCount: 2, humanLikeCount: 0 });
  expect((await call('GET', '/api/showcase', { as: 'moss' })).body['items'][0]).toMatchObject({ isLiked: false });
  expect((await like('DELETE', 'kind')).body).toMatchObject({ liked: false, likeCount: 1 });
  expect((await like('DELETE', 'kind')).body).toMatchObject({ liked: false, likeCount: 1 });
});

test('fifty toggles of fifty bots at once count fifty', async () => {
  await bot('moss');
  const id = await post('moss');
  const names = Array.from({ length: 50 }, (_, i) => `liker_${i}`);
  await Promise.all(names.map(bot));
  await Promise.all(names.map((as) => call('POST', `/api/showcase/${id}/like`, { as, body: {} })));
  expect((await call('GET', `/api/showcase/${id}`)).body['item'].likeCount).toBe(50);
});

test('comments: trimmed, in order, counted; one’s own may be taken back', async () => {
  await bot('moss');
  await bot('kind');
  const id = await post('moss');
  const say = (content: unknown, as = 'kind') =>
    call('POST', `/api/showcase/${id}/comments`, { as, body: { content } });
  const first = await say('  How did you keep the third bar quiet?  ');
  expect(first.status).toBe(201);
  expect(first.body['comment']).toMatchObject({
    id: expect.stringMatching(/^cmt_/),
    content: 'How did you keep the third bar quiet?',
    user: { username: 'kind', avatarUrl: null, isAgent: true },
  });
  await say('answer', 'moss');
  for (const bad of ['', '   ', 'x'.repeat(1001), null, 7]) expect((await say(bad)).status, String(bad)).toBe(400);
  const thread = await call('GET', `/api/showcase/${id}/comments?limit=10`);
  expect(thread.body['comments'].map(({ content }: { content: string }) => content)).toEqual([
    'How did you keep the third bar quiet?',
    'answer',
  ]);
  const newest = await call('GET', `/api/showcase/${id}/comments?limit=1&order=desc`);
  expect(newest.body['comments'][0].content).toBe('answer');
  expect((await call('GET', `/api/showcase/${id}`)).body['item'].commentCount).toBe(2);
  const own = `/api/showcase/${id}/comments/${first.body['comment'].id}`;
  expect((await call('DELETE', own, { as: 'moss' })).status).toBe(404);
  expect((await call('DELETE', own, { as: 'kind' })).status).toBe(200);
  expect((await call('GET', `/api/showcase/${id}`)).body['item'].commentCount).toBe(1);
});

test('a bot neither likes its own item nor speaks to itself below it', async () => {
  await bot('moss');
  await bot('kind');
  const id = await post('moss');
  const say = (as: string) => call('POST', `/api/showcase/${id}/comments`, { as, body: { content: 'hm' } });
  for (const method of ['POST', 'PUT']) {
    const liked = await call(method, `/api/showcase/${id}/like`, { as: 'moss', body: {} });
    expect([liked.status, liked.body['code']]).toEqual([403, 'OWN_ITEM']);
  }
  expect((await say('moss')).status).toBe(403);
  expect((await say('kind')).status).toBe(201);
  expect((await say('moss')).status).toBe(201);
  expect((await say('moss')).status).toBe(403);
});

test('who calls: token, key, scopes, agents by name and by id', async () => {
  await bot('moss');
  const none = await call('GET', '/api/showcase', { token: null });
  expect([none.status, none.body['code']]).toEqual([401, 'UNAUTHORIZED']);
  expect((await call('GET', '/api/showcase', { token: 'fst_wrong' })).status).toBe(401);
  const reading = await server.keyWith('gallery:read');
  expect((await call('GET', '/api/showcase', { token: reading })).status).toBe(403);
  const acting = await server.keyWith('gallery:operate');
  expect((await call('GET', '/api/showcase', { token: acting })).status).toBe(200);
  const invite = { agentId: 'b1', name: 'B', username: 'bbb', isAgent: true };
  expect((await call('POST', '/api/admin/users/invite', { token: acting, body: invite })).status).toBe(403);
  const admin = await server.keyWith('gallery:admin', 'gallery:operate');
  expect((await call('POST', '/api/admin/users/invite', { token: admin, body: invite })).status).toBe(201);
  const unknown = await call('GET', '/api/showcase', { as: 'nobody' });
  expect([unknown.status, unknown.body['code']]).toEqual([403, 'AGENT_UNKNOWN']);
  const body = { imageUrl: await scene(), title: 'x' };
  expect((await call('POST', '/api/showcase', { body })).body['code']).toBe('AGENT_REQUIRED');
  expect((await call('POST', '/api/showcase', { body, headers: { 'x-bot-id': 'uuid-moss' } })).status).toBe(201);
});

test('accounts of bots: repeatable, disclosed, unique, removed', async () => {
  const body = {
    agentId: '018f-uuid',
    name: 'Moss',
    username: 'moss',
    isAgent: true,
    agentPersonaId: 'moss_sprites',
    bio: 'Grows plants. automated account',
  };
  const invite = (more: object = {}) => call('POST', '/api/admin/users/invite', { body: { ...body, ...more } });
  const first = await invite();
  expect([first.status, first.body]).toEqual([201, { id: expect.any(String), username: 'moss', created: true }]);
  expect((await invite({ name: 'Moss II' })).body).toEqual({ id: first.body['id'], username: 'moss', created: false });
  expect((await invite({ isAgent: false })).status).toBe(400);
  expect((await invite({ agentPersonaId: null })).status).toBe(400);
  for (const username of ['ab', 'x'.repeat(31), 'Moss', 'mo ss', 'removed_1'])
    expect((await invite({ agentId: 'other', username })).status, username).toBe(400);
  const taken = await invite({ agentId: 'other' });
  expect(taken.status).toBe(422);
  expect(taken.body).toMatchObject({ code: 'USERNAME_TAKEN', takenBy: { username: 'moss', agentId: '018f-uuid' } });
  const shown = await call('GET', '/api/users/moss');
  expect(shown.body).toMatchObject({
    user: { username: 'moss', name: 'Moss II', bio: 'Grows plants. automated account', isAgent: true },
    stats: { showcaseCount: 0 },
  });
  await post('moss');
  expect((await call('GET', '/api/users/moss/showcase')).body['showcase']).toHaveLength(1);
  expect((await call('DELETE', '/api/admin/users/018f-uuid')).body).toEqual({ deleted: true });
  expect((await call('DELETE', '/api/admin/users/018f-uuid')).status).toBe(404);
  expect((await call('GET', '/api/showcase', { as: 'moss' })).status).toBe(403);
  expect((await call('GET', '/api/users/moss')).status).toBe(404);
  // What it made stays and still says that a bot made it.
  expect((await call('GET', '/api/showcase')).body['items'][0].user).toMatchObject({
    isAgent: true,
    name: 'Removed account',
  });
  expect((await invite({ agentId: 'other' })).status).toBe(201);
});

test('invites of one agent that come at once make one account', async () => {
  const body = Buffer.from(JSON.stringify({ agentId: 'same', name: 'Moss', username: 'moss', isAgent: true }));
  const transport = server.sandbox.transport(server.projectId);
  const invite = () =>
    transport({
      method: 'POST',
      path: '/api/admin/users/invite',
      headers: {},
      body,
      timeoutMs: 20_000,
      bodyBytesMax: 1e6,
      signal: new AbortController().signal,
    });
  const all = await Promise.all(Array.from({ length: 8 }, invite));
  expect(all.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
});

test('what is refused about an item', async () => {
  await bot('moss');
  const imageUrl = await scene();
  const tryIt = async (more: object) =>
    (await call('POST', '/api/showcase', { as: 'moss', body: { imageUrl, title: 'x', ...more } })).status;
  expect(await tryIt({ title: 'x'.repeat(200) })).toBe(201);
  expect(await tryIt({ title: '𝒳'.repeat(200) })).toBe(201);
  for (const bad of [
    { title: 'x'.repeat(201) },
    { title: '  ' },
    { title: undefined },
    { description: null },
    { workflowId: null },
    { alt: null },
    { tags: null },
    { category: 'odd' },
    { category: null },
    { tags: ['x'.repeat(41)] },
    { title: 'a\u0000b' },
    { title: '\ud800' },
    { imageUrl: 'https://example.com/cat.png' },
    { imageUrl: 'javascript:alert(1)' },
    { imageUrl: `/sandbox/images/${'0'.repeat(64)}.svg` },
    { imageUrl: `/api/storage/images/img_${'0'.repeat(26)}/content` },
  ])
    expect(await tryIt(bad), JSON.stringify(bad)).toBe(400);
  const ours = await call('POST', '/api/showcase', {
    as: 'moss',
    body: { imageUrl: 'https://example.com/x.png', title: 'x' },
  });
  expect(ours.body['code']).toBe('IMAGE_NOT_OURS');
  expect((await call('POST', '/api/showcase', { as: 'moss', body: '{"title":' })).status).toBe(400);
  for (const path of ['', '/like', '/comments'])
    expect(
      (
        await call(path === '' ? 'GET' : 'POST', `/api/showcase/itm_none${path}`, {
          as: 'moss',
          ...(path ? { body: { content: 'x' } } : {}),
        })
      ).status,
    ).toBe(404);
  expect((await call('PATCH', '/api/showcase')).status).toBe(405);
});

test('an Idempotency-Key: the same answer for a day, another body a conflict, and ids that follow from it', async () => {
  await bot('moss');
  await bot('kind');
  const body = { imageUrl: await scene(), title: 'once' };
  const first = await call('POST', '/api/showcase', { as: 'moss', body, key: 'act_1' });
  const again = await call('POST', '/api/showcase', { as: 'moss', body, key: 'act_1' });
  expect([again.status, again.text, again.headers.get('idempotent-replayed')]).toEqual([201, first.text, 'true']);
  const other = await call('POST', '/api/showcase', { as: 'moss', body: { ...body, title: 'twice' }, key: 'act_1' });
  expect([other.status, other.body['code']]).toEqual([409, 'IDEMPOTENCY_MISMATCH']);
  const { id } = first.body['showcaseItem'];
  const like = () => call('POST', `/api/showcase/${id}/like`, { as: 'kind', body: {}, key: 'act_2' });
  expect((await like()).body['liked']).toBe(true);
  expect((await like()).body['liked']).toBe(true);
  const both = await Promise.all(
    Array.from({ length: 8 }, () =>
      call('POST', `/api/showcase/${id}/comments`, { as: 'kind', body: { content: 'hm' }, key: 'act_3' }),
    ),
  );
  expect(new Set(both.map(({ text }) => text)).size).toBe(1);
  expect((await call('GET', `/api/showcase/${id}`)).body['item']).toMatchObject({ likeCount: 1, commentCount: 1 });
  expect((await call('GET', '/api/showcase')).body['items']).toHaveLength(1);
  await server.empty();
  await bot('moss');
  expect((await call('POST', '/api/showcase', { as: 'moss', body, key: 'act_1' })).body['showcaseItem'].id).toBe(id);
});

test('text of every script comes back as it went in', async () => {
  await bot('moss');
  await bot('kind');
  const title = '苔の騎士 · فارس الطحلب · Ōĕ ñ 👩🏽‍🌾 <b>&"\' ܐ';
  const id = await post('moss', {
    title,
    description: title,
    alt: title,
    tags: ['苔'],
    imagePrompt: title,
    facts: ['蕨'],
  });
  await call('POST', `/api/showcase/${id}/comments`, { as: 'kind', body: { content: title } });
  const { item } = (await call('GET', `/api/showcase/${id}`)).body as { item: Record<string, unknown> };
  expect(item).toMatchObject({
    title,
    description: title,
    alt: title,
    tags: ['苔'],
    imagePrompt: title,
    facts: ['蕨'],
  });
  expect((await call('GET', `/api/showcase/${id}/comments`)).body['comments'][0].content).toBe(title);
  const { text } = await server.page(`/sandbox/i/${id}`);
  expect(text).toContain('苔の騎士 · فارس الطحلب · Ōĕ ñ 👩🏽‍🌾 &lt;b&gt;&amp;&quot;&#39; ܐ');
  expect(text).not.toContain('<b>&');
});
