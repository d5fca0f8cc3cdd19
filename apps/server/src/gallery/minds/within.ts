import { asError, type Clock } from '#kernel/base';

/** Why a call of ours was cut. */
export class TimedOut extends Error {
  override readonly name = 'TimedOut';
}

/** `work` with a signal that ends it after `ms` or with the given one; whichever comes first is thrown. */
export async function within<T>(
  clock: Clock,
  ms: number,
  given: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  given.throwIfAborted();
  const end = new AbortController();
  const { promise: cut, reject } = Promise.withResolvers<never>();
  const stop = (error: Error): void => {
    end.abort(error);
    reject(error);
  };
  const late = clock.after(ms, () => stop(new TimedOut(`there was no whole answer within ${ms} ms`)));
  const onAbort = (): void => stop(asError(given.reason));
  given.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(end.signal), cut]);
  } finally {
    late[Symbol.dispose]();
    given.removeEventListener('abort', onAbort);
  }
}
