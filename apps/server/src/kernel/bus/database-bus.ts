import { type Clock, randomToken, type Service, systemClock } from '#kernel/base';
import type { Db } from '#kernel/db';
import { type Bus, busLimits } from './bus.ts';
import { checkHint, Topics } from './topics.ts';

export type DatabaseBusOptions = {
  db: Db;
  /** A listener threw, or a NOTIFY failed (topic `*`). */
  onError: (topic: string, error: unknown) => void;
  clock?: Clock;
  channel?: string;
  /** At most one NOTIFY per this time; equal hints within it are one. */
  coalesceMs?: number;
};

/** Postgres refuses NOTIFY payloads of 8000 bytes and more. */
const notifyBytesMax = 7_900;

/** What one NOTIFY carries, as JSON: who sent it, whether hints before it were lost, and the hints. */
type Envelope = { from: string; lost: boolean; hints: [topic: string, payload: string][] };

/**
 * Hints for every process on one database. This process hears its own at once; others by NOTIFY on one channel, several
 * hints in one. The first hint after a pause is sent at once, those within `coalesceMs` of the last NOTIFY wait for the
 * next one.
 *
 *  new     – publishing works; hints of others are not heard.
 *  started – hears others; after a cut of the connection every subscriber is told `missed`.
 *  stopped – what was waiting is sent once more, then nothing is heard or sent. Never left.
 */
export class DatabaseBus implements Bus, Service {
  readonly #db: Db;
  readonly #clock: Clock;
  readonly #channel: string;
  readonly #coalesceMs: number;
  readonly #onError: (topic: string, error: unknown) => void;
  readonly #local: Topics;
  readonly #me = randomToken(6);
  /** Encoded hints, in the order they were first published. */
  readonly #outgoing = new Set<string>();
  /** Others must be told `missed`: hints did not fit, or a NOTIFY failed. */
  #lost = false;
  #sending: Promise<void> | undefined;
  #listening: Disposable | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: DatabaseBusOptions) {
    this.#db = options.db;
    this.#clock = options.clock ?? systemClock;
    this.#channel = options.channel ?? 'muster_bus';
    this.#coalesceMs = options.coalesceMs ?? 5;
    this.#onError = options.onError;
    this.#local = new Topics(options.onError);
  }

  start(): Promise<void> {
    if (!this.#stopped) {
      this.#listening ??= this.#db.listen(
        this.#channel,
        (payload) => this.#hear(payload),
        () => this.#local.missedAll(),
      );
    }
    return Promise.resolve();
  }

  publish(topic: string, payload: string): void {
    checkHint(topic, payload);
    this.#local.deliver(topic, payload);
    if (this.#stopped) return;
    if (this.#outgoing.size >= busLimits.outgoingMax) this.#lost = true;
    else this.#outgoing.add(JSON.stringify([topic, payload]));
    this.#sending ??= this.#sendAll();
  }

  subscribe(topic: string, heard: (payload: string) => void, missed?: () => void): Disposable {
    return this.#local.subscribe(topic, heard, missed);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#listening?.[Symbol.dispose]();
    await this.#sending;
    while (this.#outgoing.size > 0 && !this.#lost) await this.#sendSome();
  }

  /** Runs while there is something to send; `#sending` is this run. */
  async #sendAll(): Promise<void> {
    await Promise.resolve(); // what is published in the same breath goes along
    while ((this.#outgoing.size > 0 || this.#lost) && !this.#stopped) {
      await this.#sendSome();
      await this.#clock.sleep(this.#coalesceMs);
    }
    this.#sending = undefined;
  }

  async #sendSome(): Promise<void> {
    const lost = this.#lost;
    const head = `{"from":"${this.#me}","lost":${lost},"hints":[`;
    let text = '';
    let bytes = head.length + 2;
    for (const hint of this.#outgoing) {
      bytes += Buffer.byteLength(hint) + 1;
      if (bytes > notifyBytesMax) break;
      text += text === '' ? hint : `,${hint}`;
      this.#outgoing.delete(hint);
    }
    this.#lost = false;
    try {
      await this.#db.notify(this.#channel, `${head}${text}]}`);
    } catch (error) {
      this.#lost = true; // said with the next NOTIFY that gets through
      this.#onError('*', error);
      await this.#clock.sleep(this.#stopped ? 0 : retryMs);
    }
  }

  #hear(text: string): void {
    let envelope: Envelope;
    try {
      envelope = JSON.parse(text) as Envelope;
    } catch (error) {
      this.#onError('*', error);
      return;
    }
    if (envelope.from === this.#me) return;
    for (const [topic, payload] of envelope.hints) this.#local.deliver(topic, payload);
    if (envelope.lost) this.#local.missedAll();
  }
}

/** Between tries while the database does not take a NOTIFY. */
const retryMs = 500;
