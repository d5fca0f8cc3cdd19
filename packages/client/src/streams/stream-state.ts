/* The resumable reader as a pure machine. Every state answers every event, so a reader is never lost between two.
 *
 *  reading – a catch-up request is on its way from `offset`
 *  live    – caught up; a request that stays (events or long poll) is on its way from `offset`
 *  waiting – nothing is on its way; the next try comes after `waitMs`
 *  gap     – the server no longer has what follows `offset`; whoever reads decides where to go on
 *  ended   – the stream is closed, or its tail was reached when only that was asked. Never left
 *  failed  – a refusal that trying again does not change, or a gap nobody wants to jump. Never left
 *
 * `offset` is the end of the last batch that was handed out. A batch is handed out when it begins there, and only whole:
 * bytes that came without the offset that covers them are forgotten and read again. So nothing is lost and nothing comes
 * twice, whatever is cut, refused or late. */
import type { MusterError } from '@muster/protocol/errors';
import { isPassing, type Pace, waitBefore } from '../base/patience.ts';

/** How news come: pushed as events or over a shared socket, or asked for. */
export type LiveMode = 'sse' | 'socket' | 'long-poll';

export type ReaderState = {
  readonly phase: 'reading' | 'live' | 'waiting' | 'gap' | 'ended' | 'failed';
  readonly offset: string;
  /** Stays at the tail for what comes next. */
  readonly stays: boolean;
  readonly mode: LiveMode;
  /** Given back to the server, so that caches tell waiting readers apart. */
  readonly cursor: string | undefined;
  /** The server was caught up with since the last cut. */
  readonly caughtUp: boolean;
  /** Failures in a row. */
  readonly failures: number;
  /** Event streams that brought nothing since the last that did: a proxy keeps them back, or ends them at once. */
  readonly mute: number;
  readonly waitMs: number;
  /** Why it waits, has failed, or stands before a gap. */
  readonly error: MusterError | undefined;
};

/** What one answer, or one event of a live answer, brought. `records` are parsed; `next` covers them. */
export type Arrived = {
  readonly from: string;
  readonly next: string;
  readonly records: readonly unknown[];
  readonly upToDate: boolean;
  readonly closed: boolean;
  readonly cursor?: string | undefined;
};

export type ReaderEvent =
  | { kind: 'arrived'; batch: Arrived }
  /** A live answer came to its planned end. */
  | { kind: 'ended' }
  /** Refused, not reached, broken off or gone silent. */
  | { kind: 'broken'; error: MusterError; chance: number }
  /** A request for events was answered by something else, by silence, or by an end right after its beginning. */
  | { kind: 'mute'; chance: number }
  /** What this stream holds does not come through as events unchanged. */
  | { kind: 'poll' }
  | { kind: 'waited' }
  /** The answer to a gap: where to go on, or not at all. */
  | { kind: 'goOn'; from: string }
  | { kind: 'refuse' }
  /** Whoever reads wants what is there by now, and then the end. */
  | { kind: 'finish' };

type Phase = ReaderState['phase'];
type Kind = ReaderEvent['kind'];
type Of<K extends Kind> = Extract<ReaderEvent, { kind: K }>;
type Step<K extends Kind> = (state: ReaderState, event: Of<K>) => ReaderState;

export const readerPace: Pace = { firstMs: 250, maxMs: 5_000 };
/** Event streams in a row that may stay mute before long polls take over. */
const muteMax = 2;
/** Refusals that may mean "no event streams here"; a long poll will tell whether it was that. */
const noEvents: ReadonlySet<number> = new Set([400, 405, 406, 501]);

/** A reader that begins behind `from`: an offset, `-1` for the start, `now` for what comes next. */
export const begin = (from: string, stays: boolean, mode: LiveMode): ReaderState => ({
  phase: 'reading',
  offset: from,
  stays,
  mode,
  cursor: undefined,
  caughtUp: false,
  failures: 0,
  mute: 0,
  waitMs: 0,
  error: undefined,
});

/** Whether a batch is the one that comes next; any other is a late answer and changes nothing. */
export const fits = (state: ReaderState, batch: Arrived): boolean =>
  (state.phase === 'reading' || state.phase === 'live') && batch.from === state.offset;

/** Whether there is anything in a batch that whoever reads should know. */
export const isWorthTelling = (before: ReaderState, batch: Arrived): boolean =>
  batch.records.length > 0 || batch.closed || batch.next !== before.offset || (batch.upToDate && !before.caughtUp);

const stay = (state: ReaderState): ReaderState => state;

