import type { Db } from '#kernel/db';

/**
 * A database whose commits do not wait for the disk while `held` says that the clock of the gallery stands still for a
 * simulation; at any other time it is the one given. Postgres keeps the order of its commits, so after a crash ledger and
 * gallery are still of one moment, a short while before it; the task of the simulation has failed then and is begun anew.
 * Its own last commit is durable, and everything before it with it. Never for what people do.
 */
export function relaxedDb(db: Db, held: () => boolean): Db {
  return {
    start: () => db.start(),
    query: (statement) => db.query(statement),
    together: (body) => db.together(body),
    transaction: (body, options) => db.transaction(body, held() ? { ...options, durable: false } : options),
    listen: (channel, heard, missed) => db.listen(channel, heard, missed),
    notify: (channel, payload) => db.notify(channel, payload),
    healthy: () => db.healthy(),
    [Symbol.asyncDispose]: async () => db[Symbol.asyncDispose](),
  };
}
