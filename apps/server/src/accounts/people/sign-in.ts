import { writeAudit } from '#kernel/auth';
import type { Tx } from '#kernel/db';
import { lengthOf } from './check-password.ts';
import { tokenHash } from './cookie.ts';
import { peopleLimits } from './limits.ts';
import { readSecondFactor } from './queries/second-factors.ts';
import { endOldestSignIns, endSignIn, findSignIn, type SignInRecord } from './queries/sign-ins.ts';
import { forgetTries, takeTryBack } from './queries/tries.ts';
import type { From, PeopleRoom } from './room.ts';
import { askForCode } from './second-challenge.ts';
import { actorOf, readSignIn } from './signed-in.ts';
import { type Pair, pairOf, refused, takeTry, wrongPassword } from './tries.ts';

export type SignedIn = { token: string; found: SignInRecord };
/** The password is right; a code is still asked for. */
export type HalfIn = { challenge: string; expiresAt: Date };

/**
 * A new sign-in, always with a token of its own; the one this browser had ends. People there are not, and wrong passwords, hear
 * the same after the same time. Whoever has a second factor is let in by `passSecond` alone. Errors: `unauthenticated` `wrong_password`; `exhausted` `too_many_tries`, `sign_in_busy`;
 * `unavailable` `sign_in_unavailable`.
 */
export async function signIn(
  room: PeopleRoom,
  given: { email: string; password: string },
  from: From,
  cookie?: string,
): Promise<SignedIn | HalfIn> {
  const email = given.email.trim().toLowerCase();
  const of = pairOf(from.address, email);
  const tryId = await takeTry(room, of, from);
  const fits =
    email.length <= peopleLimits.emailLengthMax && lengthOf(given.password) <= peopleLimits.passwordLengthMax;
  const browser = browserOf(from);
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
  from: From,
  cookie: string | undefined,
): Promise<SignedIn | HalfIn> {
  const { db, clock } = room;
  const before = await readSignIn(room, cookie);
  return db.transaction(async (tx) => {
    const at = new Date(clock.now());
    const found = await findSignIn(tx, tokenHash(token), at, new Date(0));
    // Removed in this very moment.
    if (!found) throw wrongPassword();
    await forgetTries(tx, of);
    if ((await readSecondFactor(tx, found.personId)).on) {
      // Nobody was told its token.
      await endSignIn(tx, found.personId, found.signInId);
      return askForCode(tx, found.personId, at);
    }
    await letIn(room, tx, { found, before }, from);
    return { token, found };
  });
}

/** What goes with every new sign-in: the one this browser had ends, and the oldest of too many. */
export async function letIn(
  { auth }: PeopleRoom,
  tx: Tx,
  { found, before, by }: { found: SignInRecord; before: SignInRecord | undefined; by?: 'code' | 'recovery code' },
  { address, requestId }: From,
): Promise<void> {
  if (before) {
    await endSignIn(tx, before.personId, before.signInId);
    auth.peopleChanged(tx, { person: before.personId });
  }
  if (await endOldestSignIns(tx, found.personId, peopleLimits.signInsPerPersonMax))
    auth.peopleChanged(tx, { person: found.personId });
  const after = by === undefined ? {} : { after: { secondFactor: by } };
  const who = actorOf(found);
  await writeAudit(tx, { who, address, requestId, action: 'person.signed_in', subject: found.signInId, ...after });
}

export const browserOf = ({ address, userAgent }: From): { address: string; userAgent: string } => ({
  address,
  userAgent: (userAgent ?? '').slice(0, peopleLimits.userAgentLengthMax),
});

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
    room.auth.peopleChanged(tx, { person: found.personId });
    const who = actorOf(found);
    await writeAudit(tx, { who, address, requestId, action: 'person.signed_out', subject: found.signInId });
  });
}
