import { setTimeout as pause } from 'node:timers/promises';
import { until } from '#test/until';
import type { Received, Reply } from '#test/webhook-receiver';

type Link = { path: string; acked_offset: string; tail_offset: string; has_pending: boolean };
type Wake = { wake_id: string; generation: number; callback_token: string; token: string; streams: Link[] };
export type ShownSubscription = { state: string; streams: Link[] };

const json = { 'content-type': 'application/json' };

/**
 * Writers, a webhook and a worker that live longer than any server, and what they saw: the highest offset of each stream
 * that was acknowledged to a writer, and the highest one the webhook was told.
 */
export class SubscriptionLoad {
  readonly stored = new Map<string, string>();
  readonly told = new Map<string, string>();
  readonly wrongs: string[] = [];
  readonly #url: string;
  readonly #key: string;
  readonly #random: () => number;
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>[] = [];
  #generation = 0;

  constructor(url: string, key: string, random: () => number) {
    this.#url = url;
    this.#key = key;
    this.#random = random;
  }

  start(paths: readonly string[]): void {
    this.#running.push(...paths.map((path) => this.#write(path)), this.#work());
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  /** `undefined`: nobody answered. */
  ask(path: string, init: RequestInit & { token?: string | undefined } = {}): Promise<Response | undefined> {
    const { token = this.#key, ...rest } = init;
    const headers = { ...json, authorization: `Bearer ${token}` };
    return fetch(`${this.#url}/v1/stream/${path}`, { ...rest, headers }).catch(() => undefined);
  }

  post(path: string, body: unknown, token?: string): Promise<Response | undefined> {
    return this.ask(path, { method: 'POST', body: JSON.stringify(body), token });
  }

  async show(id: string): Promise<ShownSubscription | undefined> {
    return (await (await this.ask(`__ds/subscriptions/${id}`))?.json()) as ShownSubscription | undefined;
  }

  /** The webhook: done at once, done by a callback, or no good. */
  readonly answer = ({ body }: Received): Reply => {
    const wake = body as Wake;
    if (wake.generation < this.#generation) this.wrongs.push(`generation ${wake.generation} after ${this.#generation}`);
    this.#generation = wake.generation;
    for (const { path, tail_offset } of wake.streams) raise(this.told, path, tail_offset);
    const how = this.#random();
    if (how < 0.4) return { json: { done: true } };
    if (how < 0.5) return { status: 500 };
    if (how < 0.6) return 'cut';
    void this.#finish('hook/callback', wake, wake.callback_token);
    return { json: {} };
  };

  /** Claims once and does the work; whether there was any. */
  async claim(): Promise<boolean> {
    const answer = await this.post('__ds/subscriptions/pull/claim', { worker: 'w' });
    const wake =
      answer?.status === 200 ? ((await answer.json().catch(() => undefined)) as Wake | undefined) : undefined;
    if (!wake) return false;
    // Some die with it in their hands.
    if (this.#stop.signal.aborted || this.#random() > 0.2) await this.#finish('pull/ack', wake, wake.token);
    return true;
  }

  #finish(action: string, { wake_id, generation, streams }: Wake, token: string): Promise<Response | undefined> {
    const pending = streams.filter(({ has_pending }) => has_pending);
    const acks = pending.map(({ path, tail_offset }) => ({ stream: path, offset: tail_offset }));
    return this.post(`__ds/subscriptions/${action}`, { wake_id, generation, acks, done: true }, token);
  }

  async #write(path: string): Promise<void> {
    await until(async () => (await this.ask(path, { method: 'PUT' }))?.ok === true || this.#stop.signal.aborted);
    for (let n = 0; !this.#stop.signal.aborted; n++) {
      const answer = await this.post(path, n);
      const next = answer?.ok === true ? answer.headers.get('stream-next-offset') : null;
      if (next !== null) raise(this.stored, path, next);
      await pause(next === null ? 50 : 5);
    }
  }

  async #work(): Promise<void> {
    while (!this.#stop.signal.aborted) if (!(await this.claim())) await pause(20);
  }
}

const raise = (map: Map<string, string>, path: string, offset: string): void => {
  if (offset > (map.get(path) ?? '')) map.set(path, offset);
};
