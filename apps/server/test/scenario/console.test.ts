/* How the console is served: one page for all its paths, written for each request; files for ever; nothing in the way of the API. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '#test/server';

const [first, second] = ['aaaaaaaaaaaa', 'bbbbbbbbbbbb'];
const script = 'console.log("a part of the console, long enough to be packed");';
const page = (build: string): string =>
  `<!doctype html><html lang="en" data-theme="system"><head><base href="/" /><meta name="muster-build" content="" /><script type="module" src="./assets/index-${build}.js"></script></head></html>`;

let folder: string;

async function build(id: string): Promise<void> {
  const own = join(folder, id);
  const name = `assets/index-${id}.js`;
  await mkdir(join(own, 'assets'), { recursive: true });
  await writeFile(join(own, 'index.html'), page(id));
  await writeFile(join(own, name), script);
  await writeFile(join(own, `${name}.gz`), gzipSync(script));
  const files = {
    [name]: { type: 'text/javascript; charset=utf-8', bytes: script.length, gzip: gzipSync(script).length },
    'index.html': { type: 'text/html; charset=utf-8', bytes: page(id).length },
  };
  await writeFile(join(folder, 'current.json'), JSON.stringify({ build: id, stamp: id, files }));
}

const asPage = { accept: 'text/html,application/xhtml+xml' };
const policy =
  /^default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'/;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-dist-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('without a build', () => {
  test('/ says what is missing and what to do, and what the last try said', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'muster-dist-'));
    await writeFile(join(empty, 'failed.txt'), 'src/page.tsx: <unexpected> end');
    await using server = await startServer({ options: { consoleFolder: empty } });
    const answer = await server.call('/', { key: null });
    const text = await answer.text();
    expect(answer.status).toBe(503);
    expect(text).toContain('npm start');
    expect(text).toContain('src/page.tsx: &lt;unexpected&gt; end');
    expect(answer.headers.get('x-muster-build')).toBeNull();
    expect((await server.call('/v1/me')).status).toBe(200);
    await rm(empty, { recursive: true });
  });
});

describe('with one', () => {
  let server: TestServer;
  beforeAll(async () => {
    await build(first);
    server = await startServer({ options: { consoleFolder: folder }, env: { MUSTER_BASE_PATH: '/ops/muster' } });
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    server.call(path, { key: null, headers, redirect: 'manual' });

  test('/ is the page for anybody, with base path, theme and build written into it', async () => {
    const answer = await get('/');
    const text = await answer.text();
    expect(answer.status).toBe(200);
    expect(text).toContain('<base href="/ops/muster/" />');
    expect(text).toContain('data-theme="system"');
    expect(text).toContain(`content="${first}"`);
    expect(answer.headers.get('content-security-policy')).toMatch(policy);
    expect(answer.headers.get('content-security-policy')).not.toContain('unsafe');
    expect(answer.headers.get('cache-control')).toBe('no-cache');
    expect(answer.headers.get('x-muster-build')).toBe(first);
    expect(await (await get('/', { cookie: 'a=1; muster_theme=dark' })).text()).toContain('data-theme="dark"');
    expect(await (await get('/', { cookie: 'muster_theme="><script>' })).text()).toContain('data-theme="system"');
  });

  test('a page that is known is not sent again, and keeps its policy', async () => {
    const etag = (await get('/')).headers.get('etag') ?? '';
    const again = await get('/', { 'if-none-match': `"x", W/${etag}` });
    expect(again.status).toBe(304);
    expect(again.headers.get('content-security-policy')).toMatch(policy);
    expect((await get('/', { 'if-none-match': etag, cookie: 'muster_theme=light' })).status).toBe(200);
  });

  test('any path that is asked for as a page is the page; what belongs to the server is not', async () => {
    for (const path of ['/builds', '/builds/bld_x', '/streams/a/b.json', '/no/such/page'])
      expect((await get(path, asPage)).status, path).toBe(200);
    for (const path of [
      '/v1/nothing',
      '/api/nothing',
      '/sandbox/nothing/at/all',
      '/docs/x/y/z',
      '/public/x',
      '/assets/x.js',
    ])
      expect((await get(path, asPage)).status, path).toBe(404);
    const api = await get('/builds');
    expect([api.status, api.headers.get('content-type')]).toEqual([404, 'application/problem+json']);
    expect((await server.call('/builds', { method: 'POST', headers: asPage })).status).toBe(404);
    expect((await server.call('/builds', { method: 'HEAD', headers: asPage })).status).toBe(200);
  });

  test('files are packed as the browser takes them, and kept for ever', async () => {
    const plain = await get(`/assets/index-${first}.js`, { 'accept-encoding': 'identity' });
    expect(await plain.text()).toBe(script);
    expect(plain.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(plain.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    const packed = await get(`/assets/index-${first}.js`, { 'accept-encoding': 'gzip;q=0.5, br;q=0' });
    expect(packed.headers.get('content-encoding')).toBe('gzip');
    expect(packed.headers.get('vary')).toContain('accept-encoding');
    // fetch has unpacked it.
    expect(await packed.text()).toBe(script);
    for (const name of ['index.html', '..%2Findex.html', '%2e%2e%2findex.html', 'index-cccccccccccc.js'])
      expect((await get(`/assets/${name}`)).status, name).toBeGreaterThanOrEqual(400);
  });

  test('bookmarks of the consoles before lead on, where what they showed is here', async () => {
    const to = async (path: string): Promise<string | null> => (await get(path, asPage)).headers.get('location');
    expect(await to('/agents')).toBe('/ops/muster/gallery/bots');
    expect(await to('/agents/abc')).toBe('/ops/muster/gallery/bots/abc');
    expect(await to('/api-keys')).toBe('/ops/muster/settings/keys');
    expect(await to('/dev/dashboard')).toBe('/ops/muster/system');
    expect(await to('/templates')).toBeNull();
  });

  test('another build is served from the next page on, and told with every answer; the one before still has its files', async () => {
    await build(second);
    expect(await (await get('/')).text()).toContain(second);
    expect((await get('/v1/limits')).headers.get('x-muster-build')).toBe(second);
    expect((await get(`/assets/index-${second}.js`)).status).toBe(200);
    expect((await get(`/assets/index-${first}.js`)).status).toBe(200);
  });
});
