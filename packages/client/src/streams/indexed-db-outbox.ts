import { MusterError } from '@muster/protocol/errors';
import type { Db, DbGlobals, DbRange, DbRequest, DbStore } from './indexed-db-types.ts';
import { type Entry, type Kept, nothingKept, type Outbox, type Sending } from './outbox.ts';

export type IndexedDbOutboxOptions = {
  /** Name of the database; one may hold the outboxes of many streams. */
  database?: string;
  /** How long to wait for a page that is being left to free the outbox. */
  lockMsMax?: number;
};

type State = { sending?: Sending | undefined; epoch?: number; contentType?: string; mark?: string };

/** Names and ids sort as keys, so one range is one outbox. */
const rangeOf = (name: string, last: number = Number.MAX_SAFE_INTEGER): DbRange =>
  browser().IDBKeyRange.bound([name, 0], [name, last]);
const browser = (): DbGlobals => globalThis as unknown as DbGlobals;

/**
 * Keeps what a producer has not sent yet in the browser, over reloads and crashes of the page. One tab at a time may write
 * under one producer id: another is refused (`conflict` `outbox_in_use`).
 */
export function indexedDbOutbox(options: IndexedDbOutboxOptions = {}): Outbox {
  return new IndexedDbOutbox(options.database ?? 'muster-outbox', options.lockMsMax ?? 5_000);
}

/* Two stores: `entries` by [name, id], and `states` by name. Each call is one transaction, so it is there whole or not. */
class IndexedDbOutbox implements Outbox {
  readonly lasting = true;
  readonly #database: string;
  readonly #lockMsMax: number;
  #name = '';
  #db: Db | undefined;
  #unlock: (() => void) | undefined;
  #state: State = {};
  /** Of the entries in the store, in order. */
  #ids: number[] = [];

  constructor(database: string, lockMsMax: number) {
    this.#database = database;
    this.#lockMsMax = lockMsMax;
  }

  async open(name: string): Promise<Kept> {
    this.#unlock = await lock(`${this.#database} ${name}`, this.#lockMsMax);
    this.#name = name;
    try {
      this.#db = await openDatabase(this.#database);
      const [entries, state] = await this.#transact('readonly', (entries, states) => [
        asked<Entry[]>(entries.getAll(rangeOf(name))),
        asked<State | undefined>(states.get(name)),
      ]);
      this.#state = state ?? {};
      this.#ids = entries.map(({ id }) => id);
      return { ...nothingKept, ...this.#state, entries };
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async add(added: readonly Entry[]): Promise<void> {
    const mark = added.findLast((entry) => entry.mark !== undefined)?.mark;
    const contentType = added.at(-1)?.contentType;
    const state = { ...this.#state, ...(mark === undefined ? {} : { mark }), ...(contentType ? { contentType } : {}) };
    await this.#transact('readwrite', (entries, states) => {
      for (const entry of added) entries.put(entry, [this.#name, entry.id]);
      states.put(state, this.#name);
      return [];
    });
    this.#state = state;
    for (const { id } of added) this.#ids.push(id);
  }

  async assign(sending: Sending): Promise<void> {
    await this.#remember({ ...this.#state, sending, epoch: Math.max(sending.epoch, this.#state.epoch ?? 0) }, 0);
  }

  async settle(count: number): Promise<void> {
    await this.#remember({ ...this.#state, sending: undefined }, count);
  }

  async close(): Promise<void> {
    this.#db?.close();
    this.#db = undefined;
    this.#unlock?.();
    this.#unlock = undefined;
  }

  async #remember(state: State, settled: number): Promise<void> {
    const last = this.#ids[settled - 1];
    await this.#transact('readwrite', (entries, states) => {
      states.put(state, this.#name);
      if (last !== undefined) entries.delete(rangeOf(this.#name, last));
      return [];
    });
    this.#state = state;
    this.#ids.splice(0, settled);
  }

  /** Resolves with what was asked when the transaction is on disk. */
  async #transact<T extends readonly Promise<unknown>[] | []>(
    mode: 'readonly' | 'readwrite',
    work: (entries: DbStore, states: DbStore) => T,
  ): Promise<{ -readonly [P in keyof T]: Awaited<T[P]> }> {
    if (!this.#db) throw new Error('the outbox is closed');
    const transaction = this.#db.transaction(['entries', 'states'], mode, { durability: 'strict' });
    const asked = Promise.all(work(transaction.objectStore('entries'), transaction.objectStore('states')));
    const done = new Promise<void>((resolve, reject) => {
      transaction.addEventListener('complete', () => resolve());
      transaction.addEventListener('abort', () => reject(transaction.error ?? new Error('the browser gave up')));
    });
    const [answers] = await Promise.all([asked, done]);
    return answers;
  }
}

const asked = <T>(request: DbRequest): Promise<T> =>
  new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result as T));
    request.addEventListener('error', () => reject(request.error ?? new Error('the browser gave no reason')));
  });

function openDatabase(name: string): Promise<Db> {
  const request = browser().indexedDB.open(name, 1);
  request.addEventListener('upgradeneeded', () => {
    const made = request.result as Db;
    made.createObjectStore('entries');
    made.createObjectStore('states');
  });
  return asked(request);
}

/** One tab per outbox, for as long as the returned function is not called or the page lives. */
async function lock(name: string, msMax: number): Promise<() => void> {
  const { promise: held, resolve: unlock } = Promise.withResolvers<void>();
  await new Promise<void>((resolve, reject) => {
    const signal = AbortSignal.timeout(msMax);
    navigator.locks
      .request(name, { signal }, () => {
        resolve();
        return held;
      })
      .catch(() => {
        const detail = 'Another tab writes under this producer id.';
        reject(new MusterError('conflict', { reason: 'outbox_in_use', detail }));
      });
  });
  return unlock;
}
