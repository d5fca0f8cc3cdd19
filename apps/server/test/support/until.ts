import { setTimeout as pause } from 'node:timers/promises';

export type UntilOptions = {
  /** How long to wait before giving up. */
  withinMs?: number;
  /** How often to look. */
  everyMs?: number;
};

/**
 * Waits for a condition that no event announces: a state behind a real socket, process or database. Resolves as soon as
 * `holds` is true and throws after `withinMs`, naming the condition. Where something can be awaited, await that instead.
 *
 * @example
 * await until(async () => (await read()).state === 'done', { withinMs: 60_000 });
 */
export async function until(
  holds: () => boolean | Promise<boolean>,
  { withinMs = 15_000, everyMs = 10 }: UntilOptions = {},
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not true within ${withinMs} ms: ${holds.toString()}`);
    await pause(everyMs);
  }
}
