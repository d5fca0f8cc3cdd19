import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, realpath } from 'node:fs/promises';
import path from 'node:path';
import { internal } from '#kernel/base';
import type { BlobKey } from './blobs.ts';
import { codeOf } from './faults.ts';
import { checkKey } from './keys.ts';

/**
 * Where a store's files are. Three walls stand between a key and a file outside the root: the key's alphabet, the
 * resolved path compared with the root plus separator (so `root-evil` beside `root` is outside), and the real path of
 * the file's folder compared with its name, so no symbolic link may lead away on the way down. The file itself is opened
 * with O_NOFOLLOW and must be a regular file.
 */
export class DiskFiles {
  readonly staging: string;
  readonly #published: string;

  private constructor(root: string) {
    this.staging = path.join(root, 'tmp');
    this.#published = path.join(root, 'data');
  }

  /** Makes the folders when they are missing. The root itself may be a symbolic link: that is the operator's choice. */
  static async at(folder: string): Promise<DiskFiles> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const files = new DiskFiles(await realpath(folder));
    await mkdir(files.staging, { recursive: true, mode: 0o700 });
    await mkdir(files.#published, { recursive: true, mode: 0o700 });
    await syncFolder(path.dirname(files.staging));
    return files;
  }

  get root(): string {
    return this.#published;
  }

  pathOf(key: BlobKey): string {
    return within(this.#published, checkKey(key));
  }

  /** A write that nobody can resume. `name` is fresh. */
  writerPath(name: string): string {
    return within(this.staging, `${checkKey(name)}.part`);
  }

  /** The staged bytes of a resumable blob: `.` is not in a key's alphabet, so two keys never meet in one name. */
  resumablePath(key: BlobKey): string {
    return within(this.staging, `${checkKey(key).replaceAll('/', '.')}.up`);
  }

  /** Opens an existing regular file; `undefined` when there is none under this name. */
  async open(file: string, flags: number): Promise<FileHandle | undefined> {
    if (!(await this.#straight(file))) return undefined;
    try {
      // O_NONBLOCK: opening a FIFO somebody put there must not hang a thread.
      const handle = await open(file, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600);
      if ((await handle.stat()).isFile()) return handle;
      await handle.close();
      return undefined;
    } catch (error) {
      if (absent(error)) return undefined;
      throw error;
    }
  }

  /** Size and time of a regular file; `undefined` for anything else. */
  async stat(file: string): Promise<{ bytes: number; modifiedAt: number } | undefined> {
    if (!(await this.#straight(file))) return undefined;
    try {
      const found = await lstat(file);
      return found.isFile() ? { bytes: found.size, modifiedAt: found.mtimeMs } : undefined;
    } catch (error) {
      if (absent(error)) return undefined;
      throw error;
    }
  }

  /** Whether the file's folder exists and no link stands on the way to it. */
  async #straight(file: string): Promise<boolean> {
    const folder = path.dirname(file);
    try {
      return (await realpath(folder)) === folder;
    } catch (error) {
      if (absent(error)) return false;
      throw error;
    }
  }

  /** Makes the folder of a blob, each new level synced into its parent, and refuses one that leads elsewhere. */
  async makeFolderOf(file: string): Promise<void> {
    const folder = path.dirname(file);
    const first = await mkdir(folder, { recursive: true, mode: 0o700 });
    if ((await realpath(folder)) !== folder) throw internal('blob_folder_linked', 'A blob folder is a link.');
    if (first === undefined) return;
    for (let made = folder; made.length >= first.length; made = path.dirname(made))
      await syncFolder(path.dirname(made));
  }
}

/** Windows has neither O_NOFOLLOW nor O_NONBLOCK; there they are undefined, which counts as 0 in an `|`. */
export const newFileFlags: number = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** ELOOP is what O_NOFOLLOW says about a link; a link is never one of our blobs. */
const absent = (error: unknown): boolean => ['ENOENT', 'ENOTDIR', 'ELOOP', 'EMLINK'].includes(codeOf(error) ?? '');

function within(root: string, relative: string): string {
  const resolved = path.resolve(root, relative);
  if (!resolved.startsWith(root + path.sep)) throw internal('bad_blob_key', 'A blob key leads out of the store.');
  return resolved;
}

/** Makes a rename or a new entry in `folder` survive a power cut. Windows has no such call and needs none. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** `write` may take less than it was given; this goes on until all is taken or the disk says why not. */
export async function writeFully(handle: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  let taken = 0;
  while (taken < chunk.length) {
    const { bytesWritten } = await handle.write(chunk, taken, chunk.length - taken, position + taken);
    taken += bytesWritten;
  }
}
