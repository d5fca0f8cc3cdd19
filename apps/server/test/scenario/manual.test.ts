import { request } from 'node:http';
import { afterAll, expect, test } from 'vitest';
import { startServer } from '#test/server';

const server = await startServer();
afterAll(() => server[Symbol.asyncDispose]());
const get = (path: string): Promise<Response> => server.call(path, { key: null });

test('the address that failures carry leads to what to do', async () => {
  const page = await get('/docs/operate/troubleshooting');
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; style-src 'self'");
  const html = await page.text();
  expect(html).toContain('<h3 id="command_failed">');
  expect(html).toContain('<title>Troubleshooting · Muster</title>');
  expect(html).toContain('aria-current="page"');
  expect(html).not.toMatch(/<script|https?:\/\/[^"]*\.(css|js)/);
});

test('every page answers, as HTML and as it is, and every link within the guides leads somewhere', async () => {
  const reference = await (await get('/docs')).text();
  const paths = [...reference.matchAll(/href="(docs\/[a-z-]+\/[\w-]+)"/g)].map(([, path]) => `/${path}`);
  expect(paths).toEqual(
    expect.arrayContaining(['/docs/guides/builds', '/docs/operate/install', '/docs/life-of/build']),
  );
  const pages = new Map<string, string>();
  for (const path of paths) {
    pages.set(path, await (await get(path)).text());
    const source = await get(`${path}.md`);
    expect([source.status, source.headers.get('content-type')]).toEqual([200, 'text/markdown; charset=utf-8']);
    expect(await source.text()).toMatch(/^# /);
  }
  const dead: string[] = [];
  for (const [path, html] of pages) {
    for (const [, href = ''] of html.matchAll(/<a href="([^"]+)"/g)) {
      const to = new URL(href, `http://here${path}`);
      if (to.host !== 'here' || to.pathname === '/docs') continue;
      const target = pages.get(to.pathname);
      const anchor = decodeURIComponent(to.hash.slice(1));
      if (target === undefined || (anchor !== '' && !target.includes(`id="${anchor}"`))) dead.push(`${path} → ${href}`);
    }
  }
  expect(dead).toEqual([]);
});

test('the stylesheet is ours and knows dark and light', async () => {
  const style = await get('/docs/manual.css');
  expect(style.headers.get('content-type')).toBe('text/css; charset=utf-8');
  expect(await style.text()).toContain('prefers-color-scheme: dark');
});

test.each([
  '/docs/operate/nothing',
  '/docs/operate/..%2f..%2fREADME',
  '/docs/..%2foperate/install',
  '/docs/%2e%2e/README.md',
  '/docs/operate/%2e%2e%2f%2e%2e%2fpackage.json',
  '/docs/operate/../../README.md',
  '/docs/operate/install.md.md',
  '/docs/operate/install%00',
])('%s is nothing', async (path) => {
  // `fetch` would tidy the path up before it is sent.
  const { hostname, port } = new URL(server.url);
  const status = await new Promise((resolve, reject) => {
    request({ hostname, port, path }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .on('error', reject)
      .end();
  });
  expect([400, 404]).toContain(status);
});
