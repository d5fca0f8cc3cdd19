import { MusterError } from '@muster/protocol/errors';
import type { Connection } from '../base/connection.ts';
import { type Pace, wait, waitBefore } from '../base/patience.ts';
import { Listening } from '../base/silence.ts';
import { Backlog, type Bounds } from './backlog.ts';
import { bodyOf, type Content, encode, sizeOf, typeFor } from './content.ts';
import { memoryOutbox, type Outbox, type Sending } from './outbox.ts';
import { type Answered, epochOf, firstEpoch, judge } from './producer-state.ts';
import { readerPace } from './stream-state.ts';

export type ProducerOptions = Partial<Bounds> & {
  /** Where unsent messages are kept. In memory unless said; `fileOutbox` and `indexedDbOutbox` outlive the process. */
  outbox?: Outbox;
  /** What the stream holds; else guessed from the first message. */
  contentType?: string;
  /** How much of what came while a request was on its way goes into the next. */
  batchEntriesMax?: number;
  batchBytesMax?: number;
  pace?: Pace;
  /** Told before each wait, so that a person sees why nothing moves. */
  onWait?: (error: MusterError, waitMs: number) => void;
  onState?: (phase: ProducerPhase, error: MusterError | undefined) => void;
};

export type ProducerPhase = 'idle' | 'sending' | 'waiting' | 'paused' | 'closed';

const defaults = { entriesMax: 10_000, bytesMax: 16 * 2 ** 20, batchEntriesMax: 1_000, batchBytesMax: 2 ** 20 };
/** A server that has not answered an append by then will not: the request goes out again. */
const answerMsMax = 60_000;

/**
 * A persistent, ordered writer: what it took reaches the stream exactly once and in order, over cuts, restarts of the
 * server and, with a lasting outbox, deaths of this process. One request is on its way at a time; what is appended
 * meanwhile goes together in the next.
 *
 *  idle    – nothing to send
 *  sending – a request is on its way, or about to be
 *  waiting – the server is away or full; the same request goes out again
 *  paused  – refused for good: `resume` or `drop` decides. New messages are taken until the outbox is full
 *  closed  – by `close`; what was not sent is still in the outbox. Never left
 *
 * @example
 * await using producer = client.stream('ci/log').producer('runner-7', { outbox: fileOutbox('runner-7.outbox') });
 * await producer.append('compiling\n');
 * await producer.flush();
 */
export class Producer implements AsyncDisposable {
  readonly id: string;
  readonly #connection: Connection;
  readonly #at: { path: string; address: string };
  readonly #options: ProducerOptions & typeof defaults & { pace: Pace; outbox: Outbox };
  readonly #backlog: Backlog;
  readonly #end = new AbortController();
  #contentType: string | undefined;
  #phase: ProducerPhase = 'idle';
  #error: MusterError | undefined;
  #mark: string | undefined;
  #next: string | undefined;
  #opened: Promise<void> | undefined;
  #running: Promise<void> | undefined;

  /** Of the next request that is not numbered yet. */
  #epoch = 0;
  #seq = 0;
  /** The request that is on its way or goes out again; it keeps its number and its messages. */
  #current: Sending | undefined;
  /** It may have arrived already. */
  #unsure = false;
  /** Something of this epoch is on the server. */
  #settled = false;
  #batchEntriesMax: number;

  constructor(
    connection: Connection,
    at: { path: string; address: string },
    id: string,
    options: ProducerOptions = {},
  ) {
    this.id = id;
    this.#connection = connection;
    this.#at = at;
    const outbox = options.outbox ?? memoryOutbox();
    this.#options = { pace: readerPace, ...defaults, ...options, outbox };
    this.#backlog = new Backlog(outbox, this.#options);
    this.#contentType = options.contentType;
    this.#batchEntriesMax = this.#options.batchEntriesMax;
  }

  get phase(): ProducerPhase {
    return this.#phase;
  }

  /** Why it is paused or waits. */
  get error(): MusterError | undefined {
    return this.#error;
  }

  /** Where the stream ended behind the newest message of this process that is safe there. */
  get next(): string | undefined {
    return this.#next;
  }

