import { setTimeout as pause } from 'node:timers/promises';

export type UntilOptions = {
  /** How long to wait before giving up. */
  withinMs?: number;
  /** How often to look. Left out: often at first, ever less often the longer it takes, at a twentieth of what was waited. */
  everyMs?: number;
};

const look = { firstMs: 10, lastMs: 100 };

/**
 * Waits for a condition that no event announces: a state behind a real socket, process or database. Resolves as soon as
 * `holds` is true and throws after `withinMs`, naming the condition. Where something can be awaited, await that instead.
 *
 * @example
 * await until(async () => (await read()).state === 'done', { withinMs: 60_000 });
 */
export async function until(
  holds: () => boolean | Promise<boolean>,
  { withinMs = 15_000, everyMs }: UntilOptions = {},
): Promise<void> {
  const began = performance.now();
  while (!(await holds())) {
    const waitedMs = performance.now() - began;
    if (waitedMs > withinMs) throw new Error(`not true within ${withinMs} ms: ${holds.toString()}`);
    await pause(everyMs ?? Math.min(look.lastMs, Math.max(look.firstMs, waitedMs / 20)));
  }
}
