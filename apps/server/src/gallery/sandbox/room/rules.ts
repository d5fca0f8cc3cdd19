import type { Db } from '#kernel/db';
import { type AccountRow, quietAccounts } from '../queries/accounts.ts';
import type { Changes } from './changes.ts';

const agentsMax = 20_000;

type Quiet = { ids: readonly string[]; usernames: ReadonlySet<string> };

/**
 * Accounts and who wants no bots, kept in memory until a change of rules is told. An act looks at its account again in its
 * own transaction, so an account that was removed on another node a moment ago cannot act.
 */
export class Rules implements Disposable {
  readonly #db: Db;
  readonly #agents = new Map<string, AccountRow>();
  readonly #quiet = new Map<string, { revision: string; read: Promise<Quiet> }>();
  readonly #changes: Changes;
  readonly #listening: Disposable;

  constructor(db: Db, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
    this.#listening = changes.listen(({ what }) => {
      if (what === 'rules' || what === 'all') this.#agents.clear();
    });
  }

  /** Only accounts that are there are kept. */
  async agent(
    projectId: string,
    name: string,
    read: () => Promise<AccountRow | undefined>,
  ): Promise<AccountRow | undefined> {
    const key = `${projectId} ${name}`;
    const known = this.#agents.get(key);
    if (known) return known;
    const revision = this.#changes.rulesRevision(projectId);
    const found = await read();
    if (found && revision === this.#changes.rulesRevision(projectId)) {
      if (this.#agents.size >= agentsMax) this.#agents.clear();
      this.#agents.set(key, found);
    }
    return found;
  }

  /** People who said "no bots on my posts". */
  async quiet(projectId: string): Promise<Quiet> {
    const revision = this.#changes.rulesRevision(projectId);
    const known = this.#quiet.get(projectId);
    if (known?.revision === revision) return known.read;
    const read = quietAccounts(this.#db, projectId).then((rows) => ({
      ids: rows.map(({ id }) => id),
      usernames: new Set(rows.map(({ username }) => username)),
    }));
    const entry = { revision, read };
    this.#quiet.set(projectId, entry);
    read.catch(() => {
      if (this.#quiet.get(projectId) === entry) this.#quiet.delete(projectId);
    });
    return read;
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
  }
}