/** Catching up alone proves little: only what was pushed, or was new, shows that the way is free again. */
const take: Step<'arrived'> = (state, { batch }) => {
  if (!fits(state, batch)) return state;
  const done = batch.closed || (batch.upToDate && !state.stays);
  const fresh = batch.records.length > 0;
  return {
    ...state,
    offset: batch.next,
    cursor: batch.cursor ?? state.cursor,
    caughtUp: batch.upToDate || state.caughtUp,
    failures: fresh || state.phase === 'live' ? 0 : state.failures,
    mute: fresh && state.phase === 'live' ? 0 : state.mute,
    error: undefined,
    phase: done ? 'ended' : state.phase === 'reading' && batch.upToDate ? 'live' : state.phase,
  };
};

/** The next try begins with a catch-up request: cheap when there is nothing, and it tells a gap from a cut. */
const breakOff =
  (pace: Pace): Step<'broken'> =>
  (state, { error, chance }) => {
    if (isGap(error)) return { ...state, phase: 'gap', error };
    if (state.phase === 'live' && state.mode !== 'long-poll' && noEvents.has(error.status))
      return { ...state, mode: 'long-poll' };
    if (!comesBack(error)) return { ...state, phase: 'failed', error };
    const failures = state.failures + 1;
    const waitMs = waitBefore(failures, pace, error.retryAfterMs, chance);
    return { ...state, phase: 'waiting', failures, waitMs, error, caughtUp: false };
  };

const fallBack =
  (pace: Pace): Step<'mute'> =>
  (state, { chance }) => {
    const mute = state.mute + 1;
    if (mute >= muteMax) return { ...state, mode: 'long-poll', mute: 0 };
    const failures = state.failures + 1;
    return { ...state, phase: 'waiting', mute, failures, waitMs: waitBefore(failures, pace, 0, chance) };
  };

const resume = (state: ReaderState): ReaderState => ({ ...state, phase: 'reading', waitMs: 0 });
const endSoon = (state: ReaderState): ReaderState => ({ ...state, stays: false });

const poll = (state: ReaderState): ReaderState => ({ ...state, mode: 'long-poll' });
const over = {
  arrived: stay,
  ended: stay,
  broken: stay,
  mute: stay,
  poll: stay,
  waited: stay,
  goOn: stay,
  refuse: stay,
  finish: stay,
};

/** Every state × event. */
const tableFor = (pace: Pace): { readonly [P in Phase]: { readonly [K in Kind]: Step<K> } } => ({
  reading: {
    arrived: take,
    ended: stay,
    broken: breakOff(pace),
    mute: stay,
    poll,
    waited: stay,
    goOn: stay,
    refuse: stay,
    finish: endSoon,
  },
  live: {
    arrived: take,
    ended: resume,
    broken: breakOff(pace),
    mute: fallBack(pace),
    poll,
    waited: stay,
    goOn: stay,
    refuse: stay,
    finish: (state) => resume(endSoon(state)),
  },
  waiting: {
    arrived: stay,
    ended: stay,
    broken: stay,
    mute: stay,
    poll,
    waited: resume,
    goOn: stay,
    refuse: stay,
    finish: endSoon,
  },
  gap: {
    arrived: stay,
    ended: stay,
    broken: stay,
    mute: stay,
    poll,
    waited: stay,
    goOn: (state, { from }) => ({ ...state, phase: 'reading', offset: from, cursor: undefined, error: undefined }),
    refuse: (state) => ({ ...state, phase: 'failed' }),
    finish: endSoon,
  },
  ended: over,
  failed: over,
});

/** What the reader is after an event. */
export function makeNext(pace: Pace): (state: ReaderState, event: ReaderEvent) => ReaderState {
  const table = tableFor(pace);
  return (state, event) => (table[state.phase][event.kind] as Step<typeof event.kind>)(state, event);
}

/** Reading again harms nobody, so a reader also outlives what is broken on the server for now. */
const comesBack = (error: MusterError): boolean => error.status >= 500 || isPassing(error);

/** 410 means what follows the offset is gone, except for a stream that is only kept for its forks: that one ends. */
const isGap = (error: MusterError): boolean => error.status === 410 && error.reason !== 'kept_for_forks';

/** Why messages are missing in front of a reader, and where it may go on. */
export type Gap = {
  reason: 'offset_trimmed' | 'stream_recreated' | 'restored' | 'positions_lost' | (string & {});
  /** What the server says to a person. */
  detail: string;
  /** Where the reader stood. */
  from: string;
  /** The first offset that can still be read; `-1` when the server names none. */
  earliest: string;
  lostMessages: number | undefined;
};

export function gapOf(error: MusterError, from: string): Gap {
  const headers = (error.extra['stream'] ?? {}) as Record<string, string>;
  const said = error.extra['earliest'] ?? headers['stream-first-offset'];
  const lost = error.extra['lostMessages'];
  return {
    reason: error.reason,
    detail: error.message,
    from,
    earliest: typeof said === 'string' ? said : '-1',
    lostMessages: typeof lost === 'number' ? lost : undefined,
  };
}
