import { asError } from '#kernel/base';

type Waiting<Item, Answer> = { item: Item; resolve: (answer: Answer) => void; reject: (error: Error) => void };

/**
 * Does many small things of one kind together, as a group commit does: what comes while nothing runs starts at once, what
 * comes meanwhile is the next batch. So an idle server adds no delay, and a busy one pays per batch.
 *
 *  idle – nothing runs, nothing waits.  ·  busy – at most `lanes` batches run; the rest waits in its order.
 * `run` answers each item in its place. When a batch as a whole fails, its items are done one by one, so that one of them
 * cannot fail the others.
 */
export class Gather<Item, Answer> {
  readonly #run: (items: readonly Item[]) => Promise<readonly Answer[]>;
  readonly #options: { most: number; lanes: number; apart: ((item: Item) => string) | undefined };
  #waiting: Waiting<Item, Answer>[] = [];
  #running = 0;

  /** `apart`: two items of the same name never go in one batch. */
  constructor(
    run: (items: readonly Item[]) => Promise<readonly Answer[]>,
    { most, lanes = 1, apart }: { most: number; lanes?: number; apart?: (item: Item) => string },
  ) {
    this.#run = run;
    this.#options = { most, lanes, apart };
  }

  do(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#running >= this.#options.lanes || this.#waiting.length === 0) return;
    const batch = this.#take();
    this.#running += 1;
    void this.#answer(batch).finally(() => {
      this.#running -= 1;
      this.#next();
    });
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
