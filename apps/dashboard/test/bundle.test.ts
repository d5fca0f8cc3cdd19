/* What a first visit loads, and what any further part may weigh, of the build that is served (dashboard §2). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { budget, type Sizes } from '../build/budget.ts';
import { noBrowser } from './support/browser.ts';

// The build is made with the browser's setup; without that there may be none.
describe.skipIf(noBrowser)('the built console', async () => {
  const manifest = noBrowser ? '{}' : await readFile(join(import.meta.dirname, '../dist/current.json'), 'utf8');
  const { sizes, files } = JSON.parse(manifest) as {
    sizes: Sizes;
    files: Record<string, { br?: number; gzip?: number }>;
  };

  test('the first load is within its budget', () => {
    expect(sizes.firstFiles.some((name) => name.endsWith('.css'))).toBe(true);
    // A measure that saw nothing measured nothing.
    expect(sizes.firstLoad).toBeGreaterThan(60_000);
    expect(sizes.firstLoad, sizes.firstFiles.join('\n')).toBeLessThanOrEqual(budget.firstLoadBytesMax);
  });

  test('every further part is within its own', () => {
    const large = Object.entries(sizes.chunks).filter(([, bytes]) => bytes > budget.chunkBytesMax);
    expect(Object.keys(sizes.chunks).length).toBeGreaterThan(5);
    expect(large).toEqual([]);
  });

  test('scripts and styles are there packed both ways', () => {
    const plain = Object.entries(files).filter(([name, { br, gzip }]) => name.startsWith('assets/') && (!br || !gzip));
    // Parts of a few bytes are larger packed.
    expect(plain.filter(([name]) => /\/index-.*\.(js|css)$/.test(name))).toEqual([]);
  });
});
