import { buildLimits } from '@muster/protocol';
import { conflict, exhausted } from '#kernel/base';
import { countDemands, type DemandKey, findDemand, insertDemand, lockDemands, pruneDemand } from './queries/submit.ts';
import type { Room } from './room.ts';

type Deps = Pick<Room, 'db'> & { intake: { demands: KnownDemands } };

const knownMax = 10_000;

/** Demands this process has seen. One may be pruned at any time: whoever relies on it finds out in its transaction. */
export class KnownDemands {
  readonly #sigs = new Map<string, number>();

  get(key: DemandKey): number | undefined {
    return this.#sigs.get(nameOf(key));
  }

  add(key: DemandKey, sig: number): number {
    if (this.#sigs.size >= knownMax) this.#sigs.clear();
    this.#sigs.set(nameOf(key), sig);
    return sig;
  }

  /** Throw what this returns: the caller's transaction ends, and the next try looks the demand up. */
  gone(key: DemandKey): DemandGone {
    this.#sigs.delete(nameOf(key));
    return new DemandGone();
  }
}

const nameOf = ({ projectId, queue, platform, requires }: DemandKey): string =>
  JSON.stringify([projectId, queue, platform, Object.entries(requires).toSorted(([a], [b]) => (a < b ? -1 : 1))]);

/**
 * The demand of (queue, platform, requires), made when it is new. A project has at most 256: when it is full, the one that
 * was idle longest goes. `exhausted` `demands_full` when all of them are in use.
 */
export async function demandFor({ db, intake: { demands } }: Deps, key: DemandKey): Promise<number> {
  return demands.get(key) ?? demands.add(key, (await findDemand(db, key)) ?? (await makeDemand(db, key)));
}

async function makeDemand(db: Room['db'], key: DemandKey): Promise<number> {
  return await db.transaction(async (tx) => {
    // A transaction of its own: whoever waits for this lock must hold nothing, least of all a shared hold on it.
    await lockDemands(tx, key.projectId);
    const found = await findDemand(tx, key);
    if (found !== undefined) return found;
    if (
      (await countDemands(tx, key.projectId)) >= buildLimits.demandsPerProjectMax &&
      !(await pruneDemand(tx, key.projectId))
    ) {
      throw exhausted('demands_full', `${buildLimits.demandsPerProjectMax} different label sets are in use at once.`, {
        retryAfterMs: 60_000,
      });
    }
    return await insertDemand(tx, key);
  });
}

/** The demand was pruned between look-up and use. */
export class DemandGone extends Error {}

const triesMax = 3;

/** Runs `body` with the demand of `key`, again when it was pruned meanwhile. */
export async function withDemand<T>(room: Deps, key: DemandKey, body: (sig: number) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await body(await demandFor(room, key));
    } catch (error) {
      if (!(error instanceof DemandGone)) throw error;
      if (tries >= triesMax)
        throw conflict('demand_changing', 'The label sets of this project change too fast; try again.');
    }
  }
}
