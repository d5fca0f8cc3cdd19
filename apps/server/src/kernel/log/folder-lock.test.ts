import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ColdReads } from './cold-reads.ts';
import { lockFolder } from './folder-lock.ts';

test('a folder has one owner, who is named to the next; it is free again at once', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'muster-lock-'));
  const lock = await lockFolder(dir, 'process 1 on here');
  await expect(lockFolder(`${dir}/../${dir.split('/').at(-1)}`, 'another')).rejects.toMatchObject({
    code: 'conflict',
    reason: 'log_folder_in_use',
    extra: { holder: 'process 1 on here' },
  });
  await lock[Symbol.asyncDispose]();
  await (await lockFolder(dir, 'next'))[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

test('turns for cold reads go round the projects that wait', async () => {
  const cold = new ColdReads(1, 6);
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = cold.run('a', () => gate.promise);
  const rest = ['a', 'a', 'a', 'b', 'b', 'c'].map((project, i) =>
    cold.run(project, () => Promise.resolve(void order.push(`${project}${i}`))),
  );
  await expect(cold.run('d', () => Promise.resolve())).rejects.toMatchObject({
    code: 'exhausted',
    reason: 'reads_waiting_max',
  });
  gate.resolve();
  await Promise.all([first, ...rest]);
  expect(order).toEqual(['a0', 'b3', 'c5', 'a1', 'b4', 'a2']);
  await cold.run('d', () => Promise.reject(new Error('failed'))).catch(() => undefined);
  expect(await cold.run('d', () => Promise.resolve('still turns'))).toBe('still turns');
});
