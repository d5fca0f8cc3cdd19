import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rotateOutput } from './output.ts';

test('three files at most, and the writer goes on in the file it holds open', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-output-'));
  const path = join(folder, 'postgres.log');
  const held = await open(path, 'a');
  try {
    expect(await rotateOutput(path, 4)).toBe(false);
    for (const text of ['first', 'second', 'third', 'fourth']) {
      await held.write(text);
      expect(await rotateOutput(path, 4)).toBe(true);
    }
    await held.write('now');
    expect((await readdir(folder)).sort()).toEqual(['postgres.log', 'postgres.log.1', 'postgres.log.2']);
    const contents = await Promise.all(['', '.1', '.2'].map((ending) => readFile(path + ending, 'utf8')));
    expect(contents).toEqual(['now', 'fourth', 'third']);
  } finally {
    await held.close();
    await rm(folder, { recursive: true });
  }
});

test('a missing file is nothing to rotate', async () => {
  expect(await rotateOutput('/nonexistent/postgres.log')).toBe(false);
});
