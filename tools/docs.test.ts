import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSources, root } from './tidy/graph.ts';

const folders = ['docs/guides', 'docs/operate', 'docs/life-of'];
const names = await Promise.all(
  folders.map(async (folder) => (await readdir(join(root, folder))).map((name) => `${folder}/${name}`)),
);
const paths = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', ...names.flat()];
const pages = await Promise.all(paths.map(async (path) => ({ path, text: await readFile(join(root, path), 'utf8') })));

test('every variable that a page names is one that something reads or sets', () => {
  const source = readSources()
    .filter(({ path }) => /^(apps|packages)\/[a-z]+\/src\//.test(path) && !path.endsWith('.test.ts'))
    .map(({ text }) => text)
    .join('\n');
  const known = new Set(source.match(/\bMUSTER_[A-Z0-9_]+/g));
  expect(known.size).toBeGreaterThan(60);
  const unknown = pages.flatMap(({ path, text }) =>
    // `MUSTER_BUILDS_…` names a family.
    [...new Set(text.match(/\bMUSTER_[A-Z0-9_]+\b(?!…)/g))]
      .filter((name) => !known.has(name))
      .map((name) => `${path}: ${name}`),
  );
  expect(unknown).toEqual([]);
});

test('links to a section lead to one', async () => {
  const headings = new Map(pages.map(({ path, text }) => [path, new Set(anchorsOf(text))]));
  const dead = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(((?!https?:)[^)#\s]*)#([^)\s]+)\)/g)].flatMap(([, file = '', anchor = '']) => {
      const target = file === '' ? path : join(path, '..', file);
      return headings.get(target)?.has(anchor) ? [] : [`${path} → ${file}#${anchor}`];
    }),
  );
  expect(dead).toEqual([]);
});

test('only a figure with a benchmark behind it stands in the README', () => {
  const readme = pages.find(({ path }) => path === 'README.md')?.text ?? '';
  const figures = readme
    .split('\n')
    .filter((line) => /\d+\s?(?:ms|µs|MB\/s|\/s|per second)\b/.test(line) && !line.includes('bench/'));
  expect(figures).toEqual([]);
});

/** As the usual renderers make them: lower case, spaces to dashes, everything else but letters, digits, - and _ gone. */
const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
