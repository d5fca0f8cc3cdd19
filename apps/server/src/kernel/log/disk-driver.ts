import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { asError, type Clock, type FatalHandler, type MusterError } from '#kernel/base';
import type { Db } from '#kernel/db';
import { DiskBudget } from './budget.ts';
import type { Accept } from './claim.ts';
import { rowConsumers } from './consumers.ts';
import { buildCore, type Core, type CoreOptions, type Driver, whenStoreIsUp } from './core.ts';
import type { Disk } from './disk.ts';
import { DiskJournal } from './disk-journal.ts';
import { ErasedFiles } from './erased-files.ts';
import { Flusher } from './flusher.ts';
import type { Durability, Gauges } from './log.ts';
import { type NodeIdentity, Ownership } from './ownership.ts';
import { Recovery } from './recovery.ts';
import { lsnOf, segmentHeaderBytes } from './segment.ts';
import { Spares } from './spares.ts';
import type { Store } from './store.ts';

export type DiskOptions = Pick<CoreOptions, 'clock' | 'limits' | 'events' | 'homes'> & {
  db: Db;
  dir: string;
  disk: Disk;
  /** False only when nothing waits for the device: the demo. */
  fsync: boolean;
  node: NodeIdentity | undefined;
  accept: Accept | undefined;
  fatal: FatalHandler;
};

/** Exit code of a process that could not write or may not write its log any more (log.md §4). */
const exitLogFailed = 70;

