import { Client, type ClientConfig, escapeIdentifier } from 'pg';
import { asError, type Clock, jitter } from '#kernel/base';
import type { DbLogger } from './logger.ts';

type Subscription = { channel: string; heard: (payload: string) => void; missed: (() => void) | undefined };

export type ListenerOptions = { config: ClientConfig; clock: Clock; logger: DbLogger; onCut: () => void };

const reconnectMsMin = 100;
const reconnectMsMax = 2_000;
/** A connection that died without a word would never be missed; asking it tells. */
const askEveryMs = 10_000;

/**
 * The one connection of a process that hears NOTIFY.
 *  idle    – nobody listens; no connection.
 *  joining – connecting, or waiting to try again; nothing is heard.
 *  hearing – every channel is listened to; `missed` of each subscription ran after this began.
 *  closed  – reached once, never left.
 */
export class Listener implements AsyncDisposable {
  readonly #options: ListenerOptions;
  readonly #subscriptions = new Set<Subscription>();
  #client: Client | undefined;
  #timer: Disposable | undefined;
  #joining = false;
  #closed = false;
  #failures = 0;
  /** Statements of one connection run one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  add(channel: string, heard: (payload: string) => void, missed?: () => void): Disposable {
    const subscription: Subscription = { channel, heard, missed };
    const first = !this.#isHeard(channel);
    this.#subscriptions.add(subscription);
    if (!this.#client) void this.#join();
    else if (first) this.#listenLate(this.#client, subscription);
    else if (missed) this.#guard(missed);
    return { [Symbol.dispose]: () => this.#remove(subscription) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
    this.#subscriptions.clear();
    const client = this.#client;
    this.#client = undefined;
    client?.removeAllListeners('error').on('error', () => undefined);
    await client?.end().catch(() => undefined);
  }

  #isHeard(channel: string): boolean {
    return [...this.#subscriptions].some((subscription) => subscription.channel === channel);
  }

  #remove(subscription: Subscription): void {
    this.#subscriptions.delete(subscription);
    if (this.#client && !this.#isHeard(subscription.channel)) {
      this.#send(this.#client, `unlisten ${escapeIdentifier(subscription.channel)}`);
    }
  }

  #listenLate(client: Client, subscription: Subscription): void {
    this.#send(client, `listen ${escapeIdentifier(subscription.channel)}`, () => {
      if (subscription.missed && this.#subscriptions.has(subscription)) this.#guard(subscription.missed);
    });
  }

  async #join(): Promise<void> {
    if (this.#joining || this.#closed) return;
    this.#joining = true;
    const client = new Client(this.#options.config);
    client.on('error', (error) => this.#cut(client, error));
    client.on('end', () => this.#cut(client, new Error('the connection ended')));
    client.on('notification', ({ channel, payload }) => this.#hear(channel, payload ?? ''));
    try {
      await client.connect();
      const covered = new Set<Subscription>(this.#subscriptions);
      for (const channel of new Set([...covered].map((subscription) => subscription.channel))) {
        await client.query(`listen ${escapeIdentifier(channel)}`);
      }
      this.#joined(client, covered);
    } catch (error) {
      this.#joining = false;
      void client.end().catch(() => undefined);
      this.#tryAgain(asError(error));
    }
  }

  #joined(client: Client, covered: ReadonlySet<Subscription>): void {
    this.#joining = false;
    if (this.#closed) return void client.end().catch(() => undefined);
    if (this.#failures > 0) this.#options.logger.info({ failures: this.#failures }, 'notifications are heard again');
    this.#failures = 0;
    this.#client = client;
    for (const subscription of this.#subscriptions) {
      if (!covered.has(subscription)) this.#listenLate(client, subscription);
      else if (subscription.missed) this.#guard(subscription.missed);
    }
    this.#askLater(client);
  }

  #cut(client: Client, error: Error): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#timer?.[Symbol.dispose]();
    this.#options.onCut();
    void client.end().catch(() => undefined);
    this.#tryAgain(error);
  }

  #tryAgain(error: Error): void {
    if (this.#closed) return;
    if (this.#failures++ === 0) this.#options.logger.warn({ err: error }, 'notifications are not heard at the moment');
    const delayMs = Math.min(reconnectMsMax, reconnectMsMin * 2 ** Math.min(this.#failures - 1, 10));
    this.#timer = this.#options.clock.after(jitter(delayMs, 0.2), () => void this.#join());
  }

  #askLater(client: Client): void {
    this.#timer = this.#options.clock.after(askEveryMs, () => {
      this.#send(client, 'select 1', () => this.#askLater(client));
    });
  }

  /** Sends one statement after those before it; a failure cuts the connection, so that everything is set up anew. */
  #send(client: Client, text: string, onDone: () => void = () => undefined): void {
    this.#last = this.#sendAfter(this.#last, client, text, onDone);
  }

  async #sendAfter(before: Promise<unknown>, client: Client, text: string, onDone: () => void): Promise<void> {
    await before;
    if (this.#client !== client) return;
    try {
      await client.query(text);
      if (this.#client === client) onDone();
    } catch (error) {
      this.#cut(client, asError(error));
    }
  }

  #hear(channel: string, payload: string): void {
    for (const subscription of this.#subscriptions) {
      if (subscription.channel === channel) this.#guard(() => subscription.heard(payload));
    }
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#options.logger.error({ err: asError(error) }, 'a listener of a database notification failed');
    }
  }
}
