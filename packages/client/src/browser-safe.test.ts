import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseSync } from 'oxc-parser';
import { expect, it } from 'vitest';

/* `@muster/client` runs in browsers as it is: whatever it loads, near or far, asks nothing of Node. */

const packages = join(import.meta.dirname, '../..');
const doors: Record<string, string> = {
  '@muster/protocol/errors': join(packages, 'protocol/src/base/errors.ts'),
  '@muster/protocol/scopes': join(packages, 'protocol/src/base/scopes.ts'),
};

type Loaded = { files: string[]; foreign: string[] };

/** Every file that is loaded from `entry` on; types are gone by then. */
function load(entry: string, loaded: Loaded = { files: [], foreign: [] }): Loaded {
  if (loaded.files.includes(entry)) return loaded;
  loaded.files.push(entry);
  const { module } = parseSync(entry, readFileSync(entry, 'utf8'));
  const specifiers = [
    ...module.staticImports
      .filter(({ entries }) => entries.length === 0 || entries.some(({ isType }) => !isType))
      .map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest, isType }) => (moduleRequest && !isType ? [moduleRequest.value] : [])),
    ),
    ...module.dynamicImports.map(({ moduleRequest }) => `dynamic:${moduleRequest.start}`),
  ];
  for (const specifier of specifiers) {
    const door = doors[specifier];
    if (specifier.startsWith('.')) load(join(dirname(entry), specifier), loaded);
    else if (door) load(door, loaded);
    else loaded.foreign.push(`${relative(packages, entry)} → ${specifier}`);
  }
  return loaded;
}

it('the main entry loads nothing of Node, and nothing foreign', () => {
  const { files, foreign } = load(join(import.meta.dirname, 'index.ts'));
  expect(foreign).toEqual([]);
  expect(files.length).toBeGreaterThan(20);
  const globals = files.filter((file) =>
    /\b(process|Buffer)\.\w|\brequire\(|__dirname/.test(readFileSync(file, 'utf8')),
  );
  expect(globals).toEqual([]);
});

it('the entry for Node does, so the test can tell', () => {
  const { foreign } = load(join(import.meta.dirname, 'node/index.ts'));
  expect(foreign.filter((each) => each.includes('node:')).length).toBeGreaterThan(3);
});
