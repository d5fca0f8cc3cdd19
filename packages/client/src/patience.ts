import { MusterError } from '@muster/protocol/errors';

export type Patience = {
  /** How often to try again after the first failure. Infinity = for as long as the signal allows. */
  retries: number;
  firstMs: number;
  maxMs: number;
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

/**
 * Runs `attempt` until it succeeds, fails for good, or patience ends. Waits double, spread by ±20 %, and never less
 * than the server asked for.
 */
export async function patiently<T>(patience: Patience, attempt: () => Promise<T>): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isPassing(error) || failures >= patience.retries) throw error;
      const spread = 0.8 + 0.4 * Math.random();
      const waitMs = Math.max(
        error.retryAfterMs ?? 0,
        Math.min(patience.maxMs, patience.firstMs * 2 ** failures) * spread,
      );
      patience.onWait?.(error, waitMs);
      await wait(waitMs, patience.signal);
    }
  }
}

export function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
