import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { arm } from '#kernel/base';
import { type BlobStore, openDiskBlobs, putBlob } from './index.ts';

const MB = 1024 * 1024;
const child = path.join(import.meta.dirname, '../../../test/support/blob-child.ts');
let base: string;
let folder: string;
let store: BlobStore;

beforeEach(async () => {
  base = await mkdtemp(path.join(tmpdir(), 'muster-disk-'));
  folder = path.join(base, 'root');
  store = await openDiskBlobs({ folder });
});
afterEach(() => rm(base, { recursive: true, force: true }));

async function* once1(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
const staged = (): Promise<string[]> => readdir(path.join(folder, 'tmp'));

describe('nothing outside the root', () => {
  it('refuses every name that could lead to a sibling folder that starts with the same letters', async () => {
    await mkdir(path.join(base, 'root-evil'));
    await writeFile(path.join(base, 'root-evil', 'secret'), 'secret');
    for (const key of ['../root-evil/secret', '../../root-evil/secret', `${base}/root-evil/secret`, '..', 'a\0b']) {
      await expect((async () => store.read(key))()).rejects.toMatchObject({ reason: 'bad_blob_key' });
    }
  });

  it('does not follow a link in place of a blob, for reading, sizes, listing or removal', async () => {
    await writeFile(path.join(base, 'secret'), 'secret');
    await mkdir(path.join(folder, 'data', 'a'));
    await symlink(path.join(base, 'secret'), path.join(folder, 'data', 'a', 'link'));
    await expect(store.read('a/link')).rejects.toMatchObject({ reason: 'blob_gone' });
    expect(await store.stat('a/link')).toBeUndefined();
    expect(await store.list('a/')).toEqual([]);
    await store.remove('a/link');
    expect(await readFile(path.join(base, 'secret'), 'utf8')).toBe('secret');
  });

  it('replaces a link in place of a blob instead of writing through it', async () => {
    await writeFile(path.join(base, 'secret'), 'secret');
    await mkdir(path.join(folder, 'data', 'a'));
    await symlink(path.join(base, 'secret'), path.join(folder, 'data', 'a', 'link'));
    await putBlob(store, 'a/link', once1(Buffer.from('mine')), 4);
    expect(await readFile(path.join(base, 'secret'), 'utf8')).toBe('secret');
    expect((await buffer(await store.read('a/link'))).toString()).toBe('mine');
  });

  it('does not go through a linked folder', async () => {
    await mkdir(path.join(base, 'elsewhere'));
    await writeFile(path.join(base, 'elsewhere', 'x'), 'secret');
    await symlink(path.join(base, 'elsewhere'), path.join(folder, 'data', 'linked'));
    await expect(store.read('linked/x')).rejects.toMatchObject({ reason: 'blob_gone' });
    expect(await store.stat('linked/x')).toBeUndefined();
    await expect(putBlob(store, 'linked/y', once1(Buffer.from('y')), 1)).rejects.toMatchObject({
      reason: 'blob_folder_linked',
    });
    expect(await readdir(path.join(base, 'elsewhere'))).toEqual(['x']);
    expect(await staged()).toEqual([]);
  });

  it('does not follow a link in place of a staged part', async () => {
    await writeFile(path.join(base, 'secret'), 'secret');
    await symlink(path.join(base, 'secret'), path.join(folder, 'tmp', 'u.1.up'));
    const part = await store.resumable('u/1');
    expect(await part.offset()).toBe(0);
    await expect(part.append(once1(Buffer.from('x')), 1)).rejects.toThrow();
    expect(await readFile(path.join(base, 'secret'), 'utf8')).toBe('secret');
  });

  it.skipIf(process.platform === 'win32')('serves regular files only, and a FIFO does not hang it', async () => {
    await mkdir(path.join(folder, 'data', 'a', 'folder'), { recursive: true });
    expect(spawnSync('mkfifo', [path.join(folder, 'data', 'a', 'fifo')]).status).toBe(0);
    for (const key of ['a/folder', 'a/fifo']) {
      await expect(store.read(key)).rejects.toMatchObject({ reason: 'blob_gone' });
      expect(await store.stat(key)).toBeUndefined();
    }
  });

  it('takes the longest key, and keeps its files to its own user', async () => {
    const key = `${'a'.repeat(79)}/${'b'.repeat(120)}`;
    await putBlob(store, key, once1(Buffer.from('x')), 1);
    expect((await (await store.resumable(key)).finish()).bytes).toBe(1);
    if (process.platform !== 'win32') {
      expect((await stat(path.join(folder, 'data', key))).mode & 0o777).toBe(0o600);
      expect((await stat(path.join(folder, 'data', 'a'.repeat(79)))).mode & 0o777).toBe(0o700);
    }
  });

  it('may itself stand behind a link', async () => {
    await rename(folder, path.join(base, 'big-disk'));
    await symlink(path.join(base, 'big-disk'), folder);
    const linked = await openDiskBlobs({ folder });
    await putBlob(linked, 'a/1', once1(Buffer.from('x')), 1);
    expect(await linked.stat('a/1')).toEqual({ bytes: 1 });
  });
});

describe('staging', () => {
  it('syncs before it publishes', async () => {
    const seen: string[] = [];
    using _staged = arm('blob.staged', async () => {
      seen.push(`staged:${(await store.stat('a/1')) === undefined}`);
    });
    using _renamed = arm('blob.renamed', async () => {
      seen.push(`renamed:${(await store.stat('a/1'))?.bytes}`);
    });
    await putBlob(store, 'a/1', once1(Buffer.from('abc')), 3);
    expect(seen).toEqual(['staged:true', 'renamed:3']);
    expect(await staged()).toEqual([]);
  });

  it('sweeps what a dead process left, but not a write in progress', async () => {
    await writeFile(path.join(folder, 'tmp', 'blb_dead.part'), 'x'.repeat(100));
    const writer = await store.create('a/1');
    await writer.write(Buffer.from('mine'));
    const old = new Date('2020-01-01');
    for (const name of await staged()) await utimes(path.join(folder, 'tmp', name), old, old);
    expect(await store.sweepStaging(0)).toEqual({ removed: 1, bytes: 100 });
    expect((await writer.commit()).bytes).toBe(4);
    await putBlob(store, 'a/2', once1(Buffer.from('x')), 1);
  });

  it('refuses two writes at once, and a write after commit', async () => {
    const writer = await store.create('a/1');
    const first = writer.write(Buffer.from('a'));
    await expect(writer.write(Buffer.from('b'))).rejects.toThrow('one chunk at a time');
    await first;
    await writer.commit();
    await expect(writer.write(Buffer.from('c'))).rejects.toThrow('invariant');
    await expect(writer.commit()).rejects.toThrow('invariant');
  });
});

/** Runs test/support/blob-child.ts; `limitKiB` is the largest file the kernel lets it write. */
function run(args: string[], limitKiB = 'unlimited'): { status: number | null; out: string } {
  const command = `ulimit -f ${limitKiB} && exec "$0" "$@"`;
  const done = spawnSync('bash', ['-c', command, process.execPath, child, folder, ...args], { encoding: 'utf8' });
  return { status: done.status, out: done.stdout.trim() + done.stderr.trim() };
}

describe.skipIf(process.platform === 'win32')('faults', () => {
  it('says disk_full, removes the staged file, and goes on with smaller ones', () => {
    expect(run(['put', 'a/big', String(3 * MB)], '1024')).toEqual({ status: 0, out: 'unavailable disk_full 30000' });
    expect(run(['ls-staged'])).toEqual({ status: 0, out: '' });
    expect(run(['put', 'a/small', '1000'], '1024').out).toMatch(/^1000 /);
  });

  it('keeps the acknowledged bytes of a resumable part when the disk is full, and only those', async () => {
    expect(run(['append', 'u/1', '500000']).out).toBe('500000 whole');
    expect(run(['append', 'u/1', String(3 * MB)], '1024').out).toBe('unavailable disk_full 30000');
    expect(await (await store.resumable('u/1')).offset()).toBe(500_000);
    expect((await stat(path.join(folder, 'tmp', 'u.1.up'))).size).toBe(500_000);
  });

  it('says storage_error when the folder is gone', async () => {
    await rm(path.join(folder, 'tmp'), { recursive: true });
    await expect(store.create('a/1')).rejects.toMatchObject({ code: 'unavailable', reason: 'storage_error' });
  });

  it('keeps what was acknowledged over kill -9 in the middle of an append', async () => {
    const process_ = spawn(process.execPath, [child, folder, 'append-forever', 'u/1'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let acknowledged = 0;
    for await (const line of process_.stdout) {
      acknowledged = Number(String(line).trim().split('\n').at(-1));
      if (acknowledged >= 4 * MB) break;
    }
    process_.kill('SIGKILL');
    await once(process_, 'exit');
    const part = await store.resumable('u/1');
    const offset = await part.offset();
    expect(offset).toBeGreaterThanOrEqual(acknowledged);
    const expected = createHash('sha256');
    for (let at = 0; at < offset; at++) expected.update(Uint8Array.of(at % 251));
    expect(await part.finish()).toEqual({ bytes: offset, sha256: expected.digest('hex') });
  });

  it.each([
    ['blob.staged', false],
    ['blob.renamed', true],
  ])('killed at %s, a blob is there whole or not at all', async (point, there) => {
    const process_ = spawn(process.execPath, [child, folder, 'put-killed-at', 'a/1', point], { stdio: 'inherit' });
    const [, signal] = (await once(process_, 'exit')) as [number | null, string | null];
    expect(signal).toBe('SIGKILL');
    expect(await store.stat('a/1')).toEqual(there ? { bytes: 100_000 } : undefined);
    expect((await staged()).length).toBe(there ? 0 : 1);
  });

  it('finishing again after a kill between rename and answer gives the facts', async () => {
    const process_ = spawn(process.execPath, [child, folder, 'finish-killed-at', 'u/9', 'blob.renamed'], {
      stdio: 'inherit',
    });
    await once(process_, 'exit');
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 251));
    expect(await (await store.resumable('u/9')).finish()).toEqual({
      bytes: 100_000,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
  });

  it('holds no more memory for 1 GB in and out', { timeout: 120_000 }, () => {
    const { status, out } = run(['memory', 'a/1g', String(1024 * MB)]);
    expect(status, out).toBe(0);
    const [put = 99, parts = 99, read = 999] = out.split(' ').map(Number);
    expect(put, 'MB more while putting').toBeLessThan(16);
    expect(parts, 'MB more while appending').toBeLessThan(16);
    // Node makes a new buffer per chunk it reads and V8 collects them once 64 MB have piled up, whatever the blob's size.
    expect(read, 'MB more while reading').toBeLessThan(96);
  });
});
