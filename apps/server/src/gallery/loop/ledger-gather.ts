import { asError, type Clock } from '#kernel/base';
import { isStoreDown } from '#kernel/db';

type Waiting<Item, Answer> = { item: Item; resolve: (answer: Answer) => void; reject: (error: Error) => void };

/** Thinks that one commit takes. */
const mostTogether = 256;

/**
 * Commits of many thinks as one: what is given while nothing runs starts at once, what comes meanwhile is the next batch.
 * When one as a whole fails its items are committed one by one, so that none of them can fail the others; where the database
 * went away nobody knows what was committed, and all of them are told so.
 */
export class Together<Item, Answer> {
  readonly #commit: (items: readonly Item[]) => Promise<readonly Answer[]>;
  #waiting: Waiting<Item, Answer>[] = [];
  #running = false;

  constructor(commit: (items: readonly Item[]) => Promise<readonly Answer[]>) {
    this.#commit = commit;
  }

  /** These go in one batch, in this order; each has an outcome of its own. */
  do(items: readonly Item[]): Promise<PromiseSettledResult<Answer>[]> {
    const all = items.map((item) => {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      this.#waiting.push({ item, resolve, reject });
      return promise;
    });
    void this.#run();
    return Promise.allSettled(all);
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    while (this.#waiting.length > 0) await this.#answer(this.#waiting.splice(0, mostTogether));
    this.#running = false;
  }

  async #answer(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await this.#commit(batch.map(({ item }) => item));
      // One answer for each item, in its place, is what `commit` promises.
      for (const [at, { resolve }] of batch.entries()) resolve(answers[at] as Answer);
    } catch (thrown) {
      const error = asError(thrown);
      if (batch.length === 1 || isStoreDown(error)) for (const { reject } of batch) reject(error);
      else for (const one of batch) await this.#answer([one]);
    }
  }
}

/** How long a commit that failed waits for its next try: it grows to `retryMsMax`. */
const retryMs = { first: 100, max: 5_000 };

/** Tries again until it went through or the signal says that nobody waits for it any more. */
export async function untilCommitted<T>(
  attempt: () => Promise<T>,
  how: { clock: Clock; signal: AbortSignal; failed: (error: Error, tries: number) => void },
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (thrown) {
      const error = asError(thrown);
      if (!isStoreDown(error)) throw error;
      how.failed(error, tries);
      await how.clock.sleep(Math.min(retryMs.max, retryMs.first * 2 ** Math.min(tries, 6)), how.signal);
    }
  }
}
