import type { SimClock } from '#kernel/base';
import type { Owner } from './owner.ts';

export type Simulation = {
  clock: SimClock;
  /** Where the clock is held first; it may lie in the past. */
  from: number;
  hours: number;
  /** All thinks of one tick see the world as it was at its start. */
  tickMs?: number;
  signal?: AbortSignal;
  onProgress?: (done: number, of: number) => void;
};

const hourMs = 3_600_000;

/**
 * Lets a fleet live some hours in as little time as its thinks take: time jumps to the next timer whenever nothing is under
 * way, and thinks take effect in the order of (time, bot). Same seed, same build and a mind that draws → the same day. The
 * clock stays held at its end; `release` lets it go.
 */
export async function simulate(owner: Owner, given: Simulation): Promise<{ ticks: number; endsAt: number }> {
  const { clock, from, hours, tickMs = 250, signal, onProgress } = given;
  const endsAt = from + hours * hourMs;
  let ticks = 0;
  await owner.takeInHand(() => clock.hold(from));
  while (clock.now() < endsAt) {
    if (signal?.aborted === true) break;
    const due = owner.table.nextAt() ?? Number.POSITIVE_INFINITY;
    const tick = Math.ceil(Math.max(due, clock.now() + 1) / tickMs) * tickMs;
    // Gates, feeds and the like have times of their own, between two ticks.
    await clock.jump(Math.min(tick, clock.nextAt() ?? Number.POSITIVE_INFINITY, endsAt));
    if (clock.now() >= tick) {
      // A think may wait on this clock itself: for a late answer, or before it looks again.
      await clock.pass(() => owner.step());
      ticks += 1;
    } else await clock.pass(() => owner.settled());
    onProgress?.(Math.min(clock.now(), endsAt) - from, endsAt - from);
  }
  await clock.pass(() => owner.written());
  return { ticks, endsAt };
}

/** Real time again, for the clock and for the fleet. */
export async function release(owner: Owner, clock: SimClock): Promise<void> {
  await owner.written();
  clock.follow();
  owner.letGo();
}
