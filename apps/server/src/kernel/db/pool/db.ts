import type { Service } from '#kernel/base';
import type { Statement } from './sql.ts';

/** Rows as `pg` gives them: bigint columns arrive as JS numbers (safe range is asserted), timestamptz as Date. */
export type Row = Record<string, unknown>;

/** Can read. Queries that change nothing take this. */
export interface Reader {
  query<R extends object = Row>(statement: Statement): Promise<R[]>;
}

/** Inside one transaction. Queries that write take this, so a plain pool can never be passed to one. */
export interface Tx extends Reader {
  readonly inTransaction: true;
  /**
   * For a statement whose answer the body does not need: it travels with the next query, or with the commit. When it
   * fails, the transaction fails with its error; its rows are there once the transaction committed.
   */
  send<R extends object = Row>(statement: Statement): Sent<R>;
  /** Runs after the commit that makes this transaction's rows visible; never after a rollback. Errors are logged. */
  afterCommit(effect: () => void | Promise<void>): void;
}

/** Asking for `rows` before the commit is a mistake of the caller's. */
export type Sent<R> = { readonly rows: readonly R[] };

export type TransactionOptions = {
  /** `read committed` unless said. */
  isolation?: 'read committed' | 'repeatable read' | 'serializable';
  readOnly?: boolean;
  /**
   * `false`: the commit does not wait for the disk (`synchronous_commit = off`, for this transaction alone). Others see it at
   * once; a crash of Postgres may lose it, never without all such commits that came after it, nor anything that a durable
   * commit came after. Only for what is made anew when it is lost. Default `true`.
   */
  durable?: boolean;
  /** How often to run the body again after 40001 or 40P01. Default 0: the body must then be free of outside effects. */
  retries?: number;
};

/**
 * The pool of one process. Errors that mean "Postgres is not there" leave as `unavailable` `store_down`
 * with `retryAfterMs` 2000; everything else leaves as it came, with its SQLSTATE in `code`.
 */
export interface Db extends Service, Reader {
  /**
   * Several reads on one connection, in no transaction: those that are asked at once travel at once, and each sees what is
   * committed when it runs. When one fails, those that travelled behind it share its error.
   */
  together<T>(body: (reader: Reader) => Promise<T>): Promise<T>;
  transaction<T>(body: (tx: Tx) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** LISTEN on its own connection, renewed after a cut. `missed` runs after each reconnect: what was sent meanwhile is lost. */
  listen(channel: string, heard: (payload: string) => void, missed?: () => void): Disposable;
  /** NOTIFY in a statement of its own, so it never holds the commit lock of a business transaction. */
  notify(channel: string, payload: string): Promise<void>;
  /** Whether the last look at the database succeeded; answered from memory. */
  healthy(): boolean;
}
