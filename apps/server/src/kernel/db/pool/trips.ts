import { assert, must } from '#kernel/base';
import { type Answer, type Ready, ready } from './batch.ts';
import type { Reader, Row } from './db.ts';
import type { Statement } from './sql.ts';

/** Runs statements on one connection, in order; when one fails, those behind it are not run. */
export type RunBatch = (statements: readonly Ready[]) => Promise<readonly Answer[]>;

type Entry = { asked: Ready; settle: (answer: Answer) => void };

/**
 * Statements on their way to one connection. A trip takes all that was asked since the last one began, in order.
 *
 *  still  – nothing is asked, or what is waits for a query to go with.
 *  away   – a trip runs; what is asked meanwhile is the next one.
 *  closed – nothing goes by itself any more; reached once, never left.
 */
export class Trips implements Reader {
  readonly #run: RunBatch;
  #waiting: Entry[] = [];
  #trip: Promise<void> | undefined;
  #closed = false;

  constructor(run: RunBatch) {
    this.#run = run;
  }

  query<R extends object = Row>(statement: Statement): Promise<R[]> {
    assert(!this.#closed, 'a query was sent after its connection was given back; is an await missing?');
    return new Promise((resolve, reject) => {
      this.add(ready(statement), (answer) => {
        if ('error' in answer) reject(answer.error);
        else resolve(answer.rows as R[]); // oxlint-disable-line typescript/no-unsafe-type-assertion -- the query says what it selects
      });
      this.go();
    });
  }

  /** Waits for a trip to go with. */
  add(asked: Ready, settle: (answer: Answer) => void): void {
    this.#waiting.push({ asked, settle });
  }

  /** A moment later, so that what is asked at once goes at once. */
  go(): void {
    this.#trip ??= Promise.resolve().then(() => this.#fly());
  }

  /** Waits for the trip under way; none follows it by itself. */
  async land(): Promise<void> {
    this.#closed = true;
    while (this.#trip) await this.#trip;
  }

  async #fly(): Promise<void> {
    const entries = this.#waiting;
    this.#waiting = [];
    const answers = await this.#run(entries.map(({ asked }) => asked));
    this.#trip = undefined;
    for (const [i, { settle }] of entries.entries()) settle(must(answers[i], 'an answer for each statement'));
    // Asked meanwhile, and perhaps by somebody who waits.
    if (this.#waiting.length > 0 && !this.#closed) this.go();
  }
}
