import { setTimeout as delay } from 'node:timers/promises';

/** Polls a condition over something real (a socket, a process) until it holds; fails loudly when it never does. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = 30_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > end) throw new Error(`it never came true: ${what}`);
    await delay(10);
  }
}
