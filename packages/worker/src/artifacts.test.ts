import { link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { tempDir } from '../test/support/temp-dir.ts';
import { artifactName, findArtifacts } from './artifacts.ts';
import { type JobFolder, makeJobFolder } from './job-folder.ts';

const limits = { artifactBytesMax: 1_000 };

async function folderWith(files: Record<string, string>): Promise<JobFolder> {
  const folder = await makeJobFolder(await tempDir(), 'bld_1', 1);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder.root, path)), { recursive: true });
    await writeFile(join(folder.root, path), text);
  }
  return folder;
}
const namesOf = async (folder: JobFolder, patterns: string[]): Promise<string[]> =>
  (await findArtifacts(folder, patterns, limits)).map((file) => file.name);

test('pattern by pattern, then by path, then what lies in the artifacts folder; each file once', async () => {
  const folder = await folderWith({
    'work/dist/b.tgz': '',
    'work/dist/a.tgz': '',
    'work/report.xml': '',
    'work/src/x.ts': '',
    'artifacts/deep/extra.bin': '',
  });
  expect(await namesOf(folder, ['report.xml', './dist/*.tgz', '**/*.tgz'])).toEqual([
    'report.xml',
    'a.tgz',
    'b.tgz',
    'extra.bin',
  ]);
  expect(await namesOf(folder, [])).toEqual(['extra.bin']);
});

test('links are neither taken nor followed', async () => {
  const folder = await folderWith({ 'work/real/a.txt': '' });
  await symlink('real', join(folder.work, 'folder-link'));
  await symlink('/etc/hostname', join(folder.work, 'file-link.txt'));
  expect(await namesOf(folder, ['**/*.txt'])).toEqual(['a.txt']);
});

test('patterns cannot reach out of the folder', async () => {
  const folder = await folderWith({ 'work/a.txt': '', 'certs/secret.p12': '', 'state.json': '' });
  expect(await namesOf(folder, ['../**', '../certs/*', '/etc/passwd', '**'])).toEqual(['a.txt']);
});

test('names that clash get their folders, then a number', async () => {
  const folder = await folderWith({ 'work/a/out.bin': '', 'work/b/out.bin': '', 'work/b_out.bin': '' });
  await link(join(folder.work, 'b_out.bin'), join(folder.artifacts, 'out.bin'));
  expect(await namesOf(folder, ['b_out.bin', '**/out.bin'])).toEqual([
    'b_out.bin',
    'out.bin',
    '2-out.bin',
    '3-out.bin',
  ]);
});

test.each([
  ['dist/my app (1).tgz', 'dist_my_app_1_.tgz'],
  ['.env', 'env'],
  ['...', 'artifact'],
  [`${'x'.repeat(200)}.tgz`, `${'x'.repeat(116)}.tgz`],
  ['ü.bin', '_.bin'],
])('name of %s', (path, name) => {
  expect(artifactName(path)).toBe(name);
  expect(name).toMatch(/^(?!\.)[A-Za-z0-9._-]{1,120}$/);
});

test('too large, too many', async () => {
  const large = await folderWith({ 'work/a': 'x'.repeat(1_001) });
  await expect(findArtifacts(large, ['a'], limits)).rejects.toMatchObject({
    code: 'artifact_too_large',
    attribution: 'user',
  });
  const many = await folderWith(Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`work/f${i}`, ''])));
  await expect(findArtifacts(many, ['f*'], limits)).rejects.toMatchObject({ code: 'artifact_too_large' });
});
