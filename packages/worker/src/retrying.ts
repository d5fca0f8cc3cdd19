import { MusterError } from '@muster/protocol';
import { Backoff, monotonic, pause } from './clock.ts';
import { isAway } from './http.ts';
import type { Log } from './worker-log.ts';

/** A server that is there, and fails or is full, may not hold a build for ever. */
const troubledMsMax = 10 * 60_000;

/**
 * Repeats `call` while the server is away, until it answers or `signal` aborts. Every call of the worker can be
 * repeated: the server knows attempts by term, lines by offset and files by digest. A server that is there but fails
 * (500) or is full (429) is asked for ten minutes at most.
 */
export async function untilAnswered<T>(
  what: string,
  log: Log,
  signal: AbortSignal,
  call: () => Promise<T>,
): Promise<T> {
  const backoff = new Backoff();
  const began = monotonic();
  for (let tries = 1; ; tries += 1) {
    signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      signal.throwIfAborted();
      if (!isAway(error)) throw error;
      const troubled = error instanceof MusterError && error.code !== 'unavailable';
      if (troubled && monotonic() - began > troubledMsMax) throw error;
      if (tries === 1) log.warn(`${what}: the server is away, trying again`, { error });
      await pause(Math.max(backoff.next(), error instanceof MusterError ? (error.retryAfterMs ?? 0) : 0), signal);
    }
  }
}
