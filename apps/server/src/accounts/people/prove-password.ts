import { isPassword } from './passwords.ts';
import { readPassword } from './queries/people.ts';
import { forgetTries, takeTryBack } from './queries/tries.ts';
import type { From, PeopleRoom } from './room.ts';
import { pairOf, refused, takeTry, wrongPassword } from './tries.ts';

/**
 * That somebody who is signed in also knows the password; counted like a try to sign in, so a borrowed browser cannot guess it.
 * Errors: `unauthenticated` `wrong_password`; `exhausted` `too_many_tries`, `sign_in_busy`.
 */
export async function provePassword(
  room: PeopleRoom,
  { personId, email }: { personId: string; email: string },
  password: string,
  from: From,
): Promise<void> {
  const of = pairOf(from.address, email);
  const tryId = await takeTry(room, of, from);
  let right: boolean;
  try {
    const stored = await readPassword(room.db, personId);
    right = await room.gate.through(() => isPassword(password, stored ?? ''));
  } catch (error) {
    await room.db.transaction((tx) => takeTryBack(tx, tryId));
    throw error;
  }
  if (!right) throw refused(room, from, wrongPassword());
  await room.db.transaction((tx) => forgetTries(tx, of));
}
