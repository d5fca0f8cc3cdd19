import { assert, type MusterError, unavailable } from '#kernel/base';
import { expired, keptForForks, unknown } from './absence.ts';
import { configureStream } from './configure.ts';
import type { Take, Wants } from './consumers.ts';
import type { Core, Driver } from './core.ts';
import type { StreamHead } from './head.ts';
import { listHeads } from './list.ts';
import type {
  Append,
  Appended,
  Configuration,
  CreateStream,
  Durability,
  From,
  Gauges,
  Head,
  Log,
  Page,
  Sink,
  StreamKey,
  Tail,
  View,
} from './log.ts';
import { readPage } from './pages.ts';

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
    await this.#core.removal.resume();
    this.#core.expiry.start();
    this.#core.retention.start();
    this.#core.consumers.start();
  }

  append(input: Append): Promise<Appended> {
    return this.#state === 'ready' ? this.#core.writer.append(input) : Promise.reject(this.#notReady());
  }

  async create(input: CreateStream): Promise<{ outcome: 'created' | 'same'; head: Head }> {
    this.#checkReady();
    return this.#core.creation.create(input);
  }

  async head(key: StreamKey): Promise<Head | undefined> {
    const head = await this.#find(key);
    if (!head) return undefined;
    if (!this.#core.expiry.isOver(head)) return head.show();
    this.#core.removal.expire(head);
    if (head.forks > 0) throw keptForForks(key);
    return undefined;
  }

  async read(
    key: StreamKey,
    from: From,
    limit: { bytes: number; messages: number },
    view: View = 'raw',
  ): Promise<Page> {
    const head = this.#used(key, await this.#find(key));
    return readPage(this.#core.reader, head, from, limit, view, this.#core.limits);
  }

  async tail(key: StreamKey, from: From, sink: Sink, view: View = 'raw'): Promise<Tail> {
    this.#checkReady();
    const { heads, fanOut } = this.#core;
    // The head must be followed in the turn it was found in: one that left memory would stay silent for ever.
    while (!heads.at(key) && (await heads.load(key)) === 'present');
    const head = this.#used(key, heads.visibleAt(key));
    return fanOut.follow(head, from, sink, view);
  }

  async remove(key: StreamKey, cause: 'deleted' | 'expired'): Promise<'gone' | 'kept-for-forks'> {
    this.#checkReady();
    return this.#core.removal.remove(key, cause);
  }

  async configure(key: StreamKey, change: Configuration, ifVersion?: number): Promise<Head> {
    this.#checkReady();
    const head = await configureStream(this.#core, key, change, ifVersion);
    this.#core.retention.trimSoon(head);
    return head.show();
  }

  async supersede(key: StreamKey, range: { from: number; to: number; by: number }): Promise<void> {
    this.#checkReady();
    await this.#core.content.supersede(key, range);
  }

  async erase(key: StreamKey, bodies: readonly { seq: number; instead: Uint8Array }[]): Promise<void> {
    this.#checkReady();
    await this.#core.content.erase(key, bodies);
  }

  async list(
    projectId: string,
    prefix: string,
    page: { limit: number; cursor?: string },
  ): Promise<{ items: Head[]; nextCursor: string | null }> {
    this.#checkReady();
    const { heads, store, limits, clock } = this.#core;
    return listHeads(heads, store, projectId, prefix, page, { limitMax: limits.listPageMax, now: clock.now() });
  }

  watch(match: (key: StreamKey) => boolean, moved: (head: Head) => void): Disposable {
    return this.#core.watchers.add(match, moved);
  }

  consume(name: string, prefix: string, take: Take, wants?: Wants): Disposable {
    return this.#core.consumers.add(name, prefix, take, wants);
  }

  async barrier(): Promise<{ flushedTo: number; tip: number }> {
    const tip = await this.#core.committer.settled();
    return { flushedTo: this.#driver.flushedTo(), tip };
  }

  promises(): Durability {
    return this.#driver.promises();
  }

  gauges(): Gauges {
    const { heads, fanOut, consumers, committer, store, erasures } = this.#core;
    let dirtyHeads = 0;
    if (store) for (const { lastLsn } of heads.all()) if (lastLsn >= heads.flushedTo) dirtyHeads += 1;
    return {
      heads: heads.size,
      streamsOfOne: heads.counts.most,
      dirtyHeads,
      followers: fanOut.followers,
      followersBy: fanOut.kinds(),
      consumers: consumers.lags(),
      pendingBytes: committer.pendingBytes,
      erasing: erasures.count,
      segments: this.#driver.segments(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping ??= this.#stop();
    await this.#stopping;
  }

  async #stop(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    this.#state = 'stopping';
    this.#core.fanOut.drain();
    await this.#core.expiry.end();
    await this.#core.retention.end();
    await this.#core.consumers.end();
    await this.#driver.stop();
    this.#state = 'stopped';
  }

  async #find(key: StreamKey): Promise<StreamHead | undefined> {
    this.#checkReady();
    const { heads } = this.#core;
    while (!heads.at(key) && (await heads.load(key)) === 'present');
    const head = heads.visibleAt(key);
    if (head?.kept) throw keptForForks(key);
    return head;
  }

  /** A stream that is read: a sliding lifetime starts again. */
  #used(key: StreamKey, head: StreamHead | undefined): StreamHead {
    if (!head) throw unknown(key);
    if (head.kept) throw keptForForks(key);
    if (!this.#core.expiry.use(head)) throw head.forks > 0 ? keptForForks(key) : expired(key);
    return head;
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
