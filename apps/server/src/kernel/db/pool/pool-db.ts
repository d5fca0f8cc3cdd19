import { Pool, type PoolClient } from 'pg';
import { asError, type Clock, exhausted, unavailable } from '#kernel/base';
import { type Answer, type Ready, sendBatch } from './batch.ts';
import { type Connection, clientConfig, describeConnection, sessionSetup } from './connection.ts';
import type { Db, Reader, Row, TransactionOptions, Tx } from './db.ts';
import { Listener } from './listener.ts';
import { type DbLogger, silentLogger } from './logger.ts';
import { queryLabel } from './query-label.ts';
import { type Statement, sql } from './sql.ts';
import { asStoreError, errorCode, isStoreDown } from './store-errors.ts';
import { isFrame, mayRetry, OpenTransaction, rollingBack } from './transaction.ts';
import { Trips } from './trips.ts';

/** Where the database is; a function when that is known only once its server started. It is asked at the first use. */
export type DbTarget = Connection | { connection: () => Connection };

export type DbOptions = DbTarget & {
  /** Most connections of the pool (`MUSTER_DB_POOL_MAX`). The listener has one more of its own. */
  poolMax: number;
  /** Most callers that may wait for a connection; more are refused with `exhausted` `db_pool_full`. */
  poolWaitingMax?: number;
  /** How long a caller waits for a connection before `exhausted` `db_pool_full`. */
  poolWaitMsMax?: number;
  statementTimeoutMs: number;
  /** How long `start` waits for a database that is not there yet. */
  startTimeoutMs?: number;
  applicationName: string;
  clock: Clock;
  logger?: DbLogger;
  /**
   * Told after each statement: its label (see `queryLabel`) and how long it took, waiting for a connection not counted. Of
   * the time that statements took together each counts an equal part.
   */
  onQuery?: (label: string, tookMs: number) => void;
};

const defaults = { poolWaitingMax: 5_000, poolWaitMsMax: 10_000, startTimeoutMs: 120_000 };
const connectTimeoutMs = 5_000;
const idleTimeoutMs = 60_000;
/** The server ends a statement at its limit; this much later the connection itself is taken for dead. */
const answerGraceMs = 5_000;
const lookEveryMs = 1_000;
const startRetryMs = 200;
const startLogEveryMs = 5_000;
const retryDelayMs = 10;
const closeMsMax = 5_000;

type Opened = { pool: Pool; listener: Listener; where: string };

/**
 * new     – made; queries already work, nobody looks after its health.
 * running – `start` saw the database; a look each second keeps `healthy()` true to the facts.
 * stopped – pool and listener closed; every call is refused with `unavailable`. Reached once, never left.
 */
