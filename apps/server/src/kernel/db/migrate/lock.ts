import type { Client } from 'pg';
import type { Clock } from '#kernel/base';
import { errorCode } from '../pool/store-errors.ts';

/** The first 8 bytes of `sha256("muster migrations")` as a signed number: nobody else takes this advisory lock. */
const lockKey = '-4925304132261308689';
const askEveryMs = 100;
const tellEveryMs = 5_000;

/**
 * Takes the migration lock on `client`'s session and holds it until that connection ends, so a runner that dies cannot
 * keep it. `waiting` is told every 5 s who holds it.
 */
export async function lockMigrations(client: Client, clock: Clock, waiting: (waitedMs: number) => void): Promise<void> {
  const began = clock.monotonic();
  let toldAt = began;
  for (;;) {
    const { rows } = await client.query<{ taken: boolean }>(`select pg_try_advisory_lock(${lockKey}) as taken`);
    if (rows[0]?.taken) return;
    const now = clock.monotonic();
    if (now - toldAt >= tellEveryMs) {
      toldAt = now;
      waiting(now - began);
    }
    await clock.sleep(askEveryMs);
  }
}

export async function unlockMigrations(client: Client): Promise<void> {
  await client.query(`select pg_advisory_unlock(${lockKey})`);
}

/** A statement waited too long for a table somebody else uses (55P03): trying again later is the cure. */
export const lockTimedOut = (error: unknown): boolean => errorCode(error) === '55P03';
