import { unavailable } from '#kernel/base';
import type { Db, Tx } from '#kernel/db';

/** A database connection that dies with its process: afterwards nothing gets through, and nobody hears what got through. */
export function mortal(db: Db): { db: Db; die(): void; settled(): Promise<unknown>; away: { after: number } } {
  let dead = false;
  /** Counts down at each commit; at 0 its answer is lost, and so is everything until it is set again. */
  const away = { after: Number.POSITIVE_INFINITY };
  const open = new Set<Promise<unknown>>();
  const gone = (): Error => unavailable('store_down', 'this process is dead');
  function through<T>(act: () => Promise<T>): Promise<T> {
    if (dead) return Promise.reject(gone());
    if (away.after <= 0) return Promise.reject(gone());
    const running = act().then((value) => {
      if (dead || away.after <= 0) throw gone();
      return value;
    });
    open.add(running);
    void running.catch(() => undefined).finally(() => open.delete(running));
    return running;
  }
  const mine: Db = {
    start: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
    query: (statement) => through(() => db.query(statement)),
    together: (body) => through(() => db.together(body)),
    transaction: (body, options) =>
      through(() =>
        db.transaction((tx) => {
          const cut: Tx = {
            inTransaction: true,
            query: (statement) => (dead ? Promise.reject(gone()) : tx.query(statement)),
            send: (statement) => tx.send(statement),
            afterCommit: (effect) => tx.afterCommit(effect),
          };
          return body(cut).then((value) => {
            if (dead) throw gone();
            away.after -= 1;
            return value;
          });
        }, options),
      ),
    listen: () => ({ [Symbol.dispose]: () => undefined }),
    notify: () => Promise.resolve(),
    healthy: () => !dead,
  };
  return {
    db: mine,
    away,
    die: () => {
      dead = true;
    },
    settled: () => Promise.allSettled(open),
  };
}