export class PoolDb implements Db {
  readonly #options: DbOptions & typeof defaults;
  #opened: Opened | undefined;
  readonly #log: DbLogger;
  #healthy = false;
  #seenAt = Number.NEGATIVE_INFINITY;
  #look: Disposable | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: DbOptions) {
    this.#options = { ...options, ...defined(options) };
    this.#log = options.logger ?? silentLogger;
  }

  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  query<R extends object = Row>(statement: Statement): Promise<R[]> {
    return this.together((reader) => reader.query<R>(statement));
  }

  async together<T>(body: (reader: Reader) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    const trips = new Trips((asked) => this.#run(client, asked));
    let failure: Error | undefined;
    try {
      return await body(trips);
    } catch (error) {
      failure = asError(error);
      throw asStoreError(error);
    } finally {
      await trips.land();
      client.release(broken(failure));
    }
  }

  async transaction<T>(body: (tx: Tx) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#attempt(body, options);
      } catch (error) {
        if (attempt >= (options.retries ?? 0) || !mayRetry(error)) throw asStoreError(error);
        await this.#options.clock.sleep(retryDelayMs * 2 ** Math.min(attempt, 6));
      }
    }
  }

  listen(channel: string, heard: (payload: string) => void, missed?: () => void): Disposable {
    if (this.#stopped) throw stopped();
    return this.#open().listener.add(channel, heard, missed);
  }

  async notify(channel: string, payload: string): Promise<void> {
    await this.query(sql`select pg_notify(${channel}, ${payload})`);
  }

  healthy(): boolean {
    return this.#healthy;
  }

  /** Connections by what they do, for the metric `muster_db_pool{state}`. */
  pool(): { busy: number; idle: number; waiting: number } {
    if (!this.#opened) return { busy: 0, idle: 0, waiting: 0 };
    const { totalCount, idleCount, waitingCount } = this.#opened.pool;
    return { busy: totalCount - idleCount, idle: idleCount, waiting: waitingCount };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #start(): Promise<void> {
    const { clock, startTimeoutMs } = this.#options;
    const began = clock.monotonic();
    let loggedAt = began;
    for (;;) {
      try {
        await this.query(sql`select 1`);
        break;
      } catch (error) {
        if (this.#stopped || !isStoreDown(error) || clock.monotonic() - began >= startTimeoutMs) throw error;
        if (clock.monotonic() - loggedAt >= startLogEveryMs) {
          loggedAt = clock.monotonic();
          const database = this.#open().where;
          this.#log.warn(
            { database, waitedMs: loggedAt - began, err: asError(error).cause },
            'waiting for the database',
          );
        }
        await clock.sleep(startRetryMs);
      }
    }
    this.#lookSoon(lookEveryMs);
  }

  async #stop(): Promise<void> {
    this.#look?.[Symbol.dispose]();
    this.#healthy = false;
    if (!this.#opened) return;
    const { pool, listener } = this.#opened;
    await listener[Symbol.asyncDispose]();
    const patience = new AbortController();
    const outOfPatience = this.#options.clock.sleep(closeMsMax, patience.signal).then(
      () => this.#log.warn(this.pool(), 'statements still run; their connections are left to the end of the process'),
      () => undefined,
    );
    await Promise.race([pool.end(), outOfPatience]);
    patience.abort();
  }

  /** Pool and listener, made at the first use. Nothing connects yet. */
  #open(): Opened {
    this.#opened ??= this.#make(this.#options);
    return this.#opened;
  }

  #make(options: DbOptions & typeof defaults): Opened {
    const connection = 'connection' in options ? options.connection() : options;
    const config = clientConfig(connection, { applicationName: options.applicationName, connectTimeoutMs });
    const setup = sessionSetup(options.statementTimeoutMs);
    const pool = new Pool({
      ...config,
      max: options.poolMax,
      idleTimeoutMillis: idleTimeoutMs,
      connectionTimeoutMillis: options.poolWaitMsMax,
      query_timeout: options.statementTimeoutMs + answerGraceMs,
      // The pool awaits what this returns before it hands the connection out; its type says less than it does.
      onConnect: (client): void => client.query(setup) as unknown as void,
    });
    // A connection that breaks while nobody queries on it tells so by an event, also when it is lent out.
    pool.on('connect', (client) => client.on('error', (error) => this.#onDown(error)));
    pool.on('error', (error) => this.#onDown(error));
    const listener = new Listener({
      config: { ...config, query_timeout: connectTimeoutMs },
      clock: options.clock,
      logger: this.#log,
      onCut: () => this.#lookSoon(0),
    });
    return { pool, listener, where: describeConnection(connection) };
  }

  async #connect(): Promise<PoolClient> {
    if (this.#stopped) throw stopped();
    const { pool } = this.#open();
    if (pool.waitingCount >= this.#options.poolWaitingMax) throw poolFull();
    try {
      return await pool.connect();
    } catch (error) {
      // The same message for "no connection free in time" and "no answer to connecting": only the first has company.
      const waited = error instanceof Error && error.message === 'timeout exceeded when trying to connect';
      if (waited && this.#healthy) throw poolFull();
      this.#onDown(asError(error));
      throw asStoreError(error);
    }
  }

  async #run(client: PoolClient, asked: readonly Ready[]): Promise<readonly Answer[]> {
    const { clock, onQuery } = this.#options;
    const began = clock.monotonic();
    const answers = await sendBatch(client, asked);
    const took = (clock.monotonic() - began) / asked.length;
    for (const [i, { statement }] of asked.entries()) {
      if (!isFrame(statement)) onQuery?.(queryLabel(statement.text), took);
      const answer = answers[i];
      if (!answer || !('error' in answer) || (errorCode(answer.error) !== undefined && !isStoreDown(answer.error)))
        this.#seen();
      else this.#onDown(answer.error);
    }
    return answers;
  }

  async #attempt<T>(body: (tx: Tx) => Promise<T>, options: TransactionOptions): Promise<T> {
    const client = await this.#connect();
    let failure: Error | undefined;
    let outcome: T;
    const tx = new OpenTransaction((asked) => this.#run(client, asked), options);
    try {
      outcome = await body(tx);
      await tx.commit();
    } catch (error) {
      const begun = await tx.seal();
      failure = asError(error);
      if (begun && !isStoreDown(error)) failure = (await this.#rollback(client)) ?? failure;
      throw error;
    } finally {
      client.release(broken(failure));
    }
    await this.#runEffects(tx);
    return outcome;
  }

  /** A failure comes back as a value, because the connection must then be thrown away. */
  async #rollback(client: PoolClient): Promise<Error | undefined> {
    const [answer] = await this.#run(client, [rollingBack]);
    return answer && 'error' in answer ? answer.error : undefined;
  }

  async #runEffects(tx: OpenTransaction): Promise<void> {
    for (const effect of tx.effects) {
      try {
        await effect();
      } catch (error) {
        this.#log.error({ err: asError(error) }, 'an effect after a commit failed; the commit stands');
      }
    }
  }

  #seen(): void {
    this.#seenAt = this.#options.clock.monotonic();
    if (this.#healthy || this.#stopped) return;
    this.#healthy = true;
    this.#log.info({ database: this.#open().where }, 'database reached');
  }

  #onDown(error: Error): void {
    if (!isStoreDown(error) || !this.#healthy) return;
    this.#healthy = false;
    this.#log.warn({ err: error, database: this.#open().where }, 'database lost');
  }

  #lookSoon(afterMs: number): void {
    this.#look?.[Symbol.dispose]();
    if (this.#stopped) return;
    this.#look = this.#options.clock.after(afterMs, () => void this.#lookNow());
  }

  async #lookNow(): Promise<void> {
    // A statement that just succeeded is as good a look as any; a full pool says nothing about the database.
    if (this.#options.clock.monotonic() - this.#seenAt >= lookEveryMs || !this.#healthy) {
      await this.query(sql`select 1`).catch(() => undefined);
    }
    this.#lookSoon(lookEveryMs);
  }
}

/** Makes the pool of this process; `start` waits for the database, disposal closes every connection. */
export function createDb(options: DbOptions): PoolDb {
  return new PoolDb(options);
}

const stopped = (): Error => unavailable('store_down', 'The server is stopping.', { retryAfterMs: 2_000 });

const poolFull = (): Error =>
  exhausted('db_pool_full', 'Too many requests wait for the database.', { retryAfterMs: 1_000 });

/** The error for which a connection must be thrown away: it is gone, or its prepared statements are outdated. */
function broken(error: Error | undefined): Error | undefined {
  if (error === undefined) return undefined;
  const outdated = errorCode(error) === '0A000' && error.message.includes('cached plan');
  return outdated || isStoreDown(error) ? error : undefined;
}

function defined(options: DbOptions): typeof defaults {
  return {
    poolWaitingMax: options.poolWaitingMax ?? defaults.poolWaitingMax,
    poolWaitMsMax: options.poolWaitMsMax ?? defaults.poolWaitMsMax,
    startTimeoutMs: options.startTimeoutMs ?? defaults.startTimeoutMs,
  };
}
