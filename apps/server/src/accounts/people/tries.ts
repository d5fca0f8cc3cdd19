import { createHash } from 'node:crypto';
import { networkOf, writeAudit } from '#kernel/auth';
import { asError, exhausted, type MusterError, unauthenticated } from '#kernel/base';
import { peopleLimits } from './limits.ts';
import { addTry, fullSince, lockAddress } from './queries/tries.ts';
import type { From, PeopleRoom } from './room.ts';

const { triesPerPairMax, triesPairMs, triesPerAddressMax, triesAddressMs } = peopleLimits;

/** What tries are counted by; IPv6 addresses by their /64. */
export type Pair = { address: string; emailHash: Uint8Array };
export const pairOf = (address: string, email: string): Pair => ({
  address: networkOf(address),
  emailHash: createHash('sha256').update(email).digest(),
});

export const wrongPassword = (): MusterError =>
  unauthenticated('wrong_password', 'The email or the password is not right.');

/** Codes are counted by person, whatever addresses they come from: who is asked for one knows the password. */
const codesOf = 'codes of ';
const codesHash = createHash('sha256').update('codes').digest();
export const codesPair = (personId: string): Pair => ({ address: `${codesOf}${personId}`, emailHash: codesHash });

const tooManyTries = ({ address }: Pair, retryAfterMs: number): MusterError =>
  exhausted(
    'too_many_tries',
    address.startsWith(codesOf)
      ? 'Too many wrong codes were given for this account. Try again later.'
      : 'Too many wrong passwords came from this address. Try again later.',
    { retryAfterMs },
  );

/** A try is counted before it is looked at, so that many at the same moment cannot all be the tenth. */
export async function takeTry(room: PeopleRoom, of: Pair, from: From): Promise<number> {
  const flood = room.floods.take(of.address);
  if (!flood.ok) throw refused(room, from, tooManyTries(of, flood.resetMs));
  const now = room.clock.now();
  const result = await room.db.transaction(async (tx) => {
    await lockAddress(tx, of.address);
    const full = await fullSince(
      tx,
      of,
      { since: new Date(now - triesPairMs), max: triesPerPairMax },
      { since: new Date(now - triesAddressMs), max: triesPerAddressMax },
    );
    const waits = [
      full.pair === null ? 0 : full.pair.getTime() + triesPairMs - now,
      full.any === null ? 0 : full.any.getTime() + triesAddressMs - now,
    ];
    const retryAfterMs = Math.max(...waits);
    if (retryAfterMs > 0) return { retryAfterMs };
    return { id: await addTry(tx, { ...of, at: new Date(now) }) };
  });
  if ('id' in result) return result.id;
  throw refused(room, from, tooManyTries(of, result.retryAfterMs));
}

/** Refused tries are in the audit, one per second and cause at most; the answer does not wait for it. */
export function refused(
  { db, logger, refusals }: PeopleRoom,
  { address, requestId }: From,
  error: MusterError,
): MusterError {
  if (!refusals.take(error.reason).ok) return error;
  db.transaction((tx) =>
    writeAudit(tx, {
      who: undefined,
      address,
      requestId,
      action: 'person.signed_in',
      subject: error.reason,
      outcome: 'refused',
    }),
  ).catch((failure: unknown) =>
    logger.warn({ error: asError(failure) }, 'a refused sign-in could not be written to the audit'),
  );
  return error;
}
