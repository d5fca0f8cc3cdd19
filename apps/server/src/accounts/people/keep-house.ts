import type { Tx } from '#kernel/db';
import { peopleLimits } from './limits.ts';
import { sweepSignIns, sweepVerifications } from './queries/sign-ins.ts';
import { sweepTries } from './queries/tries.ts';
import type { PeopleRoom } from './room.ts';

const { sweepRows, triesAddressMs } = peopleLimits;

/** Removes what is over, in small batches. */
export async function keepHouse({ db, clock }: PeopleRoom): Promise<void> {
  const at = clock.now();
  const sweeps: ((tx: Tx) => Promise<number>)[] = [
    (tx) => sweepSignIns(tx, new Date(at), sweepRows),
    (tx) => sweepVerifications(tx, new Date(at), sweepRows),
    (tx) => sweepTries(tx, new Date(at - triesAddressMs), sweepRows),
  ];
  for (const sweep of sweeps) while ((await db.transaction(sweep)) === sweepRows);
}
