import { writeAudit } from '#kernel/auth';
import { newId } from '#kernel/base';
import { checkPassword } from './check-password.ts';
import { newToken, tokenHash } from './cookie.ts';
import { hashPassword } from './passwords.ts';
import { provePassword } from './prove-password.ts';
import { endChallengesOf } from './queries/challenges.ts';
import { putPassword } from './queries/people.ts';
import { confirmSignIn, endSignInsOf, replaceToken, type SignInRecord } from './queries/sign-ins.ts';
import type { From, PeopleRoom } from './room.ts';
import { actorOf } from './signed-in.ts';

/**
 * A new password ends every other browser of this person; this one goes on with a new token, which is the result. Errors:
 * `unauthenticated` `wrong_password`; `exhausted` `too_many_tries`, `sign_in_busy`; `invalid` `password_…`.
 */
export async function changePassword(
  room: PeopleRoom,
  found: SignInRecord,
  { currentPassword, newPassword }: { currentPassword: string; newPassword: string },
  from: From,
): Promise<string> {
  await provePassword(room, found, currentPassword, from);
  checkPassword(newPassword, found.email, '/newPassword');
  const password = await room.gate.through(() => hashPassword(newPassword));
  const token = newToken();
  await room.db.transaction(async (tx) => {
    const at = new Date(room.clock.now());
    await putPassword(tx, found.personId, newId('person'), password, at);
    await endSignInsOf(tx, found.personId, found.signInId);
    await endChallengesOf(tx, found.personId);
    room.auth.peopleChanged(tx, { person: found.personId });
    await replaceToken(tx, found.signInId, tokenHash(token), at);
    const { address, requestId } = from;
    const who = actorOf(found);
    await writeAudit(tx, { who, address, requestId, action: 'person.password_changed', subject: found.personId });
  });
  return token;
}

/** The password once more, for what wants a fresh one. The same errors. */
export async function confirmPassword(
  room: PeopleRoom,
  found: SignInRecord,
  password: string,
  from: From,
): Promise<void> {
  await provePassword(room, found, password, from);
  await room.db.transaction(async (tx) => {
    await confirmSignIn(tx, found.signInId, new Date(room.clock.now()));
    const { address, requestId } = from;
    const who = actorOf(found);
    await writeAudit(tx, { who, address, requestId, action: 'person.confirmed', subject: found.signInId });
  });
}
