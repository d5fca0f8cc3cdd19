import * as fs from 'node:fs';
import { constants } from 'node:fs';
import * as files from 'node:fs/promises';
import { dirname } from 'node:path';
import { alignedMemory, isAligned } from './aligned-memory.ts';
import { lockFolder } from './folder-lock.ts';
import type { Memory } from './frame.ts';
import { sectorBytes } from './segment.ts';

/** One open file. Every call is whole or it throws; a short write is an error, never a retry. */
export interface DiskFile {
  /** Writes `bytes[from, to)` at `position`. On a file opened `synced` it resolves when the device has them. */
  write(bytes: Uint8Array, from: number, to: number, position: number): Promise<void>;
  /** Fills `into` from `position`; returns how much the file had. */
  read(into: Uint8Array, position: number): Promise<number>;
  sync(): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** What the log needs of a file system, so that tests can own the disk. Names survive a power cut only after `syncDir`. */
export interface Disk {
  /** Excludes every other process from `dir`, naming it in the refusal; gone with the process. */
  lock(dir: string, me: string): Promise<AsyncDisposable>;
  makeDir(dir: string): Promise<void>;
  list(dir: string): Promise<string[]>;
  /** `create` refuses a name that exists. `synced`: each write waits for the device. */
  open(path: string, mode: 'read' | 'write' | 'create', options?: { synced?: boolean }): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  link(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  syncDir(dir: string): Promise<void>;
  /** Bytes this process may still use on the file system of `dir`. */
  free(dir: string): Promise<number>;
}

const flagsOf = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
} as const;

/** Whether one write on an O_DSYNC descriptor is a sync of what it wrote; elsewhere write and fdatasync are two calls. */
const oneCall = process.platform === 'linux';

class RealFile implements DiskFile {
  readonly #fd: number;
  readonly #syncAfter: boolean;
  /** The same file past the page cache: a synced write of whole sectors is then the device's write and nothing else. */
  readonly #direct: number | undefined;

  constructor(fd: number, syncAfter: boolean, direct: number | undefined) {
    this.#fd = fd;
    this.#syncAfter = syncAfter;
    this.#direct = direct;
  }

  write(bytes: Uint8Array, from: number, to: number, position: number): Promise<void> {
    const direct = position % sectorBytes === 0 && isAligned(bytes, from, to, sectorBytes) ? this.#direct : undefined;
    return new Promise((resolve, reject) => {
      fs.write(direct ?? this.#fd, bytes, from, to - from, position, (error, written) => {
        if (error) return reject(error);
        if (written !== to - from) return reject(new Error(`short write: ${written} of ${to - from} bytes`));
        if (!this.#syncAfter) return resolve();
        fs.fdatasync(this.#fd, (failed) => (failed ? reject(failed) : resolve()));
      });
    });
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    let got = 0;
    while (got < into.length) {
      const more = await new Promise<number>((resolve, reject) => {
        fs.read(this.#fd, into, got, into.length - got, position + got, (error, read) =>
          error ? reject(error) : resolve(read),
        );
      });
      if (more === 0) break;
      got += more;
    }
    return got;
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#fd, (error) => (error ? reject(error) : resolve()));
    });
  }

  size(): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.fstat(this.#fd, (error, stat) => (error ? reject(error) : resolve(stat.size)));
    });
  }

  async close(): Promise<void> {
    if (this.#direct !== undefined) await closed(this.#direct);
    await closed(this.#fd);
  }
}

const closed = (fd: number): Promise<void> =>
  new Promise((resolve, reject) => {
    fs.close(fd, (error) => (error ? reject(error) : resolve()));
  });

const opened = (path: string, flags: number): Promise<number> =>
  new Promise((resolve, reject) => {
    fs.open(path, flags, 0o600, (error, fd) => (error ? reject(error) : resolve(fd)));
  });

let probe: Memory | undefined;

/**
 * A second descriptor of a prepared file, for direct writes. `undefined` where the file system or the device does not take
 * single sectors directly, which a read of one shows: alignment is asked of reads and writes alike.
 */
async function openDirect(path: string): Promise<number | undefined> {
  let fd: number | undefined;
  try {
    const direct = await opened(path, constants.O_RDWR | constants.O_DSYNC | constants.O_DIRECT);
    fd = direct;
    probe ??= alignedMemory(sectorBytes);
    const { bytes } = probe;
    const got = await new Promise<number>((resolve, reject) => {
      fs.read(direct, bytes, 0, sectorBytes, sectorBytes, (error, read) => (error ? reject(error) : resolve(read)));
    });
    if (got === sectorBytes && isAligned(bytes, 0, sectorBytes, sectorBytes)) return direct;
  } catch {
    // Not to be had here: the other descriptor does everything.
  }
  if (fd !== undefined) await closed(fd);
  return undefined;
}

/** The machine's own file system. `sync: false` is for the demo only: nothing waits for the device. */
export function realDisk(options: { sync: boolean } = { sync: true }): Disk {
  return {
    lock: lockFolder,
    async makeDir(dir) {
      await files.mkdir(dir, { recursive: true, mode: 0o700 });
      if (options.sync) await syncFolder(dirname(dir));
    },
    list: (dir) => files.readdir(dir),
    async open(path, mode, { synced = false } = {}) {
      const wanted = synced && options.sync;
      const fd = await opened(path, flagsOf[mode] | (wanted && oneCall ? constants.O_DSYNC : 0));
      // A file that grows changes its size with each write and would gain nothing.
      const direct = wanted && oneCall && mode === 'write' ? await openDirect(path) : undefined;
      return new RealFile(fd, wanted && !oneCall, direct);
    },
    rename: (from, to) => files.rename(from, to),
    link: (from, to) => files.link(from, to),
    remove: (path) => files.unlink(path),
    syncDir: (dir) => (options.sync ? syncFolder(dir) : Promise.resolve()),
    async free(dir) {
      const found = await files.statfs(dir);
      return found.bavail * found.bsize;
    },
  };
}

async function syncFolder(dir: string): Promise<void> {
  // Windows has no such call; its file system keeps names in its own journal.
  if (process.platform === 'win32') return;
  const handle = await files.open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
