import { asError } from '#kernel/base';
import { isStoreDown } from '#kernel/db';

type Waiting<Act, Answer> = {
  act: Act;
  keys: readonly string[];
  resolve: (answer: Answer) => void;
  reject: (error: Error) => void;
};

/** Acts of one transaction. */
const mostTogether = 64;

/**
 * Acts that came at once as one transaction: two trips for all of them. Those that share a key – an account, an item – never
 * lie in the same one, so each sees what the one before it wrote. When a transaction fails as a whole its acts are tried one
 * by one, so that none can fail the others.
 */
export class GatheredActs<Act, Answer> {
  readonly #keysOf: (act: Act) => readonly string[];
  readonly #commit: (acts: readonly Act[]) => Promise<readonly Answer[]>;
  #waiting: Waiting<Act, Answer>[] = [];
  #running = false;

  constructor(parts: {
    keysOf: (act: Act) => readonly string[];
    /** One answer for each act, in its place. */
    commit: (acts: readonly Act[]) => Promise<readonly Answer[]>;
  }) {
    this.#keysOf = parts.keysOf;
    this.#commit = parts.commit;
  }

  do(act: Act): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting.push({ act, keys: this.#keysOf(act), resolve, reject });
    void this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    // Those that belong together are asked in one turn of the process.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) await this.#answer(this.#next());
    this.#running = false;
  }

  /** The first that wait, in their order; whoever shares a key with an earlier one stays behind it. */
  #next(): Waiting<Act, Answer>[] {
    const taken: Waiting<Act, Answer>[] = [];
    const left: Waiting<Act, Answer>[] = [];
    const keys = new Set<string>();
    for (const one of this.#waiting) {
      const free = taken.length < mostTogether && one.keys.every((key) => !keys.has(key));
      for (const key of one.keys) keys.add(key);
      (free ? taken : left).push(one);
    }
    this.#waiting = left;
    return taken;
  }

  async #answer(batch: readonly Waiting<Act, Answer>[]): Promise<void> {
    try {
      const answers = await this.#commit(batch.map(({ act }) => act));
      for (const [at, { resolve }] of batch.entries()) resolve(answers[at] as Answer);
    } catch (thrown) {
      const error = asError(thrown);
      if (batch.length === 1 || isStoreDown(error)) for (const { reject } of batch) reject(error);
      else for (const one of batch) await this.#answer([one]);
    }
  }
}
