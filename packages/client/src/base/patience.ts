import { MusterError } from '@muster/protocol/errors';

/** How waits between tries grow: doubling from `firstMs` to `maxMs`. */
export type Pace = { firstMs: number; maxMs: number };

export type Patience = Pace & {
  /** How often to try again after the first failure. Infinity = for as long as the signal allows. */
  retries: number;
  signal?: AbortSignal | undefined;
  /** Told before each wait, so that a person sees why nothing moves. */
  onWait?: ((error: MusterError, waitMs: number) => void) | undefined;
};

export const defaultPatience: Patience = { retries: 8, firstMs: 250, maxMs: 10_000 };

/** Whether another try can help: the server is away or full, and said nothing final. */
export const isPassing = (error: unknown): error is MusterError =>
  error instanceof MusterError &&
  (error.code === 'unavailable' || error.code === 'exhausted') &&
  error.reason !== 'log_full';

/** The wait before try number `failures` (from 1): doubled, spread by ±20 %, and never less than the server asked for. */
export function waitBefore(failures: number, pace: Pace, askedMs = 0, chance: number = Math.random()): number {
  const grown = Math.min(pace.maxMs, pace.firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(Math.max(askedMs, grown * (0.8 + 0.4 * chance)));
}

/** Runs `attempt` until it succeeds, fails for good, or patience ends. */
export async function patiently<T>(patience: Patience, attempt: () => Promise<T>): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isPassing(error) || failures >= patience.retries) throw error;
      const waitMs = waitBefore(failures + 1, patience, error.retryAfterMs);
      patience.onWait?.(error, waitMs);
      await wait(waitMs, patience.signal);
    }
  }
}

/** The longest a timer of the platform can be set to. */
const timerMsMax = 2 ** 31 - 1;

export function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
      Math.min(ms, timerMsMax),
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
