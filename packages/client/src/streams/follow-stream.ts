import { MusterError } from '@muster/protocol/errors';
import { type Pace, wait } from '../base/patience.ts';
import { type Form, formOf } from './content.ts';
import { liveEvents, NoEvents, pollPage, type ReadAt, readPage } from './stream-reads.ts';
import {
  type Arrived,
  begin,
  fits,
  type Gap,
  gapOf,
  isWorthTelling,
  makeNext,
  type ReaderEvent,
  type ReaderState,
  readerPace,
} from './stream-state.ts';

/** A part of a stream, and the offset to go on from when it has been dealt with. */
export type Batch<T> = {
  /** In order. JSON: one value a message. Text: one string. Else: one `Uint8Array`. Empty when only `next` moved. */
  records: T[];
  /** Keep this together with the effect of the records: whoever starts again at it misses nothing and repeats nothing. */
  next: string;
  /** The server had nothing behind this. */
  upToDate: boolean;
  /** Nothing will ever come behind this. */
  closed: boolean;
};

export type ReadOptions = {
  /** Where to begin: an offset the server gave, `-1` for the start (default), `now` for what comes next. */
  from?: string | undefined;
  signal?: AbortSignal | undefined;
  /** JSON as the text of each message, text as bytes: exactly what was appended. */
  raw?: boolean | undefined;
  /** Told before each wait, so that a person sees why nothing moves. */
  onWait?: ((error: MusterError, waitMs: number) => void) | undefined;
  /**
   * Messages that are no longer there stand in front of the reader. It goes on at `earliest` with `continue`, or at the
   * offset that is returned; with `stop`, and without this function, reading fails with the server's error (410).
   */
  onGap?: ((gap: Gap) => GapAnswer | Promise<GapAnswer>) | undefined;
  /** How waits after failures grow; 250 ms doubling to 5 s. */
  pace?: Pace | undefined;
};
export type GapAnswer = 'continue' | 'stop' | { from: string };

export type FollowOptions = ReadOptions & {
  /** Ends at the present tail instead of waiting for more. */
  once?: boolean | undefined;
  /** When aborted: reads what is there by then, to the tail, and ends. */
  finish?: AbortSignal | undefined;
  /** Told whenever the reader goes over to another state. */
  onState?: ((state: ReaderState) => void) | undefined;
  /**
   * How news arrive: events, falling back to long polls where they do not get through. Text comes by long poll unless
   * events are asked for: these turn every line end into LF and bytes that are no UTF-8 into U+FFFD.
   */
  live?: 'sse' | 'long-poll' | undefined;
};

/**
 * Reads a stream from any point and stays with it, over cuts and restarts of the server, without missing or repeating a
 * message. Ends when the stream is closed, or at the tail with `once`. Throws what trying again does not change:
 * `notFound`, `forbidden`, `unauthenticated`, a gap (410) nobody wanted to jump.
 */
export async function* followStream<T>(at: ReadAt, options: FollowOptions = {}): AsyncGenerator<Batch<T>, void> {
  const next = makeNext(options.pace ?? readerPace);
  const { signal, finish } = options;
  let state = begin(options.from ?? '-1', options.once !== true, options.live ?? (at.pushed ? 'socket' : 'sse'));
  let form: Form = formOf('', at.raw);
  let answered = false;
  const step = (event: ReaderEvent): ReaderState => {
    const before = state;
    state = next(before, event);
    if (state.phase === 'waiting' && state.error) options.onWait?.(state.error, state.waitMs);
    if (state.phase !== before.phase) options.onState?.(state);
    return state;
  };
  /** What a batch is to whoever reads; `undefined` when there is nothing in it for them. */
  const accept = (batch: Arrived): Batch<T> | undefined => {
    const tell = fits(state, batch) && isWorthTelling(state, batch);
    step({ kind: 'arrived', batch });
    const { records, next, upToDate, closed } = batch;
    return tell ? { records: records as T[], next, upToDate, closed } : undefined;
  };

  for (;;) {
    signal?.throwIfAborted();
    if (finish?.aborted && state.stays) step({ kind: 'finish' });
    const waits = [signal, state.stays ? finish : undefined];
    try {
      switch (state.phase) {
        case 'ended':
          return;
        case 'failed':
          throw state.error ?? new Error('failed without a reason');
        case 'gap': {
          const from = await jump(state, options);
          step(from === undefined ? { kind: 'refuse' } : { kind: 'goOn', from });
          break;
        }
        case 'waiting':
          await wait(state.waitMs, AbortSignal.any(waits.filter((each) => each !== undefined)));
          step({ kind: 'waited' });
          break;
        case 'reading': {
          const [page, found] = await readPage(at, state, [signal]);
          [form, answered] = [found, true];
          if (state.mode === 'sse' && (form === 'raw-text' || (form === 'text' && !options.live)))
            step({ kind: 'poll' });
          const batch = accept(page);
          if (batch) yield batch;
          break;
        }
        case 'live':
          if (state.mode === 'long-poll') {
            const [page] = await pollPage(at, state, waits);
            const batch = accept(page);
            if (batch) yield batch;
          } else {
            for await (const event of pushedTo(at, state, form, waits)) {
              const batch = accept(event);
              if (batch) yield batch;
            }
            step({ kind: 'ended' });
          }
          break;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (finish?.aborted && state.stays) continue;
      if (state.phase === 'failed') throw error;
      if (error instanceof NoEvents) step({ kind: 'mute', chance: Math.random() });
      else if (error instanceof MusterError)
        step({ kind: 'broken', error: passing(error, answered), chance: Math.random() });
      else throw error;
    }
  }
}

/** A stream's own events, or what its socket is sent of it. */
function pushedTo(
  at: ReadAt,
  state: ReaderState,
  form: Form,
  waits: readonly (AbortSignal | undefined)[],
): AsyncGenerator<Arrived, void> {
  if (state.mode !== 'socket' || !at.pushed) return liveEvents(at, state, form, waits);
  return at.pushed(state.offset, form, AbortSignal.any(waits.filter((each) => each !== undefined)));
}

/** Where to go on behind a gap; `undefined` when nobody wants to. */
async function jump(state: ReaderState, { onGap }: FollowOptions): Promise<string | undefined> {
  if (!state.error || !onGap) return undefined;
  const gap = gapOf(state.error, state.offset);
  const answer = await onGap(gap);
  if (answer === 'stop') return undefined;
  return answer === 'continue' ? gap.earliest : answer.from;
}

/** Something in between may answer for the server for a while, such as the sign-in page of a network. */
const passing = (error: MusterError, answered: boolean): MusterError =>
  answered && error.reason === 'not_a_stream'
    ? new MusterError('unavailable', { reason: error.reason, detail: error.message, cause: error })
    : error;
