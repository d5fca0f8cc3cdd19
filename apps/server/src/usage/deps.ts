import type { PriceRule } from '@muster/protocol';
import type { Clock, Limits } from '#kernel/base';
import type { Db } from '#kernel/db';

/** Everything this room needs from outside; `compose.ts` hands it over. */
export type UsageDeps = {
  db: Db;
  clock: Clock;
  limits: Limits;
  currency: string;
  /** From the file of the settings; then nobody changes them over the API. */
  pricesOfFile: readonly PriceRule[] | undefined;
  /** Attempts that run now: what they have cost so far is shown before it is written. */
  heldTimes(projectId: string): Promise<readonly { startedAt: Date; queue: string; platform: string }[]>;
};
