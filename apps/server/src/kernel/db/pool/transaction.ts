import { assert, must } from '#kernel/base';
import { type Answer, type Ready, ready } from './batch.ts';
import type { Row, Sent, TransactionOptions, Tx } from './db.ts';
import type { Statement } from './sql.ts';
import { errorCode } from './store-errors.ts';
import { type RunBatch, Trips } from './trips.ts';

/** Serialization failure and deadlock: the whole body may simply run again. */
const retryable = new Set(['40001', '40P01']);
export const mayRetry = (thrown: unknown): boolean => retryable.has(errorCode(thrown) ?? '');

/**
 * One transaction on one connection. `begin` travels with the first statement; what is only sent travels with the next
 * query, or with `commit`.
 *
 *  open – queries run one after the other, in the order they were asked.
 *  over – every further query is refused: it would run outside, on somebody else's connection.
 */
export class OpenTransaction implements Tx {
  readonly inTransaction = true;
  readonly effects: (() => void | Promise<void>)[] = [];
  readonly #trips: Trips;
  #asked = false;
  #begun = false;
  #over = false;
  /** Of `begin`, or of a statement whose answer nobody waits for: nothing more may run, it would run by itself. */
  #failure: Error | undefined;

  constructor(run: RunBatch, options: TransactionOptions) {
    this.#trips = new Trips((statements) => {
      this.#begun = true;
      return run(statements);
    });
    this.#trips.add(beginning(options), (answer) => this.#note(answer));
    if (options.durable === false) this.#trips.add(hurrying, (answer) => this.#note(answer));
  }

  query<R extends object = Row>(statement: Statement): Promise<R[]> {
    this.#assertOpen();
    if (this.#failure) return Promise.reject(this.#failure);
    this.#asked = true;
    return this.#trips.query<R>(statement);
  }

  send<R extends object = Row>(statement: Statement): Sent<R> {
    this.#assertOpen();
    let rows: R[] | undefined;
    this.#asked = true;
    this.#trips.add(ready(statement), (answer) => {
      this.#note(answer);
      if (!('error' in answer)) rows = answer.rows as R[]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the statement says what it answers
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
    await this.#trips.land();
    if (this.#failure) throw this.#failure;
    if (!this.#asked) return;
    const answer = await new Promise<Answer>((settle) => {
      this.#trips.add(committing, settle);
      this.#trips.go();
    });
    if ('error' in answer) throw answer.error;
    if (answer.command !== 'COMMIT') {
      throw new Error('the transaction was rolled back: one of its statements failed and the error was not passed on');
    }
  }

  /** Refuses further queries and waits for those under way; `true` when there is something to roll back. */
  async seal(): Promise<boolean> {
    this.#over = true;
    await this.#trips.land();
    return this.#begun;
  }

  #assertOpen(): void {
    assert(!this.#over, 'a query was sent after its transaction ended; is an await missing?');
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
/** Ends with the transaction. */
const hurrying = frame('set local synchronous_commit to off');
export const rollingBack = frame('rollback');

const beginning = ({ isolation, readOnly }: TransactionOptions): Ready =>
  frame(`begin${isolation ? ` isolation level ${isolation}` : ''}${readOnly ? ' read only' : ''}`);

/** Nobody counts these among the statements. */
export const isFrame = ({ text }: Statement): boolean => frames.has(text);
