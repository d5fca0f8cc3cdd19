import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockDataFolder, lockHolder } from './lock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-lock-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The socket a process leaves behind that was killed. */
async function leaveDeadSocket(): Promise<void> {
  const path = join(folder, 'server.sock');
  const child = spawn(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`,
  ]);
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await readdir(folder)).toContain('server.sock');
}

test('the holder answers with its instance, and its URL once it has one', async () => {
  await using lock = await lockDataFolder(folder, { instance: 'one' });
  expect(await lockHolder(folder)).toEqual({ instance: 'one', pid: process.pid });
  lock.announce('http://127.0.0.1:4000');
  await expect(lockDataFolder(folder, { instance: 'two' })).rejects.toMatchObject({
    code: 'conflict',
    reason: 'data_folder_in_use',
    message: expect.stringContaining('http://127.0.0.1:4000'),
  });
  expect(lock.isHeld()).toBe(true);
});

test('released, it is free and leaves no file', async () => {
  const first = await lockDataFolder(folder, { instance: 'one' });
  await first[Symbol.asyncDispose]();
  expect([await lockHolder(folder), await readdir(folder), first.isHeld()]).toEqual(['nobody', [], false]);
  await using second = await lockDataFolder(folder, { instance: 'two' });
  expect(second.isHeld()).toBe(true);
});

test('of many at once over a dead socket one gets it', async () => {
  for (let round = 0; round < 10; round++) {
    await leaveDeadSocket();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 12 }, (_, i) => lockDataFolder(folder, { instance: `${i}` })),
    );
    const won = outcomes.filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value);
    expect(won).toHaveLength(1);
    expect(won[0]?.isHeld()).toBe(true);
    await won[0]?.[Symbol.asyncDispose]();
  }
  expect(await readdir(folder)).toEqual([]);
}, 20_000);

test('a file of that name is no holder', async () => {
  await writeFile(join(folder, 'server.sock'), 'not a socket');
  await using lock = await lockDataFolder(folder, { instance: 'one' });
  expect(lock.isHeld()).toBe(true);
});

test('a holder that says nothing, or nonsense, still holds', async () => {
  for (const words of ['', 'nonsense\n', 'x'.repeat(10_000)]) {
    const server = createServer((socket) => void socket.on('error', () => undefined).end(words));
    await new Promise<void>((resolve) => server.listen(join(folder, 'server.sock'), resolve));
    await expect(lockDataFolder(folder, { instance: 'one' })).rejects.toMatchObject({ reason: 'data_folder_in_use' });
    await new Promise((resolve) => server.close(resolve));
  }
});

test('a removed socket is noticed', async () => {
  await using lock = await lockDataFolder(folder, { instance: 'one' });
  await rm(join(folder, 'server.sock'));
  expect(lock.isHeld()).toBe(false);
});

test('a path too long for a socket works all the same', async () => {
  const long = join(folder, 'very long name '.repeat(12).trim());
  await mkdir(long);
  await using lock = await lockDataFolder(long, { instance: 'one' });
  expect(lock.isHeld()).toBe(true);
  await expect(lockDataFolder(long, { instance: 'two' })).rejects.toMatchObject({ reason: 'data_folder_in_use' });
});

test('a folder that is not there says so', async () => {
  await expect(lockDataFolder(join(folder, 'missing'), { instance: 'one' })).rejects.toMatchObject({
    reason: 'postgres_no_rights',
  });
});
