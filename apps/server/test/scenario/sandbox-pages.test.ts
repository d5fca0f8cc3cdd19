/* The pages as they come over the wire: readable without script, safe, marked, live. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { inProcessBus } from '#kernel/bus';
import { sandboxServer, svgOf } from '#test/sandbox-server';
import { until } from '#test/until';

const server = await sandboxServer({ signInPath: '/sign-in' });
const { call, bot, post, page, form, sandbox, projectId } = server;
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => server.empty());

/** A picture that a person hung; answers its id. */
async function hang(person: string, more: Record<string, string> = {}): Promise<string> {
  const { blobId } = await sandbox.storeScene(svgOf('olive'));
  const png = await (await fetch(`${server.url}/sandbox/images/${blobId}.png?w=256`)).blob();
  const body = new FormData();
  const fields = {
    token: await server.tokenOf(person),
    title: 'My corner',
    alt: 'A green field',
    description: '',
    tags: '',
    ...more,
  };
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  body.set('image', new Blob([await png.arrayBuffer()], { type: 'image/png' }), 'x.png');
  const hung = await fetch(`${server.url}/sandbox/new`, {
    method: 'POST',
    redirect: 'manual',
    body,
    headers: { cookie: `test_person=${person}`, 'sec-fetch-site': 'same-origin' },
  });
  const id = /\/sandbox\/i\/(itm_[0-9a-z]+)$/.exec(hung.headers.get('location') ?? '')?.[1];
  if (id === undefined) throw new Error(`hanging answered ${hung.status}: ${(await hung.text()).slice(0, 2000)}`);
  return id;
}

test('an empty gallery says so, and nothing is signed in', async () => {
  for (const path of ['/sandbox', '/sandbox/', '/sandbox/trending', '/sandbox?people=1']) {
    const { status, text } = await page(path);
    expect(status, path).toBe(200);
    expect(text).toContain(path.includes('people') ? 'No person has hung a picture yet' : 'Nothing hangs here yet');
    expect(text).toContain('href="/sign-in"');
  }
  for (const path of ['/sandbox/i/none', '/sandbox/u/nobody']) expect((await page(path)).status, path).toBe(404);
  expect((await page('/sandbox/odd/path')).status).toBe(404);
});

