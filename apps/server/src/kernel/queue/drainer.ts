import type { Clock } from '#kernel/base';
import type { Left } from './events.ts';
import type { Executor } from './executor.ts';
import type { Keeper } from './keeper.ts';
import type { QueueTimes } from './limits.ts';

export type DrainerOptions = {
  clock: Clock;
  keeper: Keeper;
  executor: Executor;
  times: Pick<QueueTimes, 'drainMs' | 'abortGraceMs'>;
};

/**
 * Waits for the end, after fetching has stopped: handlers finish by themselves for `drainMs`; then their signals abort
 * and they have `abortGraceMs`; what still runs is named. Its lease is not given back: it may be doing something yet,
 * and the lease ends soon enough by itself.
 */
export async function drain(options: DrainerOptions): Promise<Left[]> {
  const { clock, keeper, times } = options;
  const running = (): Left[] =>
    [...keeper.held]
      .filter((held) => !held.verdict)
      .map(({ id, claimed, startedAt }) => ({ id, kind: claimed.kind, runningMs: clock.monotonic() - startedAt }));

  if (await allEnded(options, times.drainMs, () => running().length === 0)) return [];
  for (const held of keeper.held) if (!held.verdict) held.abort('stopping');
  await allEnded(options, times.abortGraceMs, () => running().length === 0);
  return running();
}

async function allEnded(options: DrainerOptions, withinMs: number, ended: () => boolean): Promise<boolean> {
  const { clock, executor } = options;
  const giveUp = new AbortController();
  const late = clock.sleep(withinMs, giveUp.signal).catch(() => undefined);
  try {
    while (!ended()) {
      const next = executor.ended.next().then(() => false);
      if (await Promise.race([next, late.then(() => true)])) return false;
    }
    return true;
  } finally {
    giveUp.abort();
  }
}
