/* As much of IndexedDB as the outbox uses, in memory, with its two traps: a transaction happens whole or not at all, and it
 * is over as soon as nothing is asked of it. Real browsers run the same outbox in the browser test. */

type Key = string | readonly [string, number];
type Range = { lower: Key; upper: Key };
type Listener = () => void;

class Target {
  readonly #listeners = new Map<string, Listener[]>();
  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }
  tell(type: string): void {
    for (const listener of this.#listeners.get(type) ?? []) listener();
  }
}

class DbRequest extends Target {
  result: unknown;
  error: Error | null = null;
}

const before = (a: Key, b: Key): number => {
  if (typeof a === 'string' || typeof b === 'string') return a < b ? -1 : Number(a > b);
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  return a[1] - b[1];
};
const within = (key: Key, { lower, upper }: Range): boolean => before(key, lower) >= 0 && before(key, upper) <= 0;

type Rows = Map<string, { key: Key; value: unknown }>;

/** One store of all databases of a "browser"; `strike` makes the next transaction fail. */
export class TinyIndexedDb {
  readonly #databases = new Map<string, Map<string, Rows>>();
  strike: Error | undefined;

  readonly IDBKeyRange = { bound: (lower: Key, upper: Key): Range => ({ lower, upper }) };
  readonly indexedDB = {
    open: (name: string, _version: number): DbRequest => {
      const request = new DbRequest();
      queueMicrotask(() => {
        const known = this.#databases.get(name);
        const stores = known ?? new Map<string, Rows>();
        this.#databases.set(name, stores);
        request.result = {
          createObjectStore: (store: string) => stores.set(store, new Map()),
          transaction: () => this.#transaction(stores),
          close: () => undefined,
        };
        if (!known) request.tell('upgradeneeded');
        request.tell('success');
      });
      return request;
    },
  };

  #transaction(stores: Map<string, Rows>): unknown {
    const transaction = Object.assign(new Target(), { error: null as Error | null });
    const copies = new Map([...stores].map(([name, rows]) => [name, new Map(rows)]));
    let over = false;
    const ask = (work: () => unknown): DbRequest => {
      if (over) throw new Error('TransactionInactiveError');
      const request = new DbRequest();
      const result = work();
      queueMicrotask(() => {
        request.result = result;
        request.tell('success');
      });
      return request;
    };
    const objectStore = (name: string): unknown => {
      const rows = copies.get(name) ?? new Map<string, { key: Key; value: unknown }>();
      return {
        get: (key: Key) => ask(() => rows.get(JSON.stringify(key))?.value),
        getAll: (range: Range) =>
          ask(() =>
            [...rows.values()]
              .filter(({ key }) => within(key, range))
              .toSorted((a, b) => before(a.key, b.key))
              .map(({ value }) => value),
          ),
        put: (value: unknown, key: Key) =>
          ask(() => void rows.set(JSON.stringify(key), { key, value: structuredClone(value) })),
        delete: (range: Range) =>
          ask(() => {
            for (const [text, { key }] of rows) if (within(key, range)) rows.delete(text);
          }),
      };
    };
    queueMicrotask(() =>
      queueMicrotask(() => {
        over = true;
        transaction.error = this.strike ?? null;
        if (this.strike) {
          this.strike = undefined;
          return transaction.tell('abort');
        }
        for (const [name, rows] of copies) stores.set(name, rows);
        transaction.tell('complete');
      }),
    );
    return Object.assign(transaction, { objectStore });
  }
}
