import { readFileSync, statfsSync } from 'node:fs';
import { freemem } from 'node:os';
import { join, resolve } from 'node:path';

const place = '/dev/shm';
/** Servers of tests want 2 GiB of free disk each, and some fill files of 128 MiB ahead. */
const bytesMin = 8 * 2 ** 30;

/**
 * Says to this process and all it starts where things of tests are put, unless somebody said so already: what children
 * compile, as everything has it that bin/ starts; and their folders, of which hundreds come and go, in memory where there is
 * plenty: on a disk a third of what the tests cost is that.
 */
export function setPlaces(): void {
  process.env['NODE_COMPILE_CACHE'] ??= join(resolve(import.meta.dirname, '..'), 'node_modules/.cache/compile');
  const folder = memoryFolder();
  if (folder !== undefined) process.env['TMPDIR'] ??= folder;
}

/** A folder that lies in memory, where there is plenty of it and programs may be run from there. */
function memoryFolder(): string | undefined {
  try {
    const { bavail, bsize } = statfsSync(place);
    const mount = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .findLast(([, at]) => at === place);
    const runs =
      mount?.[2] === 'tmpfs' && !mount[3]?.split(',').some((option) => option === 'noexec' || option === 'ro');
    return runs && Math.min(bavail * bsize, freemem()) >= bytesMin ? place : undefined;
  } catch {
    return undefined;
  }
}
