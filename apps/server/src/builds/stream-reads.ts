import { invalid, jitter, notFound } from '#kernel/base';
import { type Answer, answer, type Call, taken } from '#kernel/http';
import type { From, Log, Page, Sink, StreamKey } from '#kernel/log';
import { jsonType } from './stream-keys.ts';

/* Reading one of this room's streams over HTTP in the form of the public stream protocol: catch-up, long poll, events.
 * Every form gives the same bytes at the same offsets. */

const pageMax = { bytes: 2 ** 20, messages: 1_000 };
const longPollMs = { default: 30_000, min: 1_000, max: 55_000 };
const sseLifeMs = 15 * 60_000;
const cursorEpochMs = Date.UTC(2024, 9, 9);
const cursorStepMs = 20_000;

type Deps = {
  log: Log;
  clock: { now(): number; after(ms: number, then: () => void): Disposable };
  random: () => number;
};

/** Answers one GET. `notFound` `stream_unknown`; `invalid` `offset_malformed`, `offset_required`, `live_unknown`. */
export async function readStream(deps: Deps, call: Call, key: StreamKey): Promise<Answer | typeof taken> {
  const live = one(call, 'live');
  if (live !== undefined && live !== 'long-poll' && live !== 'sse') {
    throw invalid('live_unknown', 'live is long-poll or sse.', {
      errors: [{ pointer: '?live', detail: 'unknown value' }],
    });
  }
  const from = fromOf(call, live === 'sse');
  if (from === undefined && live !== undefined) {
    throw invalid('offset_required', 'A live read names the offset it starts at; -1 is the start, now is the end.');
  }
  if (!(await deps.log.head(key))) throw notFound('stream_unknown', 'There is no such stream.');
  if (live === 'sse') return followEvents(deps, call, key, from ?? 'start');
  const page = await deps.log.read(key, from ?? 'start', pageMax);
  if (live === 'long-poll') return longPoll(deps, call, key, page);
  return pageAnswer(call, key, from ?? 'start', page, {});
}

async function longPoll(deps: Deps, call: Call, key: StreamKey, first: Page): Promise<Answer> {
  const cursor = { 'stream-cursor': nextCursor(deps, one(call, 'cursor')) };
  let page = first;
  if (page.messages.length === 0 && !page.closed) {
    const waited = await call.park<void>(timeoutOf(call), (wake) => wakeOnMessage(deps.log, key, page.next, wake));
    if (waited.why === 'woken') page = await deps.log.read(key, page.next, pageMax);
  }
  if (page.messages.length > 0) return pageAnswer(call, key, first.next, page, cursor);
  return answer(204, undefined, {
    'cache-control': 'no-store',
    'stream-next-offset': page.next,
    'stream-up-to-date': 'true',
    ...(page.closed ? { 'stream-closed': 'true' } : cursor),
  });
}

function pageAnswer(call: Call, key: StreamKey, from: From, page: Page, more: Record<string, string>): Answer {
  const closed = page.closed && page.upToDate;
  const headers = {
    'content-type': jsonType,
    'stream-next-offset': page.next,
    ...(page.upToDate ? { 'stream-up-to-date': 'true' } : {}),
    ...(closed ? { 'stream-closed': 'true' } : {}),
    ...more,
  };
  if (from === 'now') return answer(200, '[]', { ...headers, 'cache-control': 'no-store' });
  const etag = `"${key.path}:${from}:${page.next}${closed ? ':c' : ''}"`;
  const cached = {
    etag,
    'cache-control': 'private, max-age=60, stale-while-revalidate=300',
    vary: 'Authorization, Muster-Project',
  };
  const known = call.headers['if-none-match']?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
  if (known) return answer(304, undefined, { ...cached, 'stream-next-offset': page.next });
  return answer(200, Buffer.concat(arrayOf(page.messages.map((message) => message.bytes))), { ...headers, ...cached });
}

