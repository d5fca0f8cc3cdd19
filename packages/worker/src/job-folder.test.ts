import { spawn } from 'node:child_process';
import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tempDir } from '../test/support/temp-dir.ts';
import { lockDir } from './dir-lock.ts';
import { leftFolders, makeJobFolder, removeJobFolder } from './job-folder.ts';
import { startTimeOf } from './process-table.ts';
import { type AttemptState, readState, writeState } from './state-file.ts';

describe('the folder of an attempt', () => {
  test('is fresh, and nobody else’s', async () => {
    const dir = await tempDir();
    const first = await makeJobFolder(dir, 'bld_1', 2);
    await writeFile(join(first.work, 'old'), 'x');
    const folder = await makeJobFolder(dir, 'bld_1', 2);
    expect(await readdir(folder.work)).toEqual([]);
    for (const path of [folder.root, folder.work, folder.home, folder.artifacts, folder.certs, folder.log]) {
      expect((await stat(path)).mode & 0o777).toBe(0o700);
    }
    expect(await leftFolders(dir)).toEqual([{ buildId: 'bld_1', term: 2, folder }]);
  });

  test.each(['../bld', 'a/b', '', '.', 'x'.repeat(65)])('a server cannot name it %j', async (id) => {
    await expect(makeJobFolder(await tempDir(), id, 1)).rejects.toThrow(/cannot name a folder/);
  });

  test('goes away, also when the build took its own rights away', async () => {
    const dir = await tempDir();
    const folder = await makeJobFolder(dir, 'bld_1', 1);
    await mkdir(join(folder.work, 'locked/deep'), { recursive: true });
    await writeFile(join(folder.work, 'locked/deep/file'), 'x');
    await chmod(join(folder.work, 'locked'), 0o000);
    await removeJobFolder(folder);
    await removeJobFolder(folder);
    expect(await readdir(dir)).toEqual([]);
  });

  test('what a crash left half removed goes away at the next start', async () => {
    const dir = await tempDir();
    await mkdir(join(dir, 'bld_1-1.removing/work'), { recursive: true });
    await mkdir(join(dir, 'something-else'));
    expect(await leftFolders(dir)).toEqual([]);
    expect(await readdir(dir)).toEqual(['something-else']);
  });
});

describe('the state of an attempt', () => {
  const state: AttemptState = {
    version: 1,
    buildId: 'bld_1',
    term: 1,
    url: 'http://x',
    token: 'bld_t',
    heartbeatEveryMs: 10_000,
    stage: 'running',
    group: 7,
    startedAt: 'b/1',
  };

  test('is read as written, by nobody else', async () => {
    const dir = await tempDir();
    await writeState(dir, state);
    expect(await readState(dir)).toEqual(state);
    expect((await stat(join(dir, 'state.json'))).mode & 0o777).toBe(0o600);
  });

  test('that is no state is none', async () => {
    const dir = await tempDir();
    expect(await readState(dir)).toBeUndefined();
    for (const text of ['', '{', 'null', '{"version":2}', '[]']) {
      await writeFile(join(dir, 'state.json'), text);
      expect(await readState(dir)).toBeUndefined();
    }
  });
});

describe('the lock of a folder', () => {
  test('one worker at a time, the next one after it', async () => {
    const dir = join(await tempDir(), 'new');
    const lock = await lockDir(dir);
    await expect(lockDir(dir)).rejects.toThrow(`process ${process.pid}`);
    await lock[Symbol.asyncDispose]();
    await using again = await lockDir(dir);
    expect(again).toBeDefined();
  });

  test('of a dead process, or of one that only has its number, does not count', async () => {
    const dir = await tempDir();
    await writeFile(join(dir, 'worker.lock'), JSON.stringify({ pid: 2 ** 22 - 1, startedAt: 'x' }));
    await (await lockDir(dir))[Symbol.asyncDispose]();
    await writeFile(join(dir, 'worker.lock'), JSON.stringify({ pid: process.pid, startedAt: 'another life' }));
    await (await lockDir(dir))[Symbol.asyncDispose]();
    await writeFile(join(dir, 'worker.lock'), 'garbage');
    await (await lockDir(dir))[Symbol.asyncDispose]();
  });

  test('of another living process holds', async () => {
    const dir = await tempDir();
    const child = spawn('sleep', ['60']);
    await writeFile(
      join(dir, 'worker.lock'),
      JSON.stringify({ pid: child.pid, startedAt: await startTimeOf(child.pid ?? 0) }),
    );
    await expect(lockDir(dir)).rejects.toThrow('another worker');
    child.kill('SIGKILL');
  });
});
