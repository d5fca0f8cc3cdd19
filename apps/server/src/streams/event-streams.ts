import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Clock, jitter, type Random } from '#kernel/base';
import type { Gap, Sink, Tail } from '#kernel/log';
import { withCursor } from './cursor.ts';
import { streamsLimits } from './limits.ts';

const comment = [Buffer.from(':\n\n')];
const lineEnd = Buffer.from('\r\n');

/** What all followers of a stream get in one turn is framed for HTTP once, not once for each of them. */
const framed = new WeakMap<readonly Uint8Array[], Buffer>();

/** One chunk of a chunked answer; `undefined` for nothing, which would end it. */
function chunkOf(shared: readonly Uint8Array[]): Buffer | undefined {
  let chunk = framed.get(shared);
  if (!chunk) {
    const length = shared.reduce((sum, bytes) => sum + bytes.length, 0);
    if (length === 0) return undefined;
    chunk = Buffer.concat([Buffer.from(`${length.toString(16)}\r\n`), ...shared, lineEnd]);
    framed.set(shared, chunk);
  }
  return chunk;
}

/**
 * The open event streams of this node. One timer looks at all of them: who was silent gets a comment, whose life or token
 * is over is ended. Nothing is set up per write.
 */
export class EventStreams {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #open = new Set<EventStream>();
  #looking: Disposable | undefined;
  #draining: AbortSignal | undefined;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  get count(): number {
    return this.#open.size;
  }

  now(): number {
    return this.#clock.monotonic();
  }

  /** `lifeMs` is spread by ± 10 %, so that a crowd does not come back at once; `endsInMs` is a hard end. */
  endOf(lifeMs: number, endsInMs: number): number {
    return this.now() + Math.min(jitter(lifeMs, 0.1, this.#random), endsInMs);
  }

  add(stream: EventStream, draining: AbortSignal): void {
    this.#open.add(stream);
    this.#looking ??= this.#clock.after(streamsLimits.sseLookMs, this.#look);
    // A signal that has come already is not told again.
    if (draining.aborted) return stream.end('draining');
    if (this.#draining === draining) return;
    this.#draining = draining;
    draining.addEventListener('abort', () => this.#endAll(), { once: true });
  }

  left(stream: EventStream): void {
    this.#open.delete(stream);
  }

  #endAll(): void {
    for (const stream of this.#open) stream.end('draining');
  }

  /** Ends all; they come back elsewhere, or later. */
  [Symbol.dispose](): void {
    this.#endAll();
    this.#looking?.[Symbol.dispose]();
  }

  readonly #look = (): void => {
    const now = this.now();
    for (const stream of this.#open) stream.look(now);
    this.#looking = this.#open.size > 0 ? this.#clock.after(streamsLimits.sseLookMs, this.#look) : undefined;
  };
}

/** `life`: its time, its token or the right to read is over. `gone`: the client. */
type Why = Parameters<Sink['end']>[0] | 'gap' | 'life' | 'gone';

/*
 * One event stream.
 *
 *   new     nothing is written: a refusal can still be an error answer.
 *   open    the head is out; each write is whole batches, so any end comes right behind a control event.
 *   ended   the answer is ended or cut. Never left.
 */
export class EventStream implements Sink {
  readonly form = 'sse';
  readonly #streams: EventStreams;
  readonly #response: ServerResponse;
  readonly #begin: () => void;
  readonly #endsAt: number;
  readonly #cursor: number | undefined;
  #state: 'new' | 'open' | 'ended' = 'new';
  #unheard: Why | undefined;
  /** Where chunks are written to directly; without it (HTTP/1.0, an answer that waits for its turn) Node frames each. */
  #socket: Socket | undefined;
  #wroteAt: number;
  #tail: Tail | undefined;

  constructor(
    streams: EventStreams,
    options: {
      response: ServerResponse;
      endsAt: number;
      draining: AbortSignal;
      /** What the client must be told at least; the shared events tell the present one. */
      cursor: number | undefined;
      begin: () => void;
    },
  ) {
    this.#streams = streams;
    this.#response = options.response;
    this.#begin = options.begin;
    this.#endsAt = options.endsAt;
    this.#cursor = options.cursor;
    this.#wroteAt = streams.now();
    streams.add(this, options.draining);
  }

  /** Why it ended before anything was written: nobody has heard of it, and the request waits for an answer. */
  get unheard(): Why | undefined {
    return this.#unheard;
  }

  /** The tail that writes here; over with this. */
  follows(tail: Tail): void {
    this.#tail = tail;
    if (this.#state === 'ended') tail[Symbol.dispose]();
  }

  write(shared: readonly Uint8Array[]): number {
    if (this.#state === 'ended') return 0;
    if (shared.length > 0) {
      this.#open();
      this.#send(this.#cursor === undefined ? shared : shared.map((bytes) => withCursor(bytes, this.#cursor ?? 0)));
    }
    return this.#socket?.writableLength ?? this.#response.writableLength;
  }

  #open(): void {
    if (this.#state !== 'new') return;
    this.#state = 'open';
    this.#begin();
    const { socket, chunkedEncoding } = this.#response;
    if (socket && chunkedEncoding) this.#socket = socket;
    (this.#socket ?? this.#response).on('drain', this.#drained);
  }

  readonly #drained = (): void => this.#tail?.drained();

  #send(shared: readonly Uint8Array[]): void {
    this.#wroteAt = this.#streams.now();
    if (!this.#socket) {
      for (const bytes of shared) this.#response.write(bytes);
      return;
    }
    const chunk = chunkOf(shared);
    if (chunk) this.#socket.write(chunk);
  }

  /** A plain client chooses for itself what to do about a gap: it gets 410 now, or when it comes back. */
  gap(_gap: Gap): 'stop' {
    if (this.#state === 'open') this.end('gap');
    return 'stop';
  }

  end(why: Why): void {
    if (this.#state === 'ended') return;
    const began = this.#state === 'open';
    this.#state = 'ended';
    if (!began) this.#unheard = why;
    this.#streams.left(this);
    this.#tail?.[Symbol.dispose]();
    (this.#socket ?? this.#response).off('drain', this.#drained);
    if (why === 'gone') return;
    // Whoever does not read would not see a polite end either.
    if (why === 'slow') this.#response.destroy();
    else if (began) this.#response.end();
  }

  look(now: number): void {
    if (this.#state !== 'open') return;
    if (now >= this.#endsAt) return this.end('life');
    if (now - this.#wroteAt >= streamsLimits.sseCommentMs) this.#send(comment);
  }
}