  /** What is not safe on the server yet. */
  get pending(): { entries: number; bytes: number } {
    return this.#backlog.pending;
  }

  /**
   * Takes the outbox and begins to send what an earlier process left in it. `append` does this by itself; `mark` is that of
   * the newest message an earlier process appended, to go on in the input behind it.
   */
  async open(): Promise<{ mark: string | undefined; pending: number }> {
    this.#opened ??= this.#open();
    await this.#opened;
    return { mark: this.#mark, pending: this.pending.entries };
  }

  /**
   * Resolves when the outbox has the message; it will be sent. `exhausted` `outbox_full` when too much waits (see `room`).
   * `mark`: how far the caller's input is taken with this message; kept together with it.
   */
  async append(data: Content, options: { mark?: string } = {}): Promise<void> {
    await this.open();
    this.#refuseClosed();
    const contentType = (this.#contentType ??= typeFor(data));
    const message = encode(data, contentType);
    const { mark } = options;
    await this.#backlog.take({ message, bytes: sizeOf(message), mark, contentType }, () => this.#run());
    if (options.mark !== undefined) this.#mark = options.mark;
  }

  /** Resolves when everything appended so far is safe on the server. Rejects when the producer pauses or is closed. */
  async flush(): Promise<void> {
    await this.open();
    if (this.#phase === 'paused' && this.#error) throw this.#error;
    if (this.pending.entries > 0) this.#refuseClosed();
    await this.#backlog.settled();
  }

  /** Resolves when there is room again, for writers that have more to say than the network can carry. */
  async room(): Promise<void> {
    await this.open();
    if (this.#phase === 'paused' && this.#error) throw this.#error;
    await this.#backlog.room();
  }

  /**
   * Goes on after a pause, with the request that was refused. `takeOver`: above the epoch of whoever fenced this producer;
   * a request that was on its way at that moment may then be there twice, because nobody can say whether it arrived.
   */
  resume(options: { takeOver?: boolean } = {}): void {
    if (this.#phase !== 'paused') return;
    if (options.takeOver) {
      const fence = this.#error && epochOf(this.#error);
      this.#newEpoch(Math.max(fence ?? 0, this.#epoch) + 1);
      this.#unsure = false;
      // Under its new number it is a new request.
      this.#current = undefined;
    }
    this.#go('idle');
    this.#run();
  }

  /** Gives up the request that was refused and goes on behind it; returns its messages. */
  async drop(): Promise<(string | Uint8Array)[]> {
    if (this.#phase !== 'paused' || !this.#current) return [];
    const { count } = this.#current;
    const dropped = this.#backlog.first(count);
    await this.#backlog.settle(count);
    // Its number is free only when it surely did not arrive.
    if (this.#unsure) this.#newEpoch(this.#epoch + 1);
    this.#current = undefined;
    this.#unsure = false;
    this.#go('idle');
    this.#run();
    return dropped;
  }

  /** Stops sending and frees the outbox. What is in a lasting outbox is sent by the next producer that opens it. */
  async close(): Promise<void> {
    if (this.#phase === 'closed') return;
    this.#go('closed');
    this.#end.abort(closedError());
    await this.#running;
    this.#backlog.giveUp(closedError());
    if (this.#opened) await this.#opened.then(() => this.#backlog.close()).catch(() => undefined);
  }

  /** Closes; with an outbox that does not last, when everything is sent. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (!this.#options.outbox.lasting && this.pending.entries > 0 && this.#phase !== 'closed') await this.flush();
    } finally {
      await this.close();
    }
  }

  async #open(): Promise<void> {
    this.#refuseClosed();
    try {
      const kept = await this.#backlog.open(`${this.#at.path} ${this.id}`, sizeOf);
      this.#newEpoch(firstEpoch(kept.epoch, Date.now(), Math.random()));
      this.#mark = kept.mark;
      this.#current = kept.sending;
      this.#unsure = kept.sending !== undefined;
      this.#contentType ??= kept.contentType;
    } catch (error) {
      this.#opened = undefined;
      throw error;
    }
    this.#run();
  }

  #newEpoch(epoch: number): void {
    this.#epoch = epoch;
    this.#seq = 0;
    this.#settled = false;
  }

  /** Sends until nothing is left; at most one of these runs. */
  #run(): void {
    if (this.#running || this.#phase === 'paused' || this.#phase === 'closed') return;
    this.#running = this.#send()
      .catch((error: unknown) => {
        if (this.#phase !== 'closed') this.#pause(error as MusterError);
      })
      .finally(() => {
        this.#running = undefined;
        if (this.#phase === 'sending') this.#go('idle');
        // Something may have come between the last look and now.
        if (this.#phase === 'idle' && this.#backlog.batch(1, 1) > 0) this.#run();
      });
  }

  async #send(): Promise<void> {
    let failures = 0;
    for (;;) {
      if (!this.#current) {
        const count = this.#backlog.batch(this.#batchEntriesMax, this.#options.batchBytesMax);
        if (count === 0) return;
        await this.#number({ epoch: this.#epoch, seq: this.#seq, count });
      }
      const sending = this.#current as Sending;
      this.#go('sending');
      const standing = { sending, unsure: this.#unsure, settled: this.#settled };
      const verdict = judge(standing, await this.#request(sending));
      this.#end.signal.throwIfAborted();
      switch (verdict.do) {
        case 'stored':
          failures = 0;
          await this.#backlog.settle(sending.count);
          if (sending.epoch === this.#epoch) {
            this.#seq = sending.seq + 1;
            this.#settled = true;
          }
          this.#current = undefined;
          break;
        case 'again': {
          failures += 1;
          this.#unsure = verdict.unsure;
          const waitMs = waitBefore(failures, this.#options.pace, verdict.error.retryAfterMs);
          this.#go('waiting', verdict.error);
          this.#options.onWait?.(verdict.error, waitMs);
          await wait(waitMs, this.#end.signal);
          break;
        }
        case 'raise':
          this.#newEpoch(verdict.epoch);
          await this.#number({ ...sending, epoch: verdict.epoch });
          break;
        case 'split':
          this.#batchEntriesMax = Math.ceil(sending.count / 2);
          await this.#number({ ...sending, count: this.#batchEntriesMax });
          break;
        case 'pause':
          this.#unsure ||= verdict.error.status >= 500;
          return this.#pause(verdict.error);
      }
    }
  }

  async #number(sending: Sending): Promise<void> {
    await this.#backlog.assign(sending);
    this.#current = sending;
    this.#unsure = false;
  }

  async #request({ epoch, seq, count }: Sending): Promise<Answered> {
    const contentType = this.#contentType ?? 'application/octet-stream';
    using listening = new Listening([this.#end.signal]);
    listening.expect(answerMsMax);
    try {
      const answer = await this.#connection.send('POST', this.#at.address, {
        headers: {
          'content-type': contentType,
          'producer-id': this.id,
          'producer-epoch': String(epoch),
          'producer-seq': String(seq),
        },
        body: bodyOf(this.#backlog.first(count), contentType),
        signal: listening.signal,
      });
      await answer.body?.cancel();
      this.#next = answer.headers.get('stream-next-offset') ?? this.#next;
      const accepted = answer.headers.get('producer-seq');
      return { stored: true, accepted: accepted === null ? undefined : Number(accepted) };
    } catch (error) {
      if (error instanceof MusterError) return { stored: false, error };
      throw error;
    }
  }

  #pause(error: MusterError): void {
    this.#go('paused', error);
    this.#backlog.giveUp(error);
  }

  #go(phase: ProducerPhase, error?: MusterError): void {
    if (this.#phase === 'closed') return;
    const moved = this.#phase !== phase;
    this.#phase = phase;
    this.#error = error;
    if (moved) this.#options.onState?.(phase, error);
  }

  #refuseClosed(): void {
    if (this.#phase === 'closed') throw closedError();
  }
}

const closedError = (): MusterError =>
  new MusterError('unavailable', { reason: 'producer_closed', detail: 'This producer is closed.' });
