import { assert, must } from '#kernel/base';
import { type Answer, type Ready, ready } from './batch.ts';
import type { Row, Sent, TransactionOptions, Tx } from './db.ts';
import type { Statement } from './sql.ts';
import { errorCode } from './store-errors.ts';

/** Serialization failure and deadlock: the whole body may simply run again. */
const retryable = new Set(['40001', '40P01']);
export const mayRetry = (thrown: unknown): boolean => retryable.has(errorCode(thrown) ?? '');

/** Runs statements on the transaction's connection, in order; when one fails, those behind it are not run. */
export type RunBatch = (statements: readonly Ready[]) => Promise<readonly Answer[]>;

type Entry = { asked: Ready; settle: (answer: Answer) => void };

/**
 * One transaction on one connection. A trip to Postgres takes all that was asked since the last one: `begin` goes with the
 * first statement, what was only sent goes with the next query, or with `commit`.
 *
 *  open – queries run one after the other, in the order they were asked.
 *  over – every further query is refused: it would run outside, on somebody else's connection.
 */
export class OpenTransaction implements Tx {
  readonly inTransaction = true;
  readonly effects: (() => void | Promise<void>)[] = [];
  readonly #run: RunBatch;
  #waiting: Entry[];
  #trip: Promise<void> | undefined;
  #begun = false;
  #over = false;
  /** Of `begin`, or of a statement whose answer nobody waits for: nothing more may run, it would run by itself. */
  #failure: Error | undefined;

  constructor(run: RunBatch, options: TransactionOptions) {
    this.#run = run;
    this.#waiting = [{ asked: beginning(options), settle: (answer) => this.#note(answer) }];
  }

  query<R extends object = Row>(statement: Statement): Promise<R[]> {
    this.#assertOpen();
    return new Promise((resolve, reject) => {
      if (this.#failure) throw this.#failure;
      this.#waiting.push({
        asked: ready(statement),
        settle: (answer) => {
          if ('error' in answer) reject(answer.error);
          else resolve(answer.rows as R[]); // oxlint-disable-line typescript/no-unsafe-type-assertion -- the query says what it selects
        },
      });
      this.#go();
    });
  }

  send<R extends object = Row>(statement: Statement): Sent<R> {
    this.#assertOpen();
    let rows: R[] | undefined;
    this.#waiting.push({
      asked: ready(statement),
      settle: (answer) => {
        this.#note(answer);
        if (!('error' in answer)) rows = answer.rows as R[]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- as in `query`
      },
    });
    return {
      get rows() {
        return must(rows, 'the rows of a statement that was answered');
      },
    };
  }

  afterCommit(effect: () => void | Promise<void>): void {
    this.effects.push(effect);
  }

  /**
   * Refuses further queries, waits for those still running and commits. Throws when one that was sent failed, and when
   * Postgres rolled back instead: that is how it answers after a failed statement was swallowed.
   */
  async commit(): Promise<void> {
    this.#over = true;
    await this.#land();
    if (this.#failure) throw this.#failure;
    if (!this.#begun && this.#waiting.length === 1) return; // nobody asked anything
    const answer = await new Promise<Answer>((settle) => {
      this.#waiting.push({ asked: committing, settle });
      this.#go();
    });
    if ('error' in answer) throw answer.error;
    if (answer.command !== 'COMMIT') {
      throw new Error('the transaction was rolled back: one of its statements failed and the error was not passed on');
    }
  }

  /** Refuses further queries and waits for those under way; `true` when there is something to roll back. */
  async seal(): Promise<boolean> {
    this.#over = true;
    await this.#land();
    return this.#begun;
  }

  #assertOpen(): void {
    assert(!this.#over, 'a query was sent after its transaction ended; is an await missing?');
  }

  /** A moment later, so that what is asked at once goes at once. */
  #go(): void {
    this.#trip ??= Promise.resolve().then(() => this.#fly());
  }

  async #fly(): Promise<void> {
    const entries = this.#waiting;
    this.#waiting = [];
    this.#begun = true;
    const answers = await this.#run(entries.map(({ asked }) => asked));
    this.#trip = undefined;
    for (const [i, { settle }] of entries.entries()) settle(must(answers[i], 'an answer for each statement'));
    // Asked meanwhile, and perhaps by somebody who waits.
    if (this.#waiting.length > 0 && !this.#over) this.#go();
  }

  async #land(): Promise<void> {
    while (this.#trip) await this.#trip;
  }

  #note(answer: Answer): void {
    if ('error' in answer) this.#failure ??= answer.error;
  }
}

const frames = new Map<string, Ready>();

/** Begins and ends of transactions; each text is prepared once per connection. */
function frame(text: string): Ready {
  const known = frames.get(text) ?? ready({ text, values: [], name: text.replaceAll(' ', '_') });
  frames.set(text, known);
  return known;
}

const committing = frame('commit');
export const rollingBack = frame('rollback');

const beginning = ({ isolation, readOnly }: TransactionOptions): Ready =>
  frame(`begin${isolation ? ` isolation level ${isolation}` : ''}${readOnly ? ' read only' : ''}`);

/** Nobody counts these among the statements. */
export const isFrame = ({ text }: Statement): boolean => frames.has(text);
