import { appendFile, type FileHandle, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { outboxSuite } from '../../test/support/outbox-suite.ts';
import type { Entry } from '../index.ts';
import { fileOutbox } from './index.ts';

async function newFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-outbox-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'deep', 'p.outbox');
}
const entry = (id: number, message: string, mark?: string): Entry => ({ id, message, contentType: 'text/plain', mark });

describe('as every outbox', () => {
  outboxSuite(async () => {
    const path = await newFile();
    return { again: async () => fileOutbox(path) };
  });
});

it('a line cut at any byte costs that line, and nothing before it', async () => {
  const path = await newFile();
  const outbox = fileOutbox(path);
  await outbox.open('a p');
  await outbox.add([entry(1, 'one')]);
  const before = (await stat(path)).size;
  await outbox.add([entry(2, 'two', 'm2')]);
  await outbox.close();
  const whole = await readFile(path);
  for (let cut = before; cut < whole.length; cut++) {
    await writeFile(path, whole);
    await truncate(path, cut);
    const torn = fileOutbox(path);
    const { entries, mark } = await torn.open('a p');
    expect(entries.map(({ message }) => message)).toEqual(['one']);
    expect(mark).toBeUndefined();
    await torn.add([entry(2, 'instead')]);
    await torn.close();
    const after = fileOutbox(path);
    expect((await after.open('a p')).entries.map(({ message }) => message)).toEqual(['one', 'instead']);
    await after.close();
  }
});

it('what power left behind the last sync counts for nothing', async () => {
  const path = await newFile();
  const outbox = fileOutbox(path);
  await outbox.open('a p');
  await outbox.add([entry(1, 'one')]);
  await outbox.close();
  await appendFile(path, `${'\0'.repeat(4_096)}\n{"done":1}\n`);
  const after = fileOutbox(path);
  expect((await after.open('a p')).entries).toHaveLength(1);
  await after.close();
});

it('another stream, another producer or another file is refused', async () => {
  const path = await newFile();
  const outbox = fileOutbox(path);
  await outbox.open('a p');
  await outbox.close();
  await expect(fileOutbox(path).open('b p')).rejects.toMatchObject({ code: 'conflict', reason: 'outbox_differs' });
  await writeFile(path, 'dear diary\n');
  await expect(fileOutbox(path).open('a p')).rejects.toMatchObject({ code: 'invalid', reason: 'outbox_malformed' });
  expect(await readFile(path, 'utf8')).toBe('dear diary\n');
});

it('what the disk did not take is not there after a restart either', async () => {
  const path = await newFile();
  const outbox = fileOutbox(path);
  await outbox.open('a p');
  await outbox.add([entry(1, 'one')]);
  const probe = await open(path, 'r');
  const failing = vi.spyOn(Object.getPrototypeOf(probe) as FileHandle, 'datasync');
  onTestFinished(() => failing.mockRestore());
  await probe.close();
  failing.mockRejectedValueOnce(new Error('no space left on device'));
  await expect(outbox.add([entry(2, 'refused')])).rejects.toThrow('no space');
  await outbox.close();
  const after = fileOutbox(path);
  expect((await after.open('a p')).entries.map(({ message }) => message)).toEqual(['one']);
  await after.close();
});

it('does not grow for ever', async () => {
  const path = await newFile();
  const outbox = fileOutbox(path, { sync: false });
  await outbox.open('a p');
  const big = 'x'.repeat(100_000);
  for (let id = 1; id <= 200; id++) {
    await outbox.add([entry(id, big, String(id))]);
    await outbox.assign({ epoch: 1, seq: id, count: 1 });
    await outbox.settle(1);
  }
  expect((await stat(path)).size).toBeLessThan(5 * 2 ** 20);
  await outbox.add([entry(201, 'last')]);
  await outbox.close();
  const after = fileOutbox(path);
  const { entries, mark, epoch } = await after.open('a p');
  await after.close();
  expect([entries.map(({ message }) => message), mark, epoch]).toEqual([['last'], '200', 1]);
});
