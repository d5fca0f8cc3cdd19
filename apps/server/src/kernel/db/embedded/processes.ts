import { readlinkSync, realpathSync } from 'node:fs';
import { readdir, readFile, readlink, realpath } from 'node:fs/promises';

/**
 * The processes that work inside `folder`: Postgres and all its children stand in their data folder. Found this way a
 * process id means something; by number alone it does not, because numbers are used again. Undefined where the system
 * does not tell (only Linux does).
 */
export async function processesIn(folder: string): Promise<number[] | undefined> {
  if (process.platform !== 'linux') return undefined;
  const place = await realpath(folder).catch(() => folder);
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const standing = await Promise.all(ids.map((id) => readlink(`/proc/${id}/cwd`).catch(() => '')));
  return ids.filter((_, i) => standing[i] === place).map(Number);
}

/** The processes that were started with `path` among their words, such as an initdb that outlived its starter. Linux only. */
export async function processesNaming(path: string): Promise<number[]> {
  if (process.platform !== 'linux') return [];
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const words = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')));
  return ids
    .filter((_, i) => words[i]?.split('\0').some((word) => word === path || word.endsWith(`=${path}`)))
    .map(Number);
}

/** Whether a process with this id exists, whoever it is. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Whether process `pid` lives and works inside `folder`; where the system does not tell, whether it lives. */
export function worksIn(pid: number, folder: string): boolean {
  if (process.platform !== 'linux') return isAlive(pid);
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(folder);
  } catch {
    return false;
  }
}
