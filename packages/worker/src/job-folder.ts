import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from './build-failure.ts';

/** Where one attempt lives. Only the worker's own user can enter it. */
export type JobFolder = {
  root: string;
  /** The unpacked source; the command's working directory. */
  work: string;
  /** HOME of the command. */
  home: string;
  artifacts: string;
  certs: string;
  log: string;
  /** The source archive while it is fetched and unpacked. */
  archive: string;
};

const attemptName = /^([A-Za-z0-9_-]{1,64})-([1-9][0-9]{0,8})$/;
const removingSuffix = '.removing';

const attemptFolderName = (buildId: string, term: number): string => `${buildId}-${term}`;

function folderAt(root: string): JobFolder {
  return {
    root,
    work: join(root, 'work'),
    home: join(root, 'home'),
    artifacts: join(root, 'artifacts'),
    certs: join(root, 'certs'),
    log: join(root, 'log'),
    archive: join(root, 'source.part'),
  };
}

/** Makes a fresh folder, 0700 throughout; what an earlier life left under the same name is removed first. */
export async function makeJobFolder(dir: string, buildId: string, term: number): Promise<JobFolder> {
  const name = attemptFolderName(buildId, term);
  if (!attemptName.test(name))
    throw new Error(`the server sent a build id that cannot name a folder: ${JSON.stringify(buildId.slice(0, 80))}`);
  const folder = folderAt(join(dir, name));
  await removeJobFolder(folder);
  await mkdir(folder.root, { mode: 0o700 });
  for (const part of [folder.work, folder.home, folder.artifacts, folder.certs, folder.log])
    await mkdir(part, { mode: 0o700 });
  return folder;
}

/** Certificates go first. A build may take away its own rights on its files; those are given back for the removal. */
export async function removeJobFolder(folder: JobFolder): Promise<void> {
  await remove(folder.certs);
  const doomed = `${folder.root}${removingSuffix}`;
  await remove(doomed);
  try {
    // Renamed first: a crash in the middle must not leave half an attempt that looks like one.
    await rename(folder.root, doomed);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  await remove(doomed);
}

/** Attempts that an earlier life of this worker left, and half-removed folders, which go away here. */
export async function leftFolders(dir: string): Promise<{ buildId: string; term: number; folder: JobFolder }[]> {
  const found: { buildId: string; term: number; folder: JobFolder }[] = [];
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    if (entry.name.endsWith(removingSuffix)) await remove(join(dir, entry.name));
    const match = attemptName.exec(entry.name);
    if (match?.[1] !== undefined)
      found.push({ buildId: match[1], term: Number(match[2]), folder: folderAt(join(dir, entry.name)) });
  }
  return found;
}

async function remove(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    if (errnoOf(error) !== 'EACCES' && errnoOf(error) !== 'EPERM') throw error;
    await openUp(path);
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function openUp(path: string): Promise<void> {
  await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await openUp(join(path, entry.name));
  }
}
