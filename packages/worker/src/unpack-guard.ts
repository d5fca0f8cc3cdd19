import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BuildFailure, errnoOf } from './build-failure.ts';

export type UnpackLimits = { entriesMax: number; bytesMax: number; ratioMax: number };
export const unpackLimits: UnpackLimits = { entriesMax: 200_000, bytesMax: 20 * 1024 ** 3, ratioMax: 200 };
/** Below this much unpacked the ratio says nothing: a small file of zeros packs a thousand to one. */
const ratioFloorBytes = 1024 * 1024;
const nameBytesMax = 4_096;
const partBytesMax = 255;
const linkHopsMax = 40;

const unsafe = (detail: string): BuildFailure => new BuildFailure('source_unsafe', detail);
export const corrupt = (detail: string, cause?: unknown): BuildFailure =>
  new BuildFailure('source_corrupt', detail, { cause });

/*
 * Makes an archive's entries below one empty folder, whatever they are called. What makes it safe:
 * - names are split and checked part by part; nothing absolute, no `..`, no NUL
 * - symbolic links are made last, when nothing is written any more, so no write can pass through one
 * - every link is followed as the kernel would, through the other links, and must end inside
 * - only folders, regular files and links exist; set-id bits refuse the archive, the other bits become 0600 or 0700
 * The folder must not be writable by anyone else meanwhile.
 */
export class UnpackGuard {
  readonly #root: string;
  readonly #archiveBytes: number;
  readonly #limits: UnpackLimits;
  readonly #folders = new Set<string>(['']);
  readonly #files = new Set<string>();
  readonly #links = new Map<string, string[]>();
  #entries = 0;
  #bytes = 0;

  constructor(root: string, archiveBytes: number, limits: UnpackLimits = unpackLimits) {
    this.#root = root;
    this.#archiveBytes = archiveBytes;
    this.#limits = limits;
  }

  get files(): number {
    return this.#files.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Counts an entry of any kind, before anything of it is looked at. */
  entry(): void {
    this.#entries += 1;
    if (this.#entries > this.#limits.entriesMax)
      throw unsafe(`the source has more than ${this.#limits.entriesMax} entries`);
  }

  /** Counts bytes that come out of the archive, before they are written. */
  count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.bytesMax)
      throw unsafe(`the source unpacks to more than ${this.#limits.bytesMax} bytes`);
    if (this.#bytes > ratioFloorBytes && this.#bytes > this.#archiveBytes * this.#limits.ratioMax) {
      throw unsafe(`the source unpacks to more than ${this.#limits.ratioMax} times its size`);
    }
  }

  mode(name: string, mode: number): void {
    if ((mode & 0o6000) !== 0) throw unsafe(`${shown(name)} would run with the rights of its owner (set-id bit)`);
  }

  refuse(name: string, kind: string): never {
    throw unsafe(`${shown(name)} is a ${kind}; a source may hold folders, files and links only`);
  }

  async folder(name: string): Promise<void> {
    await this.#makeFolders(partsOf(name), name);
  }

  /** A new file, open for writing; an earlier file of the same name is replaced, as tar does it. */
  async file(name: string, executable: boolean): Promise<FileHandle> {
    const { key, path } = await this.#place(name);
    if (this.#files.has(key)) await rm(path);
    this.#files.add(key);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    try {
      return await open(path, flags, executable ? 0o700 : 0o600);
    } catch (error) {
      // Two names that this file system takes for one (case, Unicode form).
      if (errnoOf(error) === 'EEXIST') throw unsafe(`${shown(name)} has the same name as another entry here`);
      throw error;
    }
  }

