import { asError, type Clock, conflict, type MusterError, unavailable } from '#kernel/base';
import type { Db, Tx } from '#kernel/db';
import type { LogEvents } from './events.ts';
import type { LogLimits } from './limits.ts';
import * as queries from './queries.ts';

export type NodeIdentity = { id: string; url: string };

/**
 * The right of one server to write all shards of a database: rows with an owner, a term and a lease by the database's
 * clock. The same node (same machine, same log folder, whose lock it holds) takes over from itself at once. Another one
 * waits until the lease runs out and is refused by name as soon as it sees it renewed. Losing the rows ends the process;
 * what finally fences an old owner is the term in `log_cursors`.
 */
export class Ownership {
  readonly #db: Db;
  readonly #node: NodeIdentity;
  readonly #clock: Clock;
  readonly #limits: LogLimits;
  readonly #events: LogEvents;
  readonly #lost: (error: MusterError) => void;
  #term = 0;
  #shards = 0;
  #timer: Disposable | undefined;
  #renewing: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(parts: {
    db: Db;
    node: NodeIdentity;
    clock: Clock;
    limits: LogLimits;
    events: LogEvents;
    lost: (error: MusterError) => void;
  }) {
    this.#db = parts.db;
    this.#node = parts.node;
    this.#clock = parts.clock;
    this.#limits = parts.limits;
    this.#events = parts.events;
    this.#lost = parts.lost;
  }

  get term(): number {
    return this.#term;
  }

  /** How many shards this node owns; the number was fixed when the database was first used. */
  get shards(): number {
    return this.#shards;
  }

  /** Takes all shards under a new term, in one transaction with `also`. */
  async take(also: (tx: Tx, term: number) => Promise<void>): Promise<void> {
    let seen: queries.OwnerRow | undefined;
    for (;;) {
      const living = await this.#tryTake(also);
      if (!living) break;
      if (seen && (seen.owner !== living.owner || seen.expires_at.getTime() < living.expires_at.getTime()))
        throw owned(living);
      seen = living;
      this.#events.ownership('waiting', `the lease of ${living.owner}`);
      await this.#clock.sleep(1000);
    }
    this.#events.ownership('taken', `${this.#shards} shards, term ${this.#term}`);
    this.#renewLater();
  }

  /** The living owner that is in the way, if any. */
  #tryTake(also: (tx: Tx, term: number) => Promise<void>): Promise<queries.OwnerRow | undefined> {
    return this.#db.transaction(async (tx) => {
      await tx.query(queries.lockOwners);
      const owners = await queries.owners(tx);
      const living = owners.find((row) => row.live && row.owner !== this.#node.id);
      if (living) return living;
      const known = owners.reduce((sum, row) => sum + row.shards, 0);
      this.#shards = known > 0 ? known : this.#limits.shards;
      this.#term = (await queries.highestTerm(tx)) + 1;
      await queries.takeShards(tx, this.#node.id, this.#shards, this.#term, this.#limits.leaseMs);
      await queries.sayNode(tx, this.#node.id, this.#node.url, 'live');
      await also(tx, this.#term);
      return undefined;
    });
  }

  #renewLater(): void {
    this.#timer = this.#clock.after(this.#limits.leaseRenewEveryMs, () => {
      this.#renewing = this.#renew();
    });
  }

  async #renew(): Promise<void> {
    try {
      const renewed = await this.#db.transaction(async (tx) => {
        const count = await queries.renewShards(tx, this.#node.id, this.#term, this.#limits.leaseMs);
        if (count === this.#shards) await queries.sayNode(tx, this.#node.id, this.#node.url, 'live');
        return count;
      });
      if (renewed !== this.#shards && !this.#ended) {
        const detail = `another server took this log over (${renewed} of ${this.#shards} shards are left)`;
        this.#events.ownership('lost', detail);
        this.#lost(unavailable('log_owner_changed', `This server must stop writing: ${detail}.`));
        return;
      }
    } catch (error) {
      // Appends go on: they are safe on this disk, and the cursor's term decides whether they may reach the rows.
      this.#events.ownership('renewFailed', asError(error).message);
    }
    if (!this.#ended) this.#renewLater();
  }

  async release(): Promise<void> {
    this.#ended = true;
    this.#timer?.[Symbol.dispose]();
    await this.#renewing;
    if (this.#term === 0) return;
    await this.#db.transaction(async (tx) => {
      await queries.releaseShards(tx, this.#node.id, this.#term);
      await queries.sayNode(tx, this.#node.id, this.#node.url, 'stopped');
    });
  }
}

const owned = ({ owner, url }: queries.OwnerRow): MusterError =>
  conflict(
    'log_owned',
    `Another server (${owner}${url ? `, ${url}` : ''}) is running on this database. Stop it first.`,
    { extra: { owner, url } },
  );
