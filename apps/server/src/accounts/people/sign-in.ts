import { writeAudit } from '#kernel/auth';
import { lengthOf } from './check-password.ts';
import { tokenHash } from './cookie.ts';
import { peopleLimits } from './limits.ts';
import { endOldestSignIns, endSignIn, findSignIn, type SignInRecord } from './queries/sign-ins.ts';
import { forgetTries, takeTryBack } from './queries/tries.ts';
import type { From, PeopleRoom } from './room.ts';
import { actorOf, readSignIn } from './signed-in.ts';
import { type Pair, pairOf, refused, takeTry, wrongPassword } from './tries.ts';

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
  const of = pairOf(from.address, email);
  const tryId = await takeTry(room, of, from);
  const fits =
    email.length <= peopleLimits.emailLengthMax && lengthOf(given.password) <= peopleLimits.passwordLengthMax;
  const browser = {
    address: from.address,
    userAgent: (from.userAgent ?? '').slice(0, peopleLimits.userAgentLengthMax),
  };
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

async function finish(
  room: PeopleRoom,
  token: string,
  of: Pair,
  { address, requestId }: From,
  cookie: string | undefined,
): Promise<SignedIn> {
  const { db, clock } = room;
  const before = await readSignIn(room, cookie);
  return db.transaction(async (tx) => {
    const at = new Date(clock.now());
    const found = await findSignIn(tx, tokenHash(token), at, new Date(0));
    // Removed in this very moment.
    if (!found) throw wrongPassword();
    if (before) await endSignIn(tx, before.personId, before.signInId);
    await endOldestSignIns(tx, found.personId, peopleLimits.signInsPerPersonMax);
    await forgetTries(tx, of);
    const who = actorOf(found);
    await writeAudit(tx, { who, address, requestId, action: 'person.signed_in', subject: found.signInId });
    return { token, found };
  });
}

/** Ends the sign-in of this browser; without one nothing happens. */
export async function signOut(
  room: PeopleRoom,
  cookie: string | undefined,
  { address, requestId }: From,
): Promise<void> {
  const found = await readSignIn(room, cookie);
  if (!found) return;
  await room.db.transaction(async (tx) => {
    await endSignIn(tx, found.personId, found.signInId);
    const who = actorOf(found);
    await writeAudit(tx, { who, address, requestId, action: 'person.signed_out', subject: found.signInId });
  });
}
