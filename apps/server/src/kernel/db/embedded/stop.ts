import type { Clock } from '#kernel/base';
import type { DbLogger } from '../pool/logger.ts';
import type { Binaries } from './binaries.ts';
import { clusterPaths } from './initialise.ts';
import { type Postmaster, tellToStop } from './postmaster.ts';
import { worksIn } from './processes.ts';

const immediateAfterMs = 20_000;
const giveUpAfterMs = 30_000;
const lookEveryMs = 20;

/** Whether the process of the server ended. Of an adopted one only the id is known, so it must also work on our data. */
export function isGone({ pid, child }: Postmaster, { home }: { home: string }): boolean {
  if (child) return child.exitCode !== null || child.signalCode !== null;
  return !worksIn(pid, clusterPaths(home).data);
}

/**
 * Ends the server: fast (open transactions roll back), after 20 s immediate (the next start recovers), after 30 s it is
 * reported and left alone, to be found by the next start. Never SIGKILL.
 */
export async function stopPostmaster(
  postmaster: Postmaster,
  where: { home: string; binaries: Binaries },
  clock: Clock,
  logger: DbLogger,
): Promise<void> {
  if (isGone(postmaster, where)) return;
  const { pid } = postmaster;
  const began = clock.monotonic();
  await tellToStop(pid, 'fast', where);
  for (let pressed = false; !isGone(postmaster, where); ) {
    const waitedMs = clock.monotonic() - began;
    if (waitedMs >= giveUpAfterMs) {
      logger.error({ pid }, 'the database does not end; it is left to itself and found by the next start');
      return;
    }
    if (waitedMs >= immediateAfterMs && !pressed) {
      pressed = true;
      logger.warn({ pid }, 'the database did not end in 20 s; it now ends without a checkpoint');
      await tellToStop(pid, 'immediate', where);
    }
    await clock.sleep(lookEveryMs);
  }
}
