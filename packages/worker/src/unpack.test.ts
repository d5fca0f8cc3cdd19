import { lstat, mkdir, readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { fileOf, type TarEntry, tarGzOf, tarOf, tarZstOf, type ZipEntry, zipOf } from '../test/support/archives.ts';
import { tempDir } from '../test/support/temp-dir.ts';
import { unpack } from './unpack.ts';
import { unpackLimits } from './unpack-guard.ts';

const never = new AbortController().signal;
const link = 0o120777;

async function unpacked(format: 'zip' | 'tar.gz' | 'tar.zst', data: Buffer, limits = unpackLimits): Promise<string> {
  const dir = await tempDir();
  const into = join(dir, 'a', 'work');
  await mkdir(into, { recursive: true });
  const archive = await fileOf(join(dir, 'source.part'), data);
  try {
    await unpack(archive, format, into, never, limits);
  } finally {
    // Whatever the archive was: nothing beside its own folder.
    expect(await readdir(dir)).toEqual(expect.not.arrayContaining(['evil']));
    expect(await readdir(join(dir, 'a'))).toEqual(['work']);
  }
  return into;
}
const zip = (entries: ZipEntry[], limits = unpackLimits): Promise<string> => unpacked('zip', zipOf(entries), limits);
const tar = async (entries: TarEntry[], limits = unpackLimits): Promise<string> =>
  unpacked('tar.gz', await tarGzOf(entries), limits);
const refused = (code: string): object => expect.objectContaining({ name: 'BuildFailure', code, attribution: 'user' });

describe('good archives', () => {
  test('zip: files, folders, executables, links', async () => {
    const into = await zip([
      { name: 'src/', mode: 0o040755 },
      { name: 'src/main.js', data: 'x'.repeat(1_000) },
      { name: 'run.sh', data: '#!/bin/sh', mode: 0o100755 },
      { name: 'deep/er/file', data: 'd' },
      { name: 'link', data: 'src/main.js', mode: link },
      { name: 'windows\\name.txt', data: 'w' },
    ]);
    expect(await readFile(join(into, 'src/main.js'), 'utf8')).toHaveLength(1_000);
    expect((await stat(join(into, 'run.sh'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(into, 'deep/er/file'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(into, 'deep'))).mode & 0o777).toBe(0o700);
    expect(await readlink(join(into, 'link'))).toBe('src/main.js');
    expect(await readFile(join(into, 'windows/name.txt'), 'utf8')).toBe('w');
  });

  test.each(['tar.gz', 'tar.zst'] as const)('%s: files, hard links, long names, a name twice', async (format) => {
    const long = `${'long/'.repeat(40)}name`;
    const entries: TarEntry[] = [
      { name: './', type: 'directory' },
      { name: './a.txt', data: 'old' },
      { name: 'a.txt', data: 'new', mode: 0o755 },
      { name: 'b.txt', type: 'link', linkname: './a.txt' },
      { name: 'set-gid-folder/', type: 'directory', mode: 0o2755 },
      { name: 'up', type: 'symlink', linkname: 'set-gid-folder/../a.txt' },
      { name: long, data: 'l' },
      { name: 'empty' },
    ];
    const into = await unpacked(format, await (format === 'tar.gz' ? tarGzOf : tarZstOf)(entries));
    expect(await readFile(join(into, 'a.txt'), 'utf8')).toBe('new');
    expect(await readFile(join(into, 'b.txt'), 'utf8')).toBe('new');
    expect(await readFile(join(into, 'up'), 'utf8')).toBe('new');
    expect(await readFile(join(into, long), 'utf8')).toBe('l');
    expect((await stat(join(into, 'a.txt'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(into, 'set-gid-folder'))).mode & 0o7777).toBe(0o700);
    expect((await stat(join(into, 'empty'))).size).toBe(0);
  });

  test('a link that points nowhere is made, as it was', async () => {
    const into = await tar([{ name: 'dangling', type: 'symlink', linkname: 'made/by/the/build' }]);
    expect((await lstat(join(into, 'dangling'))).isSymbolicLink()).toBe(true);
  });
});

describe('unsafe archives', () => {
  const names = [
    '../evil',
    'a/../../evil',
    '/evil',
    'C:\\evil',
    'a/b/../../../evil',
    '..',
    'nul\0name',
    'x'.repeat(256),
    'y/'.repeat(2_500),
  ];
  test.each(names)('zip name %j', (name) =>
    expect(zip([{ name, data: 'x' }])).rejects.toEqual(refused('source_unsafe')),
  );
  test('zip name ..\\evil', () =>
    expect(zip([{ name: '..\\evil', data: 'x' }])).rejects.toEqual(refused('source_unsafe')));
  test.each(['../evil', 'a/../../evil', '/evil', 'a/b/../../../evil', '..'])('tar name %j', (name) =>
    expect(tar([{ name, data: 'x' }])).rejects.toEqual(refused('source_unsafe')),
  );

  const links: [string, TarEntry[]][] = [
    ['to an absolute name', [{ name: 'l', type: 'symlink', linkname: '/etc' }]],
    ['out of the folder', [{ name: 'a/l', type: 'symlink', linkname: '../../evil' }]],
    [
      'out through another link',
      [
        { name: 'p/q/up', type: 'symlink', linkname: '../..' },
        { name: 'l', type: 'symlink', linkname: 'p/q/up/../evil' },
      ],
    ],
    [
      'out through a link that comes later',
      [
        { name: 'l', type: 'symlink', linkname: 'p/q/up/../evil' },
        { name: 'p/q/up', type: 'symlink', linkname: '../..' },
      ],
    ],
    [
      'in a circle',
      [
        { name: 'a', type: 'symlink', linkname: 'b' },
        { name: 'b', type: 'symlink', linkname: 'a' },
      ],
    ],
    [
      'with a file written behind it',
      [
        { name: 'l', type: 'symlink', linkname: 'inside' },
        { name: 'l/file', data: 'x' },
      ],
    ],
    [
      'with a file of its name after it',
      [
        { name: 'l', type: 'symlink', linkname: 'x' },
        { name: 'l', data: 'x' },
      ],
    ],
    [
      'with a file of its name before it',
      [
        { name: 'l', data: 'x' },
        { name: 'l', type: 'symlink', linkname: 'x' },
      ],
    ],
    ['hard, to an absolute name', [{ name: 'l', type: 'link', linkname: '/etc/passwd' }]],
    ['hard, out of the folder', [{ name: 'l', type: 'link', linkname: '../evil' }]],
    [
      'hard, to a symbolic one',
      [
        { name: 's', type: 'symlink', linkname: 'x' },
        { name: 'l', type: 'link', linkname: 's' },
      ],
    ],
  ];
  test.each(links)('tar link %s', (_, entries) => expect(tar(entries)).rejects.toEqual(refused('source_unsafe')));
  test('zip link out of the folder', () =>
    expect(zip([{ name: 'l', data: '../../evil', mode: link }])).rejects.toEqual(refused('source_unsafe')));
  test('zip link with a file behind it', () =>
    expect(
      zip([
        { name: 'l', data: '/tmp', mode: link },
        { name: 'l/evil', data: 'x' },
      ]),
    ).rejects.toEqual(refused('source_unsafe')));

  test.each(['character-device', 'block-device', 'fifo'] as const)('tar %s', (type) =>
    expect(tar([{ name: 'd', type }])).rejects.toEqual(refused('source_unsafe')),
  );
  test('zip device', () => expect(zip([{ name: 'd', mode: 0o020666 }])).rejects.toEqual(refused('source_unsafe')));
  test.each([0o4755, 0o2755])('tar mode %o', (mode) =>
    expect(tar([{ name: 'su', data: 'x', mode }])).rejects.toEqual(refused('source_unsafe')),
  );
  test('zip set-id', () =>
    expect(zip([{ name: 'su', data: 'x', mode: 0o104755 }])).rejects.toEqual(refused('source_unsafe')));
  test('a folder where a file is', () =>
    expect(
      zip([
        { name: 'a', data: 'x' },
        { name: 'a/b', data: 'x' },
      ]),
    ).rejects.toEqual(refused('source_unsafe')));
});

describe('bombs', () => {
  const zeros = Buffer.alloc(8 * 1024 * 1024);
  test('zip ratio', () => expect(zip([{ name: 'z', data: zeros }])).rejects.toEqual(refused('source_unsafe')));
  test('zip ratio over many small entries', () =>
    expect(
      zip(Array.from({ length: 64 }, (_, i) => ({ name: `z${i}`, data: zeros.subarray(0, 256 * 1024) }))),
    ).rejects.toEqual(refused('source_unsafe')));
  test('tar ratio', () => expect(tar([{ name: 'z', data: zeros }])).rejects.toEqual(refused('source_unsafe')));
  test('tar.zst ratio', async () =>
    expect(unpacked('tar.zst', await tarZstOf([{ name: 'z', data: zeros }]))).rejects.toEqual(
      refused('source_unsafe'),
    ));
  test('a megabyte of zeros is nobody’s bomb', async () => {
    const into = await zip([{ name: 'z', data: zeros.subarray(0, 1024 * 1024) }]);
    expect((await stat(join(into, 'z'))).size).toBe(1024 * 1024);
  });
  test('entries', () =>
    expect(
      tar(
        Array.from({ length: 11 }, (_, i) => ({ name: `f${i}` })),
        { ...unpackLimits, entriesMax: 10 },
      ),
    ).rejects.toEqual(refused('source_unsafe')));
  test('bytes', () =>
    expect(tar([{ name: 'f', data: 'x'.repeat(20_000) }], { ...unpackLimits, bytesMax: 10_000 })).rejects.toEqual(
      refused('source_unsafe'),
    ));
  test('folders', () =>
    expect(zip([{ name: `${'d/'.repeat(30)}f` }], { ...unpackLimits, entriesMax: 10 })).rejects.toEqual(
      refused('source_unsafe'),
    ));
});

describe('broken archives', () => {
  test('not an archive', async () => {
    await expect(unpacked('zip', Buffer.from('hello'))).rejects.toEqual(refused('source_corrupt'));
    await expect(unpacked('tar.gz', Buffer.from('hello'))).rejects.toEqual(refused('source_corrupt'));
    await expect(unpacked('tar.zst', Buffer.from('hello'))).rejects.toEqual(refused('source_corrupt'));
    await expect(unpacked('tar.gz', gzipSync('x'.repeat(2_000)))).rejects.toEqual(refused('source_corrupt'));
  });
  test('cut short', async () => {
    const noise = Buffer.from(Array.from({ length: 5_000 }, (_, i) => (i * 7919) % 251));
    const whole = await tarGzOf([{ name: 'a', data: noise }]);
    await expect(unpacked('tar.gz', whole.subarray(0, whole.length - 200))).rejects.toEqual(refused('source_corrupt'));
    const inner = await tarOf([{ name: 'a', data: noise }]);
    await expect(unpacked('tar.gz', gzipSync(inner.subarray(0, 3_000)))).rejects.toEqual(refused('source_corrupt'));
    const zipped = zipOf([{ name: 'a', data: noise }]);
    await expect(unpacked('zip', zipped.subarray(0, zipped.length - 30))).rejects.toEqual(refused('source_corrupt'));
  });
  test('a wrong checksum, a lie about the size, a password, an unknown method', async () => {
    await expect(zip([{ name: 'a', data: 'hello', crc: 1 }])).rejects.toEqual(refused('source_corrupt'));
    await expect(zip([{ name: 'a', data: 'x'.repeat(1_000), size: 10 }])).rejects.toEqual(refused('source_corrupt'));
    await expect(zip([{ name: 'a', data: 'hello', flags: 1 }])).rejects.toEqual(refused('source_corrupt'));
    await expect(zip([{ name: 'a', data: 'hello', method: 99 }])).rejects.toEqual(refused('source_corrupt'));
  });
  test('a stop order is not the archive’s fault', async () => {
    const dir = await tempDir();
    const archive = await fileOf(join(dir, 'source.part'), await tarGzOf([{ name: 'a', data: 'x' }]));
    await mkdir(join(dir, 'work'));
    const stopped = AbortSignal.abort(new Error('stop'));
    await expect(unpack(archive, 'tar.gz', join(dir, 'work'), stopped)).rejects.toThrow('stop');
  });
});
