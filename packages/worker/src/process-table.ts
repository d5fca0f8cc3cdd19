import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';

/** One live process. `cpuMs` and `memoryBytes` are absent where the system does not tell. */
export type ProcessRow = { pid: number; group: number; startedAt: string; cpuMs: number; memoryBytes: number };

const onLinux = process.platform === 'linux';
const run = promisify(execFile);
/** Linux counts processor time and start times in these, and has for thirty years. */
const tickMs = 10;
const pageBytes = 4096;

/** Every process that is alive; a zombie is not: nothing of it runs, and it waits for a parent that is not us. */
export async function liveProcesses(): Promise<ProcessRow[]> {
  return onLinux ? pids().flatMap((pid) => linuxProcess(pid) ?? []) : psProcesses();
}

export async function groupMembers(group: number): Promise<ProcessRow[]> {
  return (await liveProcesses()).filter((row) => row.group === group);
}

/** Which of these are alive. Cheaper than a look at all. */
export async function stillAlive(candidates: readonly number[]): Promise<number[]> {
  if (onLinux) return candidates.filter((pid) => linuxProcess(pid) !== undefined);
  const alive = new Set((await psProcesses()).map((row) => row.pid));
  return candidates.filter((pid) => alive.has(pid));
}

/** Names this life of the pid: a number that is used again gets another start time. Undefined when it does not live. */
export async function startTimeOf(pid: number): Promise<string | undefined> {
  if (onLinux) return linuxProcess(pid)?.startedAt;
  return (await psProcesses()).find((row) => row.pid === pid)?.startedAt;
}

/**
 * Processes that left the group (setsid, double fork) but still carry the attempt's variables. Linux only: elsewhere
 * the environment of a process cannot be read without more rights than a worker should have.
 */
export function strays(buildId: string, term: number): number[] {
  if (!onLinux) return [];
  return pids().filter((pid) => {
    if (pid === process.pid) return false;
    const environment = readProc(pid, 'environ');
    if (!environment?.includes(buildId)) return false;
    const variables = new Set(environment.split('\0'));
    const ours = variables.has(`MUSTER_BUILD_ID=${buildId}`) && variables.has(`MUSTER_TERM=${term}`);
    return ours && linuxProcess(pid) !== undefined;
  });
}

// Nothing under /proc is on a disk: reading it in turn is many times cheaper than a thread's help for each file.
function readProc(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return undefined;
  }
}

const pids = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

function linuxProcess(pid: number): ProcessRow | undefined {
  const stat = readProc(pid, 'stat');
  if (stat === undefined) return undefined;
  // The name is in brackets and may hold anything, brackets too: the fields begin behind the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return {
    pid,
    group: field(5),
    startedAt: `${bootId()}/${field(22)}`,
    cpuMs: (field(14) + field(15)) * tickMs,
    memoryBytes: field(24) * pageBytes,
  };
}

let boot: string | undefined;
/** Start times count from boot, so a pid from before a restart must not look alive after it. */
function bootId(): string {
  try {
    boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    boot = 'boot';
  }
  return boot;
}

async function psProcesses(): Promise<ProcessRow[]> {
  const { stdout } = await run('ps', ['-axo', 'pid=,pgid=,stat=,rss=,time=,lstart='], { maxBuffer: 8 * 1024 * 1024 });
  return stdout.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\d+)\s+(\S+)\s+(.+)$/.exec(line);
    if (!match || match[3]?.startsWith('Z')) return [];
    const [, pid, group, , rssKiB, time, started] = match;
    return [
      {
        pid: Number(pid),
        group: Number(group),
        startedAt: (started ?? '').trim(),
        cpuMs: cpuMsOf(time ?? ''),
        memoryBytes: Number(rssKiB) * 1024,
      },
    ];
  });
}

/** `[[dd-]hh:]mm:ss.ff` as ps prints it. */
function cpuMsOf(time: string): number {
  const [days, clock] = time.includes('-') ? time.split('-') : ['0', time];
  const seconds = (clock ?? '').split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return Math.round((Number(days) * 86_400 + seconds) * 1_000);
}
