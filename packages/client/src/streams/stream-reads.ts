/* The three requests a reader makes; each gives what `stream-state.ts` understands, or throws why not. */
import { MusterError } from '@muster/protocol/errors';
import type { Connection } from '../base/connection.ts';
import { Listening, readBytes } from '../base/silence.ts';
import { type Form, formOf, fromBase64, recordsOf } from './content.ts';
import { EventParser } from './event-parser.ts';
import type { Arrived, ReaderState } from './stream-state.ts';

export type ReadAt = {
  connection: Connection;
  address: string;
  raw: boolean;
  /** What comes behind an offset, by another way than the stream's own events. */
  pushed?: (offset: string, form: Form, signal: AbortSignal) => AsyncGenerator<Arrived, void>;
};

const pageMsMax = 30_000;
/** The server answers a long poll within 60 s, whatever it was set to. */
const pollMsMax = 75_000;
/** The first control event comes at once, so its absence tells of a proxy that keeps events back. */
const firstEventMsMax = 10_000;
/** The server writes a comment every 15 s. */
const eventsMsMax = 45_000;
/** An event stream that brought nothing new and ended before this was cut off by something in between. */
const mutedMs = 1_000;

/** One page of history, and what kind of content this stream holds. */
export async function readPage(at: ReadAt, state: ReaderState, signals: Signals): Promise<[Arrived, Form]> {
  using listening = new Listening(signals);
  listening.expect(pageMsMax);
  // A page a browser keeps may be older than the tail: it is asked again, which costs no body when nothing changed.
  return await takePage(at, state, listening, { offset: state.offset }, 'no-cache');
}

/** The same, at the tail: waits until something comes or the server's time is over. */
export async function pollPage(at: ReadAt, state: ReaderState, signals: Signals): Promise<[Arrived, Form]> {
  using listening = new Listening(signals);
  listening.expect(pollMsMax);
  const query = { offset: state.offset, live: 'long-poll', cursor: state.cursor };
  return await takePage(at, state, listening, query, 'no-store');
}

type Signals = readonly (AbortSignal | undefined)[];

async function takePage(
  { connection, address, raw }: ReadAt,
  { offset }: ReaderState,
  listening: Listening,
  query: Record<string, string | undefined>,
  cache: NonNullable<RequestInit['cache']>,
): Promise<[Arrived, Form]> {
  const { signal } = listening;
  const answer = await connection.send('GET', address, { query, signal, cache });
  const { headers } = answer;
  const body = await readBytes(listening, answer, pageMsMax);
  const next = headers.get('stream-next-offset');
  if (next === null) {
    throw new MusterError('invalid', {
      reason: 'not_a_stream',
      detail: `${connection.url}${address} does not answer as a stream does: no Stream-Next-Offset.`,
    });
  }
  const form = formOf(headers.get('content-type') ?? '', raw);
  const page = {
    from: offset,
    next,
    records: recordsOf(form, body),
    // A long poll that timed out (204) has seen the tail by definition.
    upToDate: answer.status === 204 || headers.get('stream-up-to-date') === 'true',
    closed: headers.get('stream-closed') === 'true',
    cursor: headers.get('stream-cursor') ?? undefined,
  };
  return [page, form];
}

export class NoEvents extends Error {}

/**
 * The live event stream behind an offset. Data counts only with the control event that names its end. Returns at the
 * stream's planned end; throws `NoEvents` when there are none to be had here.
 */
export async function* liveEvents(
  { connection, address }: ReadAt,
  { offset, cursor }: ReaderState,
  form: Form,
  signals: Signals,
): AsyncGenerator<Arrived, void> {
  using listening = new Listening(signals);
  listening.expect(firstEventMsMax);
  const query = { offset, live: 'sse', cursor };
  const began = performance.now();
  let from = offset;
  let heard = false;
  let told = false;
  try {
    const headers = { accept: 'text/event-stream' };
    const answer = await connection.send('GET', address, {
      query,
      headers,
      signal: listening.signal,
      cache: 'no-store',
    });
    if (!/^text\/event-stream/i.test(answer.headers.get('content-type') ?? '')) throw new NoEvents();
    const inBase64 = answer.headers.get('stream-sse-data-encoding') === 'base64';
    const parser = new EventParser();
    let held: unknown[] = [];
    for await (const piece of listening.pieces(answer, () => (heard ? eventsMsMax : firstEventMsMax))) {
      for (const { event, data } of parser.push(piece)) {
        if (event === 'data') held = held.concat(recordsOf(form, inBase64 ? fromBase64(data) : encoder.encode(data)));
        if (event !== 'control') continue;
        const control = controlOf(data);
        const { streamNextOffset: next, streamClosed: closed = false } = control;
        const batch = { from, next, records: held, closed, upToDate: closed || control.upToDate === true };
        told ||= held.length > 0;
        heard = true;
        held = [];
        from = next;
        yield { ...batch, cursor: control.streamCursor };
        if (closed) return;
      }
    }
  } catch (error) {
    if (!heard && isSilence(error)) throw new NoEvents();
    throw error;
  }
  if (!heard || (!told && performance.now() - began < mutedMs)) throw new NoEvents();
}

const isSilence = (error: unknown): boolean => error instanceof MusterError && error.reason === 'silence';
const encoder = new TextEncoder();

type Control = { streamNextOffset: string; streamCursor?: string; upToDate?: boolean; streamClosed?: boolean };

function controlOf(data: string): Control {
  try {
    const control = JSON.parse(data) as Partial<Control> | null;
    if (typeof control?.streamNextOffset === 'string') return control as Control;
  } catch {
    // Said below.
  }
  throw new MusterError('unavailable', {
    reason: 'answer_cut',
    detail: 'The server sent a control event that is none.',
  });
}
