import type { Connection, Gap, ReaderState, StreamSocket } from '@muster/client';
import { MusterError } from '@muster/protocol/errors';

export type Taken = { readonly next: string; readonly upToDate: boolean; readonly closed: boolean };

export type Taker<T = unknown> = {
  /** Called once in an animation frame, with all that came since the last one; `next` covers it. */
  take: (records: readonly T[], at: Taken) => void;
  /** What lies between is gone for good; reading goes on behind it. */
  gap?: (gap: Gap) => void;
  /** The stream has ended. */
  ended?: () => void;
  /** It cannot be read: no right to it, or not what is read here. */
  failed?: (error: Error) => void;
};

/** What a follow tells of itself. */
export type FollowHost = {
  arrived: (follow: Follow) => void;
  /** Caught up, for the first time or again. */
  joined: (follow: Follow) => void;
  changed: (follow: Follow) => void;
  refused: (follow: Follow, error: unknown) => void;
};

/** Streams of a room come into being with their first record; until then they are asked for again. */
const missingRetryMs = 15_000;
const pace = { firstMs: 500, maxMs: 15_000 };
/** More than this is handed over at once: nobody looks, so no frame would come for it. */
const heldMax = 2000;

/*
 * One stream, followed from an offset on for as long as somebody takes from it.
 *   running  a reader is on its way or stays with the stream; `offset` is behind what was handed out
 *   resting  nobody reads: paused, or before the first `run`. `offset` is kept
 */
export class Follow {
  readonly path: string;
  readonly takers = new Set<Taker>();
  offset: string;
  /** Records between here and the tail, as far as they were counted. */
  behind = 0;
  phase: ReaderState['phase'] | 'resting' = 'resting';
  mode: ReaderState['mode'] = 'socket';
  /** When it tries again, of `performance.now()`. */
  retryAt: number | undefined;
  #held: unknown[] = [];
  #at: Taken | undefined;
  #abort: AbortController | undefined;
  readonly #host: FollowHost;

  constructor(path: string, from: string, host: FollowHost) {
    this.path = path;
    this.offset = from;
    this.#host = host;
  }

  run(connection: Connection, socket: StreamSocket): void {
    if (this.#abort) return;
    const abort = new AbortController();
    this.#abort = abort;
    void this.#read(connection, socket, abort.signal);
  }

  rest(): void {
    this.#abort?.abort();
    this.#abort = undefined;
    this.phase = 'resting';
    this.retryAt = undefined;
  }

  /** Hands over what came. */
  handOut(): void {
    const [held, at] = [this.#held, this.#at];
    if (!at) return;
    this.#held = [];
    this.#at = undefined;
    for (const taker of Array.from(this.takers)) {
      taker.take(held, at);
      if (at.closed) taker.ended?.();
    }
  }

  async #read(connection: Connection, socket: StreamSocket, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#follow(connection, socket, signal);
        return;
      } catch (error) {
        // oxlint-disable-next-line typescript/no-unnecessary-condition -- it may have been aborted while this read
        if (signal.aborted) return;
        this.phase = 'failed';
        if (!(error instanceof MusterError) || error.code !== 'notFound') {
          this.#host.refused(this, error);
          return;
        }
        await pause(missingRetryMs, signal);
      }
    }
  }

  async #follow(connection: Connection, socket: StreamSocket, signal: AbortSignal): Promise<void> {
    const batches = socket.follow(this.path, {
      from: this.offset,
      signal,
      pace,
      onState: (state) => this.#moved(state, signal),
      onWait: (_, waitMs) => {
        this.retryAt = performance.now() + waitMs;
        this.#host.changed(this);
      },
      onGap: (gap) => {
        for (const taker of this.takers) taker.gap?.(gap);
        return 'continue';
      },
    });
    for await (const { records, next, upToDate, closed } of batches) {
      if (signal.aborted) return;
      this.offset = next;
      for (const record of records) this.#held.push(record);
      if (upToDate) this.behind = 0;
      else if (this.behind > 0) this.behind = Math.max(1, this.behind - records.length);
      else await this.#count(connection, signal);
      this.#at = { next, upToDate, closed };
      if (this.#held.length > heldMax) this.handOut();
      this.#host.arrived(this);
    }
  }

  #moved({ phase, mode }: ReaderState, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.phase = phase;
    this.mode = mode;
    if (phase !== 'waiting') this.retryAt = undefined;
    if (phase === 'live') {
      this.behind = 0;
      this.#host.joined(this);
    }
    this.#host.changed(this);
  }

  /** How much is to be read again; for the pill alone, so that a failure says nothing. */
  async #count(connection: Connection, signal: AbortSignal): Promise<void> {
    try {
      const address = `/v1/stream/${this.path.split('/').map(encodeURIComponent).join('/')}`;
      const { headers } = await connection.send('HEAD', address, { signal, cache: 'no-store' });
      this.behind = Math.max(1, positionOf(headers.get('stream-next-offset') ?? '') - positionOf(this.offset));
    } catch {
      this.behind = 1;
    }
  }
}

/** Offsets of this server are `<era>_<position>`; of anything else nothing is known. */
const positionOf = (offset: string): number => Number(/^\d+_(\d+)$/.exec(offset)?.[1] ?? 0);

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
