import { chmod, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { allows, blockedAt } from './reach.ts';

const stranger = { name: 'stranger', uid: 54_321, gid: 54_321 };

test('the first folder on the way that is shut is named', async () => {
  const root = await mkdtemp(join(tmpdir(), 'muster-reach-'));
  try {
    await chmod(root, 0o711);
    await mkdir(join(root, 'a/b'), { recursive: true });
    const wanted = join(root, 'a/b/not/there');
    expect(await blockedAt(wanted, stranger)).toBeUndefined();
    await chmod(join(root, 'a'), 0o750);
    expect(await blockedAt(wanted, stranger)).toBe(join(root, 'a'));
    expect(await blockedAt(wanted, { ...stranger, gid: (await stat(root)).gid })).toBeUndefined();
    expect(await blockedAt(wanted, { name: 'ourselves' })).toBeUndefined();
  } finally {
    await rm(root, { recursive: true });
  }
});

test.each([
  [{ uid: 54_321, gid: 1, mode: 0o700 }, true],
  [{ uid: 54_321, gid: 1, mode: 0o077 }, false],
  [{ uid: 1, gid: 54_321, mode: 0o010 }, true],
  [{ uid: 1, gid: 54_321, mode: 0o701 }, false],
  [{ uid: 1, gid: 1, mode: 0o001 }, true],
  [{ uid: 1, gid: 1, mode: 0o770 }, false],
])('%o lets a stranger pass: %s', (found, passes) => {
  expect(allows(found, stranger, 1)).toBe(passes);
});
