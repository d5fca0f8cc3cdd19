import { writeAudit } from '#kernel/auth';
import { notFound } from '#kernel/base';
import { endSignIn, endSignInsOf, type SignInRecord } from './queries/sign-ins.ts';
import type { From, PeopleRoom } from './room.ts';
import { actorOf } from './signed-in.ts';

/** Also the one that asks. `notFound` `no_such_sign_in`. */
export async function endOwnSignIn(
  { db, auth }: PeopleRoom,
  found: SignInRecord,
  id: string,
  { address, requestId }: From,
): Promise<void> {
  await db.transaction(async (tx) => {
    if (!(await endSignIn(tx, found.personId, id))) throw notFound('no_such_sign_in', 'There is no such sign-in.');
    auth.peopleChanged(tx, { person: found.personId });
    await writeAudit(tx, { who: actorOf(found), address, requestId, action: 'person.signed_out', subject: id });
  });
}

/** All but the one that asks; resolves with how many. */
export async function endOwnSignIns(
  { db, auth }: PeopleRoom,
  found: SignInRecord,
  { address, requestId }: From,
): Promise<number> {
  return db.transaction(async (tx) => {
    const ended = await endSignInsOf(tx, found.personId, found.signInId);
    auth.peopleChanged(tx, { person: found.personId });
    const who = actorOf(found);
    const after = { ended };
    await writeAudit(tx, { who, address, requestId, action: 'person.sign_ins_ended', subject: found.personId, after });
    return ended;
  });
}
