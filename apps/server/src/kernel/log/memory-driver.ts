import { memoryConsumers } from './consumers.ts';
import { buildCore, type Core, type CoreOptions, type Driver } from './core.ts';
import type { Durability, Gauges } from './log.ts';
import { MemoryJournal } from './memory-journal.ts';

type Options = Pick<CoreOptions, 'clock' | 'limits' | 'events' | 'homes' | 'failed'>;

/** The log for tests: the same decisions, form and delivery, without disk or database. Nothing survives the process. */
export class MemoryDriver implements Driver {
  readonly core: Core;
  readonly #journal: MemoryJournal;

  constructor(options: Options) {
    this.#journal = new MemoryJournal(() => this.core.index);
    this.core = buildCore({
      ...options,
      db: undefined,
      journal: this.#journal,
      consumerStore: memoryConsumers,
      oldest: () => 0,
      full: () => undefined,
      committed: () => undefined,
      segmentFull: () => undefined,
    });
  }

  start(): Promise<void> {
    this.#journal.start();
    this.core.committer.startAt(this.#journal.firstLsn);
    this.core.writer.startAt({ nextStreamNo: 1, lastEra: 0, shards: this.core.limits.shards, eraFloor: undefined });
    return Promise.resolve();
  }

  flushedTo(): number {
    return this.core.committer.durableTo;
  }

  promises(): Durability {
    return {
      driver: 'memory',
      fsync: 'off',
      ackMeans: 'memory',
      survives: { processKill: false, powerLoss: false, diskLoss: false, nodeLoss: false },
      flushLagMs: 0,
      unflushedBytes: 0,
      walBytes: this.core.tape.heldBytes,
      quarantinedFiles: 0,
      shardsOwned: this.core.limits.shards,
      degraded: false,
    };
  }

  segments(): Gauges['segments'] {
    return { open: 1, sealed: 0, spare: 0 };
  }

  async stop(): Promise<void> {
    await this.core.committer.settled().catch(() => undefined);
  }
}
