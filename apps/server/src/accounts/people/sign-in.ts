import { createHash } from 'node:crypto';
import { networkOf, writeAudit } from '#kernel/auth';
import { asError, exhausted, type MusterError, unauthenticated } from '#kernel/base';
import { tokenHash } from './cookie.ts';
import { peopleLimits } from './limits.ts';
import { endOldestSignIns, endSignIn, findSignIn, type SignInRecord } from './queries/sign-ins.ts';
import { addTry, forgetTries, fullSince, lockAddress, takeTryBack } from './queries/tries.ts';
import type { From, PeopleRoom } from './room.ts';
import { actorOf, readSignIn } from './signed-in.ts';

const { triesPerPairMax, triesPairMs, triesPerAddressMax, triesAddressMs } = peopleLimits;

export type SignedIn = { token: string; found: SignInRecord };

/**
 * A new sign-in, always with a token of its own; the one this browser had ends. People there are not, and wrong passwords, hear
 * the same after the same time. Errors: `unauthenticated` `wrong_password`; `exhausted` `too_many_tries`, `sign_in_busy`;
 * `unavailable` `sign_in_unavailable`.
 */
export async function signIn(
  room: PeopleRoom,
  given: { email: string; password: string },
  from: From,
  cookie?: string,
): Promise<SignedIn> {
  const email = given.email.trim().toLowerCase();
  const of = { address: networkOf(from.address), emailHash: createHash('sha256').update(email).digest() };
  const tryId = await takeTry(room, of, from);
  const fits = email.length <= peopleLimits.emailLengthMax && given.password.length <= peopleLimits.passwordLengthMax;
  const browser = { address: from.address, userAgent: (from.userAgent ?? '').slice(0, peopleLimits.userAgentLengthMax) };
  let token: string | undefined;
  try {
    token = fits
      ? await room.gate.through(() => room.engine.signIn({ email, password: given.password }, browser))
      : undefined;
  } catch (error) {
    // Nobody was told whether it was right, so it was no try.
    await room.db.transaction((tx) => takeTryBack(tx, tryId));
    throw error;
  }
  if (token === undefined) throw refused(room, from, wrongPassword());
  return finish(room, token, of, from, cookie);
}

const wrongPassword = (): MusterError =>
  unauthenticated('wrong_password', 'The email or the password is not right.');

async function finish(
  room: PeopleRoom,
  token: string,
  of: { address: string; emailHash: Uint8Array },
  { address, requestId }: From,
  cookie: string | undefined,
): Promise<SignedIn> {
  const { db, clock } = room;
  const before = await readSignIn(room, cookie);
  return db.transaction(async (tx) => {
    const at = new Date(clock.now());
    const found = await findSignIn(tx, tokenHash(token), at, new Date(0));
    if (!found) throw unauthenticated('wrong_password', 'The email or the password is not right.');
    if (before) await endSignIn(tx, before.personId, before.signInId);
    await endOldestSignIns(tx, found.personId, peopleLimits.signInsPerPersonMax);
    await forgetTries(tx, of);
    const who = actorOf(found);
    await writeAudit(tx, { who, address, requestId, action: 'person.signed_in', subject: found.signInId });
    return { token, found };
  });
}

/** A try is counted before it is looked at, so that many at the same moment cannot all be the tenth. */
async function takeTry(
  room: PeopleRoom,
  of: { address: string; emailHash: Uint8Array },
  from: From,
): Promise<number> {
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
  if ('id' in result && result.id !== undefined) return result.id;
  throw refused(
    room,
    from,
    exhausted('too_many_tries', 'Too many wrong passwords came from this address. Try again later.', {
      retryAfterMs: result.retryAfterMs ?? 1000,
    }),
  );
}

/** Refused tries are in the audit, one per second and cause at most; the answer does not wait for it. */
function refused({ db, logger, refusals }: PeopleRoom, { address, requestId }: From, error: MusterError): MusterError {
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

/** Ends the sign-in of this browser; without one nothing happens. */
export async function signOut(room: PeopleRoom, cookie: string | undefined, { address, requestId }: From): Promise<void> {
  const found = await readSignIn(room, cookie);
  if (!found) return;
  await room.db.transaction(async (tx) => {
    await endSignIn(tx, found.personId, found.signInId);
    const who = actorOf(found);
    await writeAudit(tx, { who, address, requestId, action: 'person.signed_out', subject: found.signInId });
  });
}
