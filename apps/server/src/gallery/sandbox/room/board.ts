import type { Db } from '#kernel/db';
import { type Entry, type ItemRow, newestEntries, readItems } from '../queries/items.ts';
import type { Change } from './changes.ts';
import { sandboxLimits as limits } from './limits.ts';
import { wireItem } from './wire.ts';

/** An item in memory, with its text as the contract says it, made when first asked for. */
export class KeptItem {
  readonly row: ItemRow;
  #plain: string | undefined;
  #liked: string | undefined;

  constructor(row: ItemRow) {
    this.row = row;
  }

  text(liked: boolean): string {
    if (liked) return (this.#liked ??= JSON.stringify(wireItem(this.row, true)));
    return (this.#plain ??= JSON.stringify(wireItem(this.row, false)));
  }
}

/**
 * What is known in memory of one project's items. A change marks its item; whoever reads next reads the marked ones again
 * first, so what is answered is what the rows said when it was asked. Small galleries are known whole and ranked here; of
 * large ones only the items that were shown lately are kept, and Postgres ranks.
 *
 *   stale   nothing here may be used: at birth, after a reset, after hints may have been lost.
 *   small   `entries` holds every item.
 *   large   `entries` is undefined.
 *
 * All of it is done inside `with`, one at a time, so that an older look never replaces a newer one.
 */
export class Board {
  readonly #db: Db;
  readonly #projectId: string;
  readonly #kept = new Map<string, KeptItem>();
  readonly #marked = new Set<string>();
  #entries: Map<string, Entry> | undefined;
  #state: 'stale' | 'small' | 'large' = 'stale';
  #last: Promise<unknown> = Promise.resolve();

  constructor(db: Db, projectId: string) {
    this.#db = db;
    this.#projectId = projectId;
  }

  note(change: Change): void {
    if (change.what === 'all' || change.what === 'rules') this.#state = 'stale';
    else this.#marked.add(change.itemId);
  }

  lose(): void {
    this.#state = 'stale';
  }

  /** Runs when everything marked until now was read again. */
  with<T>(act: (board: { entries: ReadonlyMap<string, Entry> | undefined }) => Promise<T> | T): Promise<T> {
    const turn = this.#last.then(async () => {
      await this.#refresh();
      return act({ entries: this.#entries });
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Inside `with`: these items, in this order; those that are gone are left out. */
  async items(ids: readonly string[]): Promise<KeptItem[]> {
    const missing = ids.filter((id) => !this.#kept.has(id));
    if (missing.length > 0) for (const row of await readItems(this.#db, this.#projectId, missing)) this.#keep(row);
    const found = ids.flatMap((id) => this.#kept.get(id) ?? []);
    while (this.#kept.size > limits.itemsKeptMax) {
      const oldest = this.#kept.keys().next().value;
      if (oldest === undefined) break;
      this.#kept.delete(oldest);
    }
    return found;
  }

  async #refresh(): Promise<void> {
    if (this.#state === 'stale') return this.#load();
    if (this.#marked.size === 0) return;
    if (this.#state === 'large' || this.#marked.size > limits.itemsMarkedMax) {
      for (const id of this.#marked) this.#kept.delete(id);
      const all = this.#state === 'small';
      this.#marked.clear();
      return all ? this.#load() : undefined;
    }
    const ids = [...this.#marked];
    this.#marked.clear();
    try {
      const rows = new Map((await readItems(this.#db, this.#projectId, ids)).map((row) => [row.id, row]));
      for (const id of ids) {
        const row = rows.get(id);
        if (row) this.#keep(row);
        else {
          this.#kept.delete(id);
          this.#entries?.delete(id);
        }
      }
    } catch (error) {
      this.#state = 'stale';
      throw error;
    }
    if ((this.#entries?.size ?? 0) > limits.boardItemsMax) {
      this.#entries = undefined;
      this.#state = 'large';
    }
  }

  async #load(): Promise<void> {
    this.#state = 'stale';
    this.#kept.clear();
    this.#marked.clear();
    const entries = await newestEntries(this.#db, this.#projectId, limits.boardItemsMax + 1);
    const small = entries.length <= limits.boardItemsMax;
    this.#entries = small ? new Map(entries.map((entry) => [entry.id, entry])) : undefined;
    this.#state = small ? 'small' : 'large';
  }

  #keep(row: ItemRow): void {
    this.#kept.delete(row.id);
    this.#kept.set(row.id, new KeptItem(row));
    this.#entries?.set(row.id, entryOf(row));
  }
}

const entryOf = (row: ItemRow): Entry => ({
  id: row.id,
  createdAt: row.createdAt.getTime(),
  weight: row.humanLikes + row.humanComments + 0.25 * (row.botLikes + row.botComments) + 1,
  likes: row.humanLikes + row.botLikes,
  accountId: row.accountId,
  category: row.category,
  byAgent: row.isAgent,
});
