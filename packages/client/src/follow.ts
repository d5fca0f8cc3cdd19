import { type Connection, readText } from './connection.ts';
import { defaultPatience, type Patience, patiently } from './patience.ts';

export type FollowOptions = {
  /** Where to begin: an offset the server gave, `-1` for the start (default), `now` for what comes next. */
  from?: string;
  /** Ends at the present tail instead of waiting for more. */
  once?: boolean;
  /** When aborted: reads what is there by then, to the tail, and ends. */
  finish?: AbortSignal;
  signal?: AbortSignal;
  patience?: Partial<Patience>;
};

/** A page of a stream: its records, and the offset to go on from after a cut. */
export type Records<T> = { records: T[]; next: string; upToDate: boolean; closed: boolean };

/**
 * Reads a JSON stream (`/v1/stream/…`) from any point and stays with it. Survives cuts and restarts of the server: each
 * reconnect goes on from the last offset that was handed out, so no record is missed and none comes twice.
 * Ends when the stream is closed, or at the tail with `once`.
 */
export async function* follow<T>(
  connection: Connection,
  path: string,
  options: FollowOptions = {},
): AsyncGenerator<Records<T>, void> {
  const patience = {
    ...defaultPatience,
    retries: Number.POSITIVE_INFINITY,
    ...options.patience,
    signal: options.signal,
  };
  let next = options.from ?? '-1';
  let live = false;
  for (;;) {
    const last = options.once === true || options.finish?.aborted === true;
    const page = await patiently(patience, () => readPage<T>(connection, path, next, live && !last, options));
    if (page === undefined) {
      live = false;
      continue;
    }
    next = page.next;
    if (page.records.length > 0 || page.closed) yield page;
    if (page.closed || (last && page.upToDate)) return;
    live = page.upToDate;
  }
}

/** One page; `undefined` when `finish` ended a wait for more. */
async function readPage<T>(
  connection: Connection,
  path: string,
  offset: string,
  live: boolean,
  { signal, finish }: FollowOptions,
): Promise<Records<T> | undefined> {
  const stops = [signal, live ? finish : undefined].filter((each) => each !== undefined);
  const call = { query: { offset, live: live ? 'long-poll' : undefined }, signal: AbortSignal.any(stops) };
  try {
    const answer = await connection.send('GET', path, call);
    const text = await readText(answer, call.signal);
    return {
      records: text === '' ? [] : (JSON.parse(text) as T[]),
      next: answer.headers.get('stream-next-offset') ?? offset,
      // A long poll that timed out (204) has seen the tail by definition.
      upToDate: answer.status === 204 || answer.headers.get('stream-up-to-date') === 'true',
      closed: answer.headers.get('stream-closed') === 'true',
    };
  } catch (error) {
    if (live && finish?.aborted && !signal?.aborted) return undefined;
    throw error;
  }
}
