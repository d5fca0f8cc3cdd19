import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/* What processes cost the machine, from /proc. Wall time on a shared machine says little; this says what was computed. */

/** The kernel counts in ticks of this length on every Linux that runs Node. */
const tickMs = 10;

type Stat = { parent: number; ms: number };

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Fields after the name, which may hold spaces: state, parent, …, utime (12th), stime (13th).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(fields[1]), ms: (Number(fields[11]) + Number(fields[12])) * tickMs };
  } catch {
    return undefined; // ended meanwhile
  }
}

/** User and system time of these processes so far. */
export const cpuMsOf = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + (statOf(pid)?.ms ?? 0), 0);

/** A process and its children that run now. */
export function familyOf(pid: number | undefined): number[] {
  if (pid === undefined || !existsSync('/proc')) return [];
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return [pid, ...all.filter((each) => statOf(each)?.parent === pid)];
}

/** The first process of the embedded Postgres of this data folder. */
export function postmasterOf(dataDir: string): number | undefined {
  const pointer = path.join(dataDir, 'pg.location');
  const home = existsSync(pointer) ? readFileSync(pointer, 'utf8').trim() : path.join(dataDir, 'postgres');
  const file = path.join(home, 'pg', 'postmaster.pid');
  return existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : undefined;
}
