/* The little of IndexedDB that the outbox uses. The library's own types would bring all of the DOM into every file. */

type Listening = { addEventListener(type: string, listener: () => void): void };
export type DbRequest = Listening & { readonly result: unknown; readonly error: Error | null };
export type DbRange = { readonly lower: unknown; readonly upper: unknown };
export type DbStore = {
  get(key: string): DbRequest;
  getAll(range: DbRange): DbRequest;
  put(value: unknown, key: string | readonly [string, number]): DbRequest;
  delete(range: DbRange): DbRequest;
};
export type DbTransaction = Listening & { readonly error: Error | null; objectStore(name: string): DbStore };
export type Db = {
  createObjectStore(name: string): DbStore;
  transaction(
    stores: readonly string[],
    mode: 'readonly' | 'readwrite',
    options: { durability: 'strict' },
  ): DbTransaction;
  close(): void;
};

/** Where a browser keeps these two. */
export type DbGlobals = {
  readonly indexedDB: { open(name: string, version: number): DbRequest };
  readonly IDBKeyRange: { bound(lower: unknown, upper: unknown): DbRange };
};
