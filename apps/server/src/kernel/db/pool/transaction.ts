import type { PoolClient } from 'pg';
import { asError, assert } from '#kernel/base';
import type { Row, TransactionOptions, Tx } from './db.ts';
import type { Statement } from './sql.ts';
import { errorCode } from './store-errors.ts';

/** Serialization failure and deadlock: the whole body may simply run again. */
const retryable = new Set(['40001', '40P01']);
export const mayRetry = (thrown: unknown): boolean => retryable.has(errorCode(thrown) ?? '');

export type RunStatement = <R extends object>(client: PoolClient, statement: Statement) => Promise<R[]>;

/**
 * One transaction on one connection.
 *  open – queries run one after the other, in the order they were asked.
 *  over – every further query is refused: it would run outside, on somebody else's connection.
 */
export class OpenTransaction implements Tx {
  readonly inTransaction = true;
  readonly effects: (() => void | Promise<void>)[] = [];
  readonly #client: PoolClient;
  readonly #run: RunStatement;
  #last: Promise<unknown> = Promise.resolve();
  #over = false;

  constructor(client: PoolClient, run: RunStatement) {
    this.#client = client;
    this.#run = run;
  }

  query<R extends object = Row>(statement: Statement): Promise<R[]> {
    assert(!this.#over, 'a query was sent after its transaction ended; is an await missing?');
    const result = this.#last.then(() => this.#run<R>(this.#client, statement));
    this.#last = result.catch(() => undefined);
    return result;
  }

  afterCommit(effect: () => void | Promise<void>): void {
    this.effects.push(effect);
  }

  /** Refuses further queries and waits for those still running. */
  async seal(): Promise<void> {
    this.#over = true;
    await this.#last;
  }
}

/** The opening statement; plain when nothing special was asked. */
export function beginText({ isolation, readOnly }: TransactionOptions): string {
  return `begin${isolation ? ` isolation level ${isolation}` : ''}${readOnly ? ' read only' : ''}`;
}

/** Commits, and throws when Postgres rolled back instead: that is how it answers after a failed statement was swallowed. */
export async function commit(client: PoolClient): Promise<void> {
  const { command } = await client.query('commit');
  if (command !== 'COMMIT') {
    throw new Error('the transaction was rolled back: one of its statements failed and the error was not passed on');
  }
}

/** Rolls back; a failure comes back as a value, because the connection must then be thrown away. */
export async function rollback(client: PoolClient): Promise<Error | undefined> {
  try {
    await client.query('rollback');
    return undefined;
  } catch (error) {
    return asError(error);
  }
}
