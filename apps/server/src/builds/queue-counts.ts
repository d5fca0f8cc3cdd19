import { asError, type Clock, type Service } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { Logger } from '#kernel/telemetry';
import { readCounts } from './queries/queues.ts';

export type Counts = { pending: number; active: number };

type Deps = { db: Db; clock: Clock; logger: Logger };

const freshMs = 100;
const askedForMs = 10_000;
const quietMs = 1_000;

/**
 * How many builds wait and how many run, answered from memory, as a health check must. It is read anew
 *  - after each write of this node: before the writer's call returns while somebody asks from time to time, soon otherwise;
 *  - every 100 ms while somebody asks, since other nodes write too; every second otherwise.
 */
export class QueueCounts implements Service {
  readonly #deps: Deps;
  #counts: Counts = { pending: 0, active: 0 };
  #askedAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #timer: Disposable | undefined;
  #soon: Disposable | undefined;
  #running = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    this.#running = true;
    await this.#read();
    this.#plan();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false;
    this.#timer?.[Symbol.dispose]();
    this.#soon?.[Symbol.dispose]();
    await Promise.allSettled([this.#reading, this.#next]);
  }

  read(): Counts {
    const first = !this.#asked;
    this.#askedAt = this.#deps.clock.monotonic();
    if (first && this.#running) this.#plan();
    return this.#counts;
  }

  /** This node has committed a change. */
  async written(): Promise<void> {
    if (!this.#running) return;
    if (this.#asked) return this.#read();
    this.#soon ??= this.#deps.clock.after(freshMs / 2, () => {
      this.#soon = undefined;
      void this.#read();
    });
  }

  get #asked(): boolean {
    return this.#deps.clock.monotonic() - this.#askedAt < askedForMs;
  }

  #plan(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#deps.clock.after(this.#asked ? freshMs : quietMs, () => {
      void this.#read().finally(() => {
        if (this.#running) this.#plan();
      });
    });
  }

  /** A reading that began after this call; shared by all who ask meanwhile. */
  #read(): Promise<void> {
    if (!this.#reading) {
      this.#reading = this.#once().finally(() => {
        this.#reading = undefined;
      });
      return this.#reading;
    }
    this.#next ??= this.#reading.then(() => {
      this.#next = undefined;
      return this.#read();
    });
    return this.#next;
  }

  async #once(): Promise<void> {
    try {
      this.#counts = await readCounts(this.#deps.db);
    } catch (error) {
      this.#deps.logger.debug({ error: asError(error) }, 'counts of builds not read; the last ones stand');
    }
  }
}