  async hardLink(name: string, target: string | null): Promise<void> {
    const to = partsOf(target ?? '').join('/');
    if (!this.#files.has(to))
      throw unsafe(`${shown(name)} is a hard link to ${shown(target ?? '')}, which is not a file of the source`);
    const { key, path } = await this.#place(name);
    if (key === to) return;
    if (this.#files.has(key)) await rm(path);
    await link(join(this.#root, to), path);
    this.#files.add(key);
  }

  async symbolicLink(name: string, target: string | null): Promise<void> {
    if (target === null || target === '' || target.includes('\0'))
      throw corrupt(`${shown(name)} is a link without a target`);
    if (target.startsWith('/') || /^[A-Za-z]:/.test(target)) throw unsafe(`${shown(name)} links to an absolute path`);
    if (Buffer.byteLength(target) > nameBytesMax) throw unsafe(`${shown(name)} links to a name that is too long`);
    const { key } = await this.#place(name);
    if (this.#files.has(key)) throw unsafe(`${shown(name)} is both a file and a link`);
    this.#links.set(key, target.split('/'));
  }

  /** Checks all links against each other and makes them. Call once, after the last entry. */
  async finish(): Promise<void> {
    for (const key of this.#links.keys()) this.#follow(key);
    for (const [key, target] of this.#links) await symlink(target.join('/'), join(this.#root, key));
  }

  async #place(name: string): Promise<{ key: string; path: string }> {
    const parts = partsOf(name);
    if (parts.length === 0) throw unsafe(`${shown(name)} names the folder itself`);
    await this.#makeFolders(parts.slice(0, -1), name);
    const key = parts.join('/');
    if (this.#links.has(key)) throw unsafe(`${shown(name)} is also a link`);
    if (this.#folders.has(key)) throw unsafe(`${shown(name)} is also a folder`);
    return { key, path: join(this.#root, key) };
  }

  async #makeFolders(parts: readonly string[], name: string): Promise<void> {
    let key = '';
    for (const part of parts) {
      key = key === '' ? part : `${key}/${part}`;
      if (this.#folders.has(key)) continue;
      if (this.#links.has(key)) throw unsafe(`${shown(name)} lies behind the link ${shown(key)}`);
      if (this.#files.has(key)) throw unsafe(`${shown(name)} lies below ${shown(key)}, which is a file`);
      // A million folders by two hundred thousand deep names is an attack as well.
      if (this.#folders.size > this.#limits.entriesMax)
        throw unsafe(`the source has more than ${this.#limits.entriesMax} folders`);
      try {
        await mkdir(join(this.#root, key), { mode: 0o700 });
      } catch (error) {
        if (errnoOf(error) === 'EEXIST') throw unsafe(`${shown(name)} has the same name as another entry here`);
        throw error;
      }
      this.#folders.add(key);
    }
  }

  /** Walks a link as the kernel does: `..` counts from where the walk really is, links on the way are followed. */
  #follow(start: string): void {
    const at = dirname(start) === '.' ? [] : dirname(start).split('/');
    const ahead = [...(this.#links.get(start) ?? [])];
    let hops = 0;
    while (ahead.length > 0) {
      const part = ahead.shift() ?? '';
      if (part === '' || part === '.') continue;
      if (part === '..') {
        if (at.pop() === undefined) throw unsafe(`the link ${shown(start)} leads out of the source`);
        continue;
      }
      at.push(part);
      const next = this.#links.get(at.join('/'));
      if (!next) continue;
      hops += 1;
      // A ring of links opens nothing; it is refused because no build can want it.
      if (hops > linkHopsMax) throw unsafe(`the link ${shown(start)} goes in a circle`);
      at.pop();
      ahead.unshift(...next);
      if (ahead.length > nameBytesMax) throw unsafe(`the link ${shown(start)} is too deep`);
    }
  }
}

function partsOf(name: string): string[] {
  if (name.includes('\0')) throw unsafe(`${shown(name)} holds a NUL`);
  if (name.startsWith('/') || /^[A-Za-z]:[\\/]/.test(name)) throw unsafe(`${shown(name)} is an absolute name`);
  if (Buffer.byteLength(name) > nameBytesMax) throw unsafe(`${shown(name)} is longer than ${nameBytesMax} bytes`);
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  for (const part of parts) {
    if (part === '..') throw unsafe(`${shown(name)} leads out of the source`);
    if (Buffer.byteLength(part) > partBytesMax)
      throw unsafe(`${shown(name)} has a part longer than ${partBytesMax} bytes`);
  }
  return parts;
}

const shown = (name: string): string => JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
