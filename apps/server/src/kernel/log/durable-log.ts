import { assert, type MusterError, unavailable } from '#kernel/base';
import type { Take } from './consumers.ts';
import type { Core, Driver } from './core.ts';
import type { StreamHead } from './head.ts';
import { listHeads } from './list.ts';
import type {
  Append,
  Appended,
  CreateStream,
  Durability,
  From,
  Head,
  Log,
  Page,
  Retention,
  Sink,
  StreamKey,
  Tail,
  View,
} from './log.ts';
import { readPage } from './pages.ts';
import { unknown } from './writer.ts';

/*
 * The log as rooms see it, over one driver.
 *
 *   new       nothing works but registering watchers and consumers.
 *   ready     recovery is done, everything durable is visible.
 *   stopping  nothing new is taken; tails were told to come back elsewhere; what was accepted becomes durable and is flushed.
 *   stopped   never left.
 */
export class DurableLog implements Log {
  readonly #driver: Driver;
  readonly #core: Core;
  #state: 'new' | 'ready' | 'stopping' | 'stopped' = 'new';
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(driver: Driver) {
    this.#driver = driver;
    this.#core = driver.core;
  }

  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    assert(this.#state === 'new', 'a log starts once');
    await this.#driver.start();
    this.#state = 'ready';
    this.#core.retention.start();
    this.#core.consumers.start();
  }

  append(input: Append): Promise<Appended> {
    return this.#state === 'ready' ? this.#core.writer.append(input) : Promise.reject(this.#notReady());
  }

  async create(input: CreateStream): Promise<{ outcome: 'created' | 'same'; head: Head }> {
    this.#checkReady();
    return this.#core.writer.create(input);
  }

  async head(key: StreamKey): Promise<Head | undefined> {
    return (await this.#find(key))?.show();
  }

  async read(
    key: StreamKey,
    from: From,
    limit: { bytes: number; messages: number },
    view: View = 'raw',
  ): Promise<Page> {
    const head = await this.#find(key);
    if (!head) throw unknown(key);
    return readPage(this.#core.reader, head, from, limit, view, this.#core.limits);
  }

  async tail(key: StreamKey, from: From, sink: Sink, view: View = 'raw'): Promise<Tail> {
    this.#checkReady();
    const { heads, fanOut } = this.#core;
    // The head must be followed in the turn it was found in: one that left memory would stay silent for ever.
    while (!heads.at(key) && (await heads.load(key)) === 'present');
    const head = heads.visibleAt(key);
    if (!head) throw unknown(key);
    return fanOut.follow(head, from, sink, view);
  }

  async remove(key: StreamKey, cause: 'deleted' | 'expired'): Promise<'gone'> {
    this.#checkReady();
    return this.#core.writer.remove(key, cause);
  }

  async retain(key: StreamKey, rule: Retention): Promise<void> {
    this.#checkReady();
    this.#core.retention.trimSoon(await this.#core.writer.retain(key, rule));
  }

  async list(
    projectId: string,
    prefix: string,
    page: { limit: number; cursor?: string },
  ): Promise<{ items: Head[]; nextCursor: string | null }> {
    this.#checkReady();
    return listHeads(this.#core.heads, this.#core.store, projectId, prefix, page, this.#core.limits.listPageMax);
  }

  watch(match: (head: Head) => boolean, moved: (head: Head) => void): Disposable {
    return this.#core.watchers.add(match, moved);
  }

  consume(name: string, prefix: string, take: Take): Disposable {
    return this.#core.consumers.add(name, prefix, take);
  }

  async barrier(): Promise<{ flushedTo: number; tip: number }> {
    const tip = await this.#core.committer.settled();
    return { flushedTo: this.#driver.flushedTo(), tip };
  }

  promises(): Durability {
    return this.#driver.promises();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping ??= this.#stop();
    await this.#stopping;
  }

  async #stop(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    this.#state = 'stopping';
    this.#core.fanOut.drain();
    await this.#core.retention.end();
    await this.#core.consumers.end();
    await this.#driver.stop();
    this.#state = 'stopped';
  }

  async #find(key: StreamKey): Promise<StreamHead | undefined> {
    this.#checkReady();
    const { heads } = this.#core;
    while (!heads.at(key) && (await heads.load(key)) === 'present');
    return heads.visibleAt(key);
  }

  #checkReady(): void {
    if (this.#state !== 'ready') throw this.#notReady();
  }

  #notReady(): MusterError {
    return this.#state === 'new'
      ? unavailable('log_starting', 'The log is being recovered; come back in a moment.', { retryAfterMs: 1000 })
      : unavailable('draining', 'This server is stopping; come back in a moment.', { retryAfterMs: 1000 });
  }
}