/** One node's log: segments on its own disk, Postgres behind. Single node; ownership rows keep a second one out. */
export class DiskDriver implements Driver {
  readonly core: Core;
  readonly #options: DiskOptions;
  readonly #clock: Clock;
  readonly #journal: DiskJournal;
  readonly #spares: Spares;
  readonly #budget: DiskBudget;
  readonly #ownership: Ownership;
  #flusher: Flusher | undefined;
  #recovery: Recovery | undefined;
  #erased: ErasedFiles | undefined;
  #lock: AsyncDisposable | undefined;
  #preparing: Disposable | undefined;
  #releasing: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(options: DiskOptions) {
    const { disk, dir, clock, limits, events, db } = options;
    this.#options = options;
    this.#clock = clock;
    this.#spares = new Spares({ disk, dir, clock, limits, events });
    this.#journal = new DiskJournal({
      disk,
      dir,
      clock,
      limits,
      events,
      spares: this.#spares,
      index: () => this.core.index,
    });
    this.#budget = new DiskBudget({ disk, dir, clock, limits, events, backlogBytes: () => this.#backlogBytes() });
    const node = { id: ownerOf(options.node?.id ?? hostname(), dir), url: options.node?.url ?? '' };
    this.#ownership = new Ownership({ db, node, clock, limits, events, lost: (error) => this.#fail(error) });
    this.core = buildCore({
      clock,
      limits,
      events,
      homes: options.homes,
      db,
      journal: this.#journal,
      consumerStore: (store) => rowConsumers(store as Store, () => this.#ownership.term),
      oldest: () => lsnOf(this.#journal.segments[0]?.no ?? 1, segmentHeaderBytes),
      full: () => this.#budget.refusal,
      failed: (error) => this.#fail(error),
      committed: (batch) => {
        this.#flusher?.arrived(batch.cursor - batch.start);
        this.#budget.update();
      },
      segmentFull: (full) => this.#journal.indexFull(full),
    });
  }

  async start(): Promise<void> {
    const { disk, dir, db, clock, limits, events, accept } = this.#options;
    const { core } = this;
    await disk.makeDir(dir);
    this.#lock = await disk.lock(dir, `process ${process.pid} on ${hostname()}`);
    const recovery = new Recovery({
      disk,
      dir,
      clock,
      limits,
      events,
      spares: this.#spares,
      index: core.index,
      heads: core.heads,
      erasures: core.erasures,
      store: core.store as Store,
      ownership: this.#ownership,
      accept,
    });
    this.#recovery = recovery;
    await whenStoreIsUp(clock, events, () => db.query({ text: 'select 1', values: [] }));
    const found = await recovery.run();
    await this.#journal.resume(found.resume);
    core.committer.startAt(lsnOf(found.resume.plan.no, found.resume.position));
    const { nextStreamNo, lastEra, eraFloor } = found;
    core.writer.startAt({ nextStreamNo, lastEra, shards: this.#ownership.shards, eraFloor });
    for (const { head, from, first } of found.replay.losses) {
      core.writer.recordLoss(head, { era: head.era, first, from, reason: 'lost' });
    }
    await core.writer.takeOver({
      term: this.#ownership.term,
      shards: this.#ownership.shards,
      eraFloor: found.newEraFloor,
    });
    await this.#budget.start();
    this.#flusher = new Flusher({
      walId: found.resume.walId,
      term: this.#ownership.term,
      cursor: found.cursor,
      store: core.store as Store,
      wal: core.wal(),
      committer: core.committer,
      clock,
      limits,
      events,
      shardOf: (streamNo) => core.heads.byNo(streamNo)?.shard ?? 0,
      flushed: (to) => this.#flushed(to),
      lost: (error) => this.#fail(error),
    });
    this.#erased = new ErasedFiles({
      disk,
      dir,
      db,
      journal: this.#journal,
      spares: this.#spares,
      tape: core.tape,
      committer: core.committer,
      erasures: core.erasures,
      quarantine: recovery.quarantine,
      clock,
      limits,
      events,
      nudge: () => core.writer.takeOver({ term: this.#ownership.term, shards: this.#ownership.shards }),
      release: () => this.#release(this.flushedTo()),
    });
    for (const index of core.index.unfiled()) this.#journal.indexFull(index);
    this.#flusher.start();
    this.#preparing = clock.after(limits.spareDelayMs, () => this.#spares.prepare());
  }

  flushedTo(): number {
    return this.#flusher?.cursor ?? 0;
  }

  promises(): Durability {
    const { fsync } = this.#options;
    return {
      driver: 'disk',
      fsync: fsync ? 'commit' : 'off',
      ackMeans: fsync ? 'synced' : 'memory',
      survives: { processKill: true, powerLoss: fsync, diskLoss: false, nodeLoss: false },
      flushLagMs: this.#flusher?.lagMs ?? 0,
      unflushedBytes: this.#backlogBytes(),
      walBytes: this.#journal.segments.reduce((sum, { size }) => sum + size, 0),
      quarantinedFiles: this.#recovery?.quarantine.count ?? 0,
      shardsOwned: this.#ended ? 0 : this.#ownership.shards,
      degraded:
        this.#budget.degraded || (this.#recovery?.quarantine.damaged ?? 0) > 0 || (this.#flusher?.stopped ?? false),
    };
  }

  segments(): Gauges['segments'] {
    const sealed = this.#journal.segments.filter(({ sealedAt }) => sealedAt !== undefined).length;
    return { open: this.#journal.segments.length - sealed, sealed, spare: this.#spares.ready };
  }

  async stop(): Promise<void> {
    this.#ended = true;
    const { core } = this;
    const { stopFlushMs } = this.#options.limits;
    this.#budget.end();
    const failed = await core.committer.settled().then(
      () => false,
      () => true,
    );
    if (this.#flusher && !failed) {
      const deadline = new AbortController();
      using _ = this.#clock.after(stopFlushMs, () => deadline.abort());
      await this.#flusher.finish(deadline.signal);
    }
    await this.#flusher?.end();
    await this.#erased?.end();
    await this.#releasing;
    this.#preparing?.[Symbol.dispose]();
    await this.#spares.stop();
    await this.#journal.close();
    // Without this the lease ends by itself; not to reach the database must not keep a server from stopping.
    await this.#ownership.release().catch(() => undefined);
    await this.#lock?.[Symbol.asyncDispose]();
  }

  #flushed(to: number): void {
    this.core.heads.flushed(to);
    this.#budget.update();
    this.#erased?.flushed(to);
    void this.#release(to);
  }

  /** What holds erased bodies goes at once, the rest by the keep rules. */
  #release(to: number): Promise<void> {
    const needed = Math.min(to, this.core.consumers.needsFrom(to));
    const through = this.#erased?.through ?? 0;
    this.#releasing = this.#releasing
      .then(async () => {
        if (through > 0) await this.#journal.release(Math.min(to, lsnOf(through + 1, 0)), through);
        await this.#journal.release(needed);
        this.#erased?.released();
      })
      .catch((error: unknown) => {
        this.#options.events.backgroundFailed('giving back segments', asError(error));
      });
    return this.#releasing;
  }

  #backlogBytes(): number {
    const to = this.core.committer.durableTo;
    const from = this.#flusher?.cursor ?? to;
    return Math.max(0, this.#journal.between(from, to));
  }

  #fail(error: Error | MusterError): void {
    if (this.#ended) return;
    this.#options.fatal(error, exitLogFailed);
  }
}

/** One log folder on one machine: whatever a node is called, two folders are never the same owner. */
function ownerOf(name: string, dir: string): string {
  const place = createHash('sha256')
    .update(`${hostname()}\0${resolve(dir)}`)
    .digest('hex');
  return `${name}-${place.slice(0, 8)}`;
}
