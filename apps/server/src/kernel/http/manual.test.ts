import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Manual } from './manual.ts';
import { renderMarkdown } from './manual-page.ts';

const at = { area: 'operate', page: 'install' };
const html = (markdown: string): string => renderMarkdown(markdown, at).html;

test('headings get the anchors that links in the source use', () => {
  expect(html('# Look *after* it\n\n### `secrets_unreadable`\n\n## Look after it')).toBe(
    '<h1 id="look-after-it">Look <em>after</em> it</h1>\n<h3 id="secrets_unreadable"><code>secrets_unreadable</code></h3>\n<h2 id="look-after-it-1">Look after it</h2>\n',
  );
  expect(renderMarkdown('# `a` & b', at).title).toBe('a & b');
});

test.each([
  ['[x](metrics.md)', '<a href="../operate/metrics">x</a>'],
  ['[x](../guides/builds.md#two)', '<a href="../guides/builds#two">x</a>'],
  ['[x](#two)', '<a href="#two">x</a>'],
  ['[x](https://example.org/?a=1&b=2)', '<a href="https://example.org/?a=1&amp;b=2">x</a>'],
  ['[x](../../SECURITY.md)', 'x'],
  ['[x](/etc/passwd)', 'x'],
  ['[x](javascript:alert)', 'x'],
])('%s leads to %s', (markdown, expected) => {
  expect(html(markdown)).toBe(`<p>${expected}</p>\n`);
});

test('nothing of a page runs', () => {
  const text = html('<script>alert(1)</script>\n\na <img src=x onerror=y> b\n\n```html\n<script>\n```');
  expect(text).not.toMatch(/<(script|img)/);
});

test('a changed file is rendered again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-manual-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'operate'));
  const file = join(folder, 'operate/install.md');
  await writeFile(file, '# First');
  await writeFile(join(folder, 'operate/notes.txt'), 'no page');
  const manual = new Manual(folder);
  expect(await manual.pages()).toEqual([at]);
  expect(await manual.html(at, [at])).toContain('<h1 id="first">');
  await writeFile(file, '# Second');
  await utimes(file, 1, 1);
  expect(await manual.html(at, [at])).toContain('<h1 id="second">');
});
