import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, mkdtemp, open, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGzip } from 'node:zlib';
import { MusterError } from '@muster/protocol/errors';
import { pack as tarPack } from 'tar-stream';

const run = promisify(execFile);
/** Never part of a source, also without a git checkout. */
const leftOut = new Set(['.git', 'node_modules', '.DS_Store']);

/** An archive ready to be sent. Disposing removes the temporary file, if one was made. */
export type Packed = AsyncDisposable & { file: string; sizeBytes: number; entries: number };

/**
 * Takes an archive as it is, or packs a folder as tar.gz: in a git checkout what git would track (so `.gitignore` counts),
 * elsewhere everything but `node_modules` and `.git`; `.musterignore` names further files and folders, one a line.
 */
export async function packSource(path: string): Promise<Packed> {
  const facts = await stat(path).catch(() => undefined);
  if (!facts)
    throw new MusterError('invalid', { reason: 'no_such_file', detail: `There is no file or folder ${path}.` });
  if (facts.isFile())
    return { file: path, sizeBytes: facts.size, entries: 1, [Symbol.asyncDispose]: async () => undefined };
  const names = await listFolder(path);
  if (names.length === 0)
    throw new MusterError('invalid', {
      reason: 'source_missing',
      detail: `The folder ${path} holds no files to send.`,
    });
  const folder = await mkdtemp(join(tmpdir(), 'muster-source-'));
  const file = join(folder, 'source.tar.gz');
  await writeArchive(path, names, file);
  return {
    file,
    sizeBytes: (await stat(file)).size,
    entries: names.length,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function listFolder(folder: string): Promise<string[]> {
  const ignored = await readIgnored(folder);
  const listed = (await listByGit(folder)) ?? (await listAll(folder));
  return listed.filter((name) => !ignored.some((entry) => name === entry || name.startsWith(`${entry}/`))).toSorted();
}

async function readIgnored(folder: string): Promise<string[]> {
  const text = await readFile(join(folder, '.musterignore'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .map((line) => line.trim().replace(/\/$/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'));
}

async function listByGit(folder: string): Promise<string[] | undefined> {
  try {
    const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: folder,
      maxBuffer: 256 * 2 ** 20,
    });
    const names = stdout.split('\0').filter((name) => name !== '');
    // Tracked files that were deleted in the working tree are listed all the same.
    const there = await Promise.all(
      names.map((name) =>
        lstat(join(folder, name)).then(
          (facts) => !facts.isDirectory(),
          () => false,
        ),
      ),
    );
    return names.filter((_, i) => there[i]);
  } catch {
    return undefined;
  }
}

async function listAll(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((name) => !name.split('/').some((part) => leftOut.has(part)));
}

async function writeArchive(folder: string, names: readonly string[], file: string): Promise<void> {
  const tar = tarPack();
  const written = pipeline(tar, createGzip(), createWriteStream(file));
  // The reader of the archive fails first when the disk is full; without this its error would have no owner.
  written.catch((error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))));
  for (const name of names) await addEntry(tar, folder, name);
  tar.finalize();
  await written;
}

async function addEntry(tar: ReturnType<typeof tarPack>, folder: string, name: string): Promise<void> {
  const path = join(folder, name);
  const facts = await lstat(path);
  // Owner and times are left out: the same folder gives the same bytes.
  const header = { name, mode: facts.mode & 0o777, mtime: new Date(0) };
  if (facts.isSymbolicLink()) {
    tar.entry({ ...header, type: 'symlink', linkname: await readlink(path) });
    return;
  }
  if (!facts.isFile()) return;
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const entry = tar.entry({ ...header, size });
    if (size === 0) entry.end(new Uint8Array());
    else await pipeline(createReadStream(path, { fd: handle, autoClose: false, end: size - 1 }), entry);
  } finally {
    await handle.close();
  }
}
