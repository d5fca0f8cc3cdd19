import { errnoOf } from './build-failure.ts';
import { monotonic, pause } from './clock.ts';
import { groupMembers, stillAlive, strays } from './process-table.ts';

/** After SIGKILL the kernel still needs a moment; a process in uninterruptible sleep may need for ever. */
const killWaitMsMax = 5_000;
const pollMs = 10;
/** A build that starts processes faster than they end is not waited for. */
const looksMax = 500;

export type AttemptProcesses = { group: number | undefined; buildId: string; term: number };

/**
 * Ends everything an attempt started: SIGTERM to the group (and to strays that left it), `graceMs` to obey, then
 * SIGKILL until nothing is left. Returns what could not be ended, which is empty unless the system is in trouble.
 */
export async function stopProcesses(of: AttemptProcesses, graceMs: number): Promise<number[]> {
  const left = await untilGone(of, 'SIGTERM', graceMs);
  return left.length === 0 ? left : untilGone(of, 'SIGKILL', killWaitMsMax);
}

/** Signals, waits for those it found, looks again: what was started meanwhile is found then. */
async function untilGone(of: AttemptProcesses, signal: 'SIGTERM' | 'SIGKILL', ms: number): Promise<number[]> {
  const until = monotonic() + ms;
  let left: number[] = [];
  for (let looks = 0; looks < looksMax; looks += 1) {
    // The group as a whole, so that nobody slips through by forking while we look.
    if (of.group !== undefined) send(-of.group, signal);
    const group = of.group === undefined ? [] : (await groupMembers(of.group)).map((row) => row.pid);
    const others = strays(of.buildId, of.term).filter((pid) => !group.includes(pid));
    for (const pid of others) send(pid, signal);
    left = [...group, ...others];
    if (left.length === 0) return left;
    while (left.length > 0 && monotonic() < until) {
      await pause(pollMs);
      left = await stillAlive(left);
    }
    if (left.length > 0) return left;
  }
  return left;
}

function send(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // Gone already, or (macOS, a group of zombies) not ours to signal: `living` decides what is left.
    if (errnoOf(error) !== 'ESRCH' && errnoOf(error) !== 'EPERM') throw error;
  }
}
