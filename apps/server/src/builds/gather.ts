import { asError, type Clock } from '#kernel/base';

type Waiting<Item, Answer> = { item: Item; resolve: (answer: Answer) => void; reject: (error: Error) => void };

type GatherOptions<Item> = {
  /** Items of one batch. */
  most: number;
  /** Two items of the same name never go in one batch. */
  apart?: (item: Item) => string;
  /** A further batch begins beside one that takes longer than this. Without it there is one at a time. */
  late?: { clock: Clock; afterMs: number; lanes: number };
};

/**
 * Does many small things of one kind together, as a group commit does: what comes while nothing runs starts at once, what
 * comes meanwhile is the next batch. So an idle server adds no delay, and a busy one pays per batch.
 *
 *  idle – nothing runs, nothing waits.
 *  busy – a batch runs; the rest waits in its order.
 *  late – the batch takes so long that the next one no longer waits for it: something holds it up that need not hold up
 *         the others. At most `lanes` run beside each other then.
 * `run` answers each item in its place. When a batch as a whole fails, its items are done one by one, so that one of them
 * cannot fail the others.
 */
export class Gather<Item, Answer> {
  readonly #run: (items: readonly Item[]) => Promise<readonly Answer[]>;
  readonly #options: GatherOptions<Item>;
  #waiting: Waiting<Item, Answer>[] = [];
  #running = 0;
  #beganAt = 0;
  #looking = false;

  constructor(run: (items: readonly Item[]) => Promise<readonly Answer[]>, options: GatherOptions<Item>) {
    this.#run = run;
    this.#options = options;
  }

  do(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#waiting.length === 0 || !this.#mayBegin()) return;
    const batch = this.#take();
    this.#running += 1;
    if (this.#options.late) this.#beganAt = this.#options.late.clock.monotonic();
    void this.#answer(batch).finally(() => {
      this.#running -= 1;
      this.#next();
    });
  }

  #mayBegin(): boolean {
    if (this.#running === 0) return true;
    const { late } = this.#options;
    if (!late || this.#running >= late.lanes) return false;
    const leftMs = this.#beganAt + late.afterMs - late.clock.monotonic();
    if (leftMs <= 0) return true;
    if (!this.#looking) {
      this.#looking = true;
      late.clock.after(leftMs, () => {
        this.#looking = false;
        this.#next();
      });
    }
    return false;
  }

  #take(): Waiting<Item, Answer>[] {
    const { most, apart } = this.#options;
    if (!apart) return this.#waiting.splice(0, most);
    const names = new Set<string>();
    const batch: Waiting<Item, Answer>[] = [];
    const later: Waiting<Item, Answer>[] = [];
    for (const waiting of this.#waiting) {
      const name = apart(waiting.item);
      if (batch.length >= most || names.has(name)) later.push(waiting);
      else {
        names.add(name);
        batch.push(waiting);
      }
    }
    this.#waiting = later;
    return batch;
  }

  async #answer(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await this.#run(batch.map(({ item }) => item));
      // One answer per item, in its place, is what `run` promises.
      for (const [n, { resolve }] of batch.entries()) resolve(answers[n] as Answer);
    } catch (error) {
      if (batch.length === 1) batch[0]?.reject(asError(error));
      else for (const waiting of batch) await this.#answer([waiting]);
    }
  }
}
