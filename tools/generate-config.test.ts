import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { generated, pathOf } from './generate-config.ts';

test.each(Object.entries(generated()))('%s is what the schema says', async (file, text) => {
  const found = await readFile(pathOf(file), 'utf8');
  expect(found, `run: node tools/generate-config.ts`).toBe(text);
});