test('every page: its own files only, marks beside every bot, words beside every picture', async () => {
  await bot('moss');
  await bot('kind');
  const id = await post('moss', { title: 'Fern knight', alt: '' });
  await call('POST', `/api/showcase/${id}/comments`, { as: 'kind', body: { content: 'How?' } });
  await hang('mia');
  for (const path of [
    '/sandbox',
    '/sandbox/trending',
    `/sandbox/i/${id}`,
    '/sandbox/u/moss',
    '/sandbox/u/mia',
    '/sandbox/new',
    `/sandbox/report?item=${id}`,
  ]) {
    const { status, text, headers } = await page(path, 'mia');
    expect(status, path).toBe(200);
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    expect(text, path).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=/);
    expect(text, path).not.toMatch(/(?:src|href)="(?!\/|#|https?:\/\/127)/);
    for (const [image] of text.matchAll(/<img[^>]*>/g)) expect(image).toMatch(/ alt="[^"]+"/);
    for (const [name] of text.matchAll(/<a class="by"[^>]*\/u\/(?:moss|kind)">.*?<\/a>/gs))
      expect(name).toContain('automated account');
    for (const [name] of text.matchAll(/<a class="by"[^>]*\/u\/mia">.*?<\/a>/gs))
      expect(name).not.toContain('automated account');
    expect(text).toContain('<html lang="en"');
  }
  const [script, style] = await Promise.all(
    ['gallery.js', 'gallery.css'].map((name) => page(`/sandbox/assets/${name}`)),
  );
  expect(gzipSync(script?.text ?? '').length + gzipSync(style?.text ?? '').length).toBeLessThan(60_000);
  expect(script?.headers.get('cache-control')).toContain('immutable');
  expect(script?.text).not.toContain('console.');
  expect((await page('/sandbox/assets/..%2flayout.ts')).status).toBe(404);
});

test('text of bots and people is shown as text', async () => {
  const evil = '"><img src=x onerror=alert(1)><script>alert(1)</script>';
  await call('POST', '/api/admin/users/invite', {
    body: { agentId: 'e', name: evil.slice(0, 90), username: 'evil', isAgent: true, bio: evil },
  });
  await bot('kind');
  const id = await post('evil', { title: evil, description: evil, alt: evil, tags: ['<b>'], imagePrompt: evil });
  await call('POST', `/api/showcase/${id}/comments`, { as: 'kind', body: { content: evil } });
  await form('mia', `/sandbox/i/${id}/comments`, { content: evil });
  for (const path of ['/sandbox', `/sandbox/i/${id}`, '/sandbox/u/evil']) {
    const { text } = await page(path, 'mia');
    expect(text).not.toMatch(/<img src=x|<script>|<b>/);
    expect(text).toContain('&quot;&gt;&lt;img src=x onerror=alert(1)&gt;');
  }
});

test('people and bots are counted apart, and only people’s looks are views', async () => {
  await bot('moss');
  await bot('kind');
  const id = await post('moss');
  await call('PUT', `/api/showcase/${id}/like`, { as: 'kind', body: {} });
  expect((await form('mia', `/sandbox/i/${id}/like`, { liked: 'yes' })).status).toBe(303);
  await call('POST', `/api/showcase/${id}/comments`, { as: 'kind', body: { content: 'x' } });
  await form('mia', `/sandbox/i/${id}/comments`, { content: 'y' });
  for (let i = 0; i < 5; i++) await call('GET', `/api/showcase/${id}`, { as: 'kind' });
  await call('GET', `/api/showcase/${id}`);
  await page(`/sandbox/i/${id}`, 'mia');
  const { text } = await page(`/sandbox/i/${id}`);
  expect(text).toContain('<span data-human-likes>1</span> by people, <span data-bot-likes>1</span> by bots');
  await until(async () => (await call('GET', `/api/showcase/${id}`)).body['item'].viewCount > 0);
  const { item } = (await call('GET', `/api/showcase/${id}`)).body as { item: Record<string, unknown> };
  expect(item).toMatchObject({ likeCount: 2, humanLikeCount: 1, botLikeCount: 1, commentCount: 2 });
  expect(item['viewCount']).toBe(2);
  const today = Date.now();
  expect(await sandbox.humanActionsPerDay(projectId, today, today)).toEqual([
    { day: expect.any(String), human: 2, bot: 3 },
  ]);
});

test('people only shows people only; pages go on', async () => {
  await bot('moss');
  for (let i = 0; i < 38; i++) await post('moss', { title: `n${i}` });
  const id = await hang('mia');
  const idsOf = (text: string): string[] =>
    [...text.matchAll(/<article[^>]* data-item="(itm_\w+)"/g)].map(([, found]) => found ?? '');
  expect(idsOf((await page('/sandbox?people=1')).text)).toEqual([id]);
  expect(idsOf((await page('/sandbox/trending?people=1')).text)).toEqual([id]);
  const first = await page('/sandbox');
  expect(idsOf(first.text)).toHaveLength(36);
  expect(first.text).toContain('href="/sandbox?page=2"');
  expect(idsOf((await page('/sandbox?page=2')).text)).toHaveLength(3);
  expect((await page('/sandbox?page=x')).status).toBe(200);
});

test('forms need a page of ours: origin, token, person', async () => {
  await bot('moss');
  const id = await post('moss');
  const path = `/sandbox/i/${id}/comments`;
  expect((await form('mia', path, { content: 'x' }, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect((await form('mia', path, { content: 'x' }, { 'sec-fetch-site': 'same-site' })).status).toBe(403);
  expect((await form('mia', path, { content: 'x', token: await server.tokenOf('ben') })).status).toBe(403);
  expect((await form('mia', path, { content: 'x', token: '' })).status).toBe(403);
  expect((await form('', path, { content: 'x' })).status).toBe(401);
  const bare = (headers: Record<string, string>) =>
    server.tokenOf('mia').then((token) =>
      fetch(`${server.url}${path}`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie: 'test_person=mia', 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams({ token, content: 'x' }).toString(),
      }),
    );
  expect((await bare({ 'sec-fetch-site': 'none', origin: server.url })).status).toBe(403);
  expect((await call('GET', `/api/showcase/${id}`)).body['item'].commentCount).toBe(0);
  // The contract by cookie holds to the same.
  const cross = await call('PUT', `/api/showcase/${id}/like`, {
    token: null,
    body: {},
    headers: { cookie: 'test_person=mia', 'sec-fetch-site': 'cross-site' },
  });
  expect([cross.status, (await call('GET', `/api/showcase/${id}`)).body['item'].likeCount]).toEqual([403, 0]);
  const own = await call('PUT', `/api/showcase/${id}/like`, {
    token: null,
    body: {},
    headers: { cookie: 'test_person=mia', 'sec-fetch-site': 'same-origin' },
  });
  expect([own.status, own.body['liked']]).toEqual([200, true]);
  expect(
    (
      await call('POST', '/api/admin/users/invite', {
        token: null,
        body: { agentId: 'x', name: 'x', username: 'xxx', isAgent: true },
        headers: { cookie: 'test_person=mia', 'sec-fetch-site': 'same-origin' },
      })
    ).status,
  ).toBe(403);
});

test('what is wrong with a form is said on its page, and nothing is lost', async () => {
  await bot('moss');
  const id = await post('moss');
  const empty = await form('mia', `/sandbox/i/${id}/comments`, { content: '   ' });
  expect(empty.status).toBe(400);
  expect(await empty.text()).toContain('role="alert"');
  const long = await form('mia', `/sandbox/i/${id}/comments`, { content: `${'x'.repeat(1000)} end` });
  expect(await long.text()).toContain('xxx end</textarea>');
  expect((await form('mia', '/sandbox/i/none/comments', { content: 'x' })).status).toBe(404);
  await expect(hang('mia', { title: 'x'.repeat(201) })).rejects.toThrow(/400/);
  const body = new FormData();
  for (const [name, value] of Object.entries({ token: await server.tokenOf('mia'), title: 'A drawing', alt: 'x' }))
    body.set(name, value);
  body.set('image', new Blob([svgOf('red')], { type: 'image/svg+xml' }), 'x.svg');
  const svg = await fetch(`${server.url}/sandbox/new`, {
    method: 'POST',
    body,
    headers: { cookie: 'test_person=mia', 'sec-fetch-site': 'same-origin' },
  });
  const text = await svg.text();
  expect([svg.status, text.includes('neither a PNG nor a JPEG'), text.includes('value="A drawing"')]).toEqual([
    400,
    true,
    true,
  ]);
});

test('no bots on my posts: gone for bots within a read, there for people', async () => {
  await bot('moss');
  const id = await hang('mia');
  const seen = async (): Promise<number> => (await call('GET', '/api/showcase', { as: 'moss' })).body['items'].length;
  expect(await seen()).toBe(1);
  expect((await form('mia', '/sandbox/me', { quiet: 'yes' })).status).toBe(303);
  expect([await seen(), ...(await sandbox.quietPeople(projectId))]).toEqual([0, 'mia']);
  expect((await call('GET', '/api/showcase')).body['items']).toEqual([]);
  for (const [method, path] of [
    ['GET', ''],
    ['PUT', '/like'],
    ['GET', '/comments'],
    ['POST', '/comments'],
  ] as const)
    expect(
      (
        await call(method, `/api/showcase/${id}${path}`, {
          as: 'moss',
          ...(method === 'GET' ? {} : { body: { content: 'x' } }),
        })
      ).status,
      path,
    ).toBe(404);
  expect((await call('GET', '/api/users/mia/showcase')).body['showcase']).toEqual([]);
  expect((await page('/sandbox')).text).toContain(id);
  expect((await page('/sandbox/u/mia', 'mia')).text).toContain('Turn off');
  expect((await form('ben', `/sandbox/i/${id}/like`, { liked: 'yes' })).status).toBe(303);
  await server.sandbox.resetSandbox(projectId);
  expect([...(await sandbox.quietPeople(projectId))]).toEqual(['mia']);
  await form('mia', '/sandbox/me', { quiet: 'no' });
  expect((await sandbox.quietPeople(projectId)).size).toBe(0);
});

test('one’s own may be taken away, what is others’ may not; reports reach who runs it', async () => {
  await bot('moss');
  const id = await hang('mia');
  const told = await call('POST', `/api/showcase/${id}/comments`, { as: 'moss', body: { content: 'buy now' } });
  expect((await form('ben', `/sandbox/i/${id}/delete`, {})).status).toBe(404);
  expect((await form('ben', `/sandbox/c/${told.body['comment'].id}/delete`, {})).status).toBe(404);
  expect(
    (await form('ben', '/sandbox/report', { item: id, comment: told.body['comment'].id, reason: 'An advert' })).status,
  ).toBe(200);
  await form('ben', '/sandbox/report', { item: id, comment: told.body['comment'].id, reason: 'again' });
  expect((await form('ben', '/sandbox/report', { item: id, comment: 'cmt_other', reason: 'x' })).status).toBe(404);
  const token = await server.keyWith('gallery:read', 'gallery:admin');
  const reports = await call('GET', '/v1/gallery/sandbox/reports', { token });
  expect(reports.body['items']).toMatchObject([{ itemId: id, by: 'ben', reason: 'An advert', content: 'buy now' }]);
  expect((await call('DELETE', `/v1/gallery/sandbox/comments/${told.body['comment'].id}`, { token })).status).toBe(204);
  expect((await call('GET', `/api/showcase/${id}/comments`)).body['comments']).toEqual([]);
  expect((await form('mia', `/sandbox/i/${id}/delete`, {})).headers.get('location')).toBe('/sandbox/u/mia');
  expect((await page(`/sandbox/i/${id}`)).status).toBe(404);
});

test('pictures: drawn as they are, as PNG when asked, and they can run nothing', async () => {
  const { path, blobId } = await sandbox.storeScene(svgOf('navy', 800, 1000));
  const svg = await page(path);
  expect(svg.text).toBe(svgOf('navy', 800, 1000));
  for (const [name, type] of [
    [path, 'image/svg+xml'],
    [`/sandbox/images/${blobId}.png?w=512`, 'image/png'],
  ] as const) {
    const { status, headers } = await page(name);
    expect([status, headers.get('content-type')]).toEqual([200, type]);
    expect(headers.get('content-security-policy')).toBe("default-src 'none'; sandbox");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin');
    expect(headers.get('cache-control')).toContain('immutable');
  }
  for (const bad of [
    `/sandbox/images/${'0'.repeat(64)}.svg`,
    `/sandbox/images/${'0'.repeat(64)}.png`,
    '/sandbox/images/x.svg',
  ])
    expect((await page(bad)).status, bad).toBe(404);
  expect((await page(`/sandbox/images/${blobId}.png?w=333`)).status).toBe(400);
});

test('news come by themselves, made once for all who look', async () => {
  await bot('moss');
  await bot('kind');
  const id = await post('moss');
  const gone = new AbortController();
  const heard = { wall: '', item: '' };
  const listen = async (name: keyof typeof heard, path: string): Promise<void> => {
    const answered = await fetch(`${server.url}${path}`, { signal: gone.signal });
    expect(answered.headers.get('content-type')).toContain('text/event-stream');
    for await (const chunk of answered.body ?? []) heard[name] += Buffer.from(chunk).toString();
  };
  const listening = [listen('wall', '/sandbox/live'), listen('item', `/sandbox/live?item=${id}`)].map((one) =>
    one.catch(() => undefined),
  );
  await until(() => heard.wall.includes('hello') && heard.item.includes('hello'));
  const other = await post('moss', { title: 'Slack <tide>' });
  await call('PUT', `/api/showcase/${id}/like`, { as: 'kind', body: {} });
  await call('POST', `/api/showcase/${id}/comments`, { as: 'kind', body: { content: 'How <was> it made?' } });
  await until(
    () =>
      heard.wall.includes('event: item') &&
      heard.wall.includes('event: counts') &&
      heard.item.includes('event: comment'),
  );
  expect(heard.wall).toContain('Slack &lt;tide&gt;');
  expect(heard.wall).not.toContain('event: comment');
  expect(heard.item).toContain('How &lt;was&gt; it made?');
  expect(heard.item).not.toContain(other);
  expect(heard.wall).toMatch(
    new RegExp(`event: counts\\ndata: \\{"id":"${id}","likes":1,"humanLikes":0,"botLikes":1,"comments":1\\}`),
  );
  await sandbox.resetSandbox(projectId);
  await until(() => heard.wall.includes('event: again'));
  gone.abort();
  await Promise.all(listening);
});

test('below a base path every address leads below it', async () => {
  await using below = await sandboxServer({
    basePath: '/art',
    publicBase: 'http://127.0.0.1/art',
    database: server.database,
  });
  await below.bot('moss');
  const id = await below.post('moss');
  const { text } = await below.page(`/sandbox/i/${id}`);
  for (const [, where = ''] of text.matchAll(/(?:src|href|action|data-live)="([^"#]+)"/g))
    expect(where).toMatch(/^\/art\/sandbox/);
  const { uploadUrl } = (
    await below.call('POST', '/api/storage/upload-url', {
      as: 'moss',
      body: { filename: 'x', mimeType: 'image/png', sizeBytes: 5 },
    })
  ).body as Record<string, string>;
  expect(uploadUrl).toMatch(/^http:\/\/127\.0\.0\.1\/art\/sandbox\/api\/storage\/uploads\/img_/);
  const transport = below.sandbox.transport(below.projectId);
  const put = await transport({
    method: 'PUT',
    path: uploadUrl ?? '',
    headers: {},
    body: Buffer.from('xxxxx'),
    timeoutMs: 5_000,
    bodyBytesMax: 1e6,
    signal: new AbortController().signal,
  });
  expect([put.status, Buffer.from(put.body).toString()]).toEqual([
    400,
    expect.stringContaining('neither a PNG nor a JPEG'),
  ]);
  await below.post('moss', { imageUrl: `http://127.0.0.1/art${await below.scene()}` });
  await expect(below.post('moss', { imageUrl: `http://example.com/art${await below.scene()}` })).rejects.toThrow(
    /IMAGE_NOT_OURS/,
  );
});

test('a drawing whose PNG takes too long is shown all the same', async () => {
  await using slow = await sandboxServer({ database: server.database, rasterLimitMs: 1 });
  await slow.bot('moss');
  const id = await slow.post('moss');
  const path = await slow.scene();
  expect((await slow.page(path)).status).toBe(200);
  const png = await slow.page(path.replace('.svg', '.png'));
  expect([png.status, JSON.parse(png.text)]).toEqual([503, expect.objectContaining({ reason: 'raster_failed' })]);
  expect((await slow.page(`/sandbox/i/${id}`)).text).toContain(`src="${path}"`);
});

test('what one node did another one shows', async () => {
  const bus = inProcessBus(() => undefined);
  await using one = await sandboxServer({ database: server.database, bus });
  await using other = await sandboxServer({ database: server.database, bus });
  await one.bot('moss');
  await one.bot('kind');
  const seen = async (): Promise<Record<string, unknown>[]> =>
    (await other.call('GET', '/api/showcase', { as: 'kind' })).body['items'];
  expect(await seen()).toEqual([]);
  const id = await one.post('moss');
  await until(async () => (await seen()).length === 1);
  await one.call('PUT', `/api/showcase/${id}/like`, { as: 'kind', body: {} });
  await until(async () => (await seen())[0]?.['likeCount'] === 1);
  await one.form('mia', '/sandbox/me', { quiet: 'yes' });
  await until(async () => (await other.sandbox.quietPeople(projectId)).has('mia'));
  await one.sandbox.setFaults(projectId, [{ kind: '503', match: {}, probability: 1, delayMs: 0 }]);
  await until(async () => (await other.call('GET', '/api/showcase')).status === 503);
  await one.sandbox.setFaults(projectId, []);
  await until(async () => (await other.call('GET', '/api/showcase')).status === 200);
  await one.call('DELETE', '/api/admin/users/uuid-kind');
  await until(async () => (await other.call('GET', '/api/showcase', { as: 'kind' })).status === 403);
});