/** The messages as one JSON array, each as it was stored. */
function arrayOf(messages: readonly Uint8Array[]): Uint8Array[] {
  const parts: Uint8Array[] = [Buffer.from('[')];
  for (const [i, bytes] of messages.entries()) {
    if (i > 0) parts.push(Buffer.from(','));
    parts.push(bytes);
  }
  parts.push(Buffer.from(']'));
  return parts;
}

/** Server-sent events until the client goes, the server drains, or the stream's life is over; then it comes back. */
async function followEvents(deps: Deps, call: Call, key: StreamKey, from: From): Promise<typeof taken> {
  const sse = call.sse();
  const sink: Sink = {
    form: 'sse',
    // Called with nothing, it is only asked how much still waits.
    write: (shared) => {
      for (const bytes of shared) sse.write(bytes);
      return sse.waitingBytes;
    },
    gap: () => 'stop',
    end: () => sse.end(),
  };
  using tail = await deps.log.tail(key, from, sink);
  using life = deps.clock.after(jitter(sseLifeMs, 0.1, deps.random), () => sse.end());
  if (tail.mode === 'ended') sse.end();
  await overOf(sse.closed);
  life[Symbol.dispose]();
  return taken;
}

const overOf = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Calls `wake` once when anything lies after the offset. */
function wakeOnMessage(log: Log, key: StreamKey, from: From, wake: () => void): Disposable {
  const sink: Sink = {
    form: 'raw',
    write: (shared) => {
      if (shared.length > 0) wake();
      return 0;
    },
    gap: () => {
      wake();
      return 'stop';
    },
    end: () => wake(),
  };
  let over = false;
  const tail = log.tail(key, from, sink).then(
    (running) => {
      if (over) running[Symbol.dispose]();
      return running;
    },
    () => wake(),
  );
  return {
    [Symbol.dispose]: () => {
      over = true;
      void tail.then((running) => running?.[Symbol.dispose]());
    },
  };
}

function fromOf(call: Call, sse: boolean): From | undefined {
  const last = sse ? call.headers['last-event-id'] : undefined;
  const given = (Array.isArray(last) ? last[0] : last) ?? one(call, 'offset');
  if (given === undefined) return undefined;
  if (given === 'now') return 'now';
  if (given === '-1' || /^0{16}_0{16}$/.test(given)) return 'start';
  if (!/^\d{16}_\d{16}$/.test(given)) {
    const errors = [{ pointer: '?offset', detail: 'not an offset' }];
    throw invalid('offset_malformed', 'An offset is -1, now, or one that the server gave.', { errors });
  }
  return given;
}

function one(call: Call, name: string): string | undefined {
  const value = call.query[name];
  if (value === undefined || typeof value === 'string') return value;
  throw invalid('offset_malformed', `${name} may be given once.`, {
    errors: [{ pointer: `?${name}`, detail: 'given more than once' }],
  });
}

function timeoutOf(call: Call): number {
  const given = one(call, 'timeout');
  if (given === undefined) return longPollMs.default;
  const found = /^(\d{1,6})(ms|s)?$/.exec(given);
  if (!found)
    throw invalid('invalid_query', 'timeout is a duration such as 30s.', {
      errors: [{ pointer: '?timeout', detail: 'not a duration' }],
    });
  const ms = Number(found[1]) * (found[2] === 'ms' ? 1 : 1_000);
  return Math.min(Math.max(ms, longPollMs.min), longPollMs.max);
}

/** Only grows, so that a shared cache between us and many readers never answers a new poll with an old answer. */
function nextCursor(deps: Deps, given: string | undefined): string {
  const now = Math.floor((deps.clock.now() - cursorEpochMs) / cursorStepMs);
  const client = given !== undefined && /^\d{1,15}$/.test(given) ? Number(given) : -1;
  if (client < now) return String(now);
  return String(client + Math.max(1, Math.ceil((1 + deps.random() * 3_599) / (cursorStepMs / 1_000))));
}
