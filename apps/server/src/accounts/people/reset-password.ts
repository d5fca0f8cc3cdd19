import { type PersonPrincipal, systemPrincipal, writeAudit } from '#kernel/auth';
import { newId, randomToken } from '#kernel/base';
import type { Tx } from '#kernel/db';
import { noSuchPerson } from './change-member.ts';
import { checkPassword } from './check-password.ts';
import { peopleLimits } from './limits.ts';
import { hashPassword } from './passwords.ts';
import { endChallengesOf } from './queries/challenges.ts';
import { isPerson, putPassword } from './queries/people.ts';
import { findReset, type OpenReset, putReset, useReset } from './queries/resets.ts';
import { removeSecondFactor as takeSecondFactor } from './queries/second-factors.ts';
import { endSignInsOf } from './queries/sign-ins.ts';
import type { From, PeopleRoom } from './room.ts';
import { hashOfLink, linkGone, looksLikeLink } from './setup.ts';
import { requireFresh } from './signed-in.ts';

const identifierOf = (token: string): string => `reset:${hashOfLink(token).toString('hex')}`;

/**
 * A link by which somebody chooses a new password, good for a day and once. Whoever holds it can become them, so only
 * administrators of the installation make one. Who lost the authenticator and every recovery code is let in without. Errors: `forbidden` `password_needed`; `notFound` `no_such_person`.
 */
export async function makeResetLink(
  room: PeopleRoom,
  { who, address, requestId }: { who: PersonPrincipal; address: string; requestId: string },
  { personId, removeSecondFactor }: { personId: string; removeSecondFactor: boolean },
): Promise<{ token: string; expiresAt: Date }> {
  requireFresh(room, who.confirmedAt);
  return room.db.transaction(async (tx) => {
    if (!(await isPerson(tx, personId))) throw noSuchPerson();
    const link = await putLink(tx, personId, room.clock.now());
    const removed = removeSecondFactor && (await takeSecondFactor(tx, personId));
    const after = { secondFactorRemoved: removed };
    await writeAudit(tx, { who, address, requestId, action: 'person.reset_link_made', subject: personId, after });
    return link;
  });
}

/** The links before it end. */
export async function putLink(tx: Tx, personId: string, at: number): Promise<{ token: string; expiresAt: Date }> {
  const token = randomToken(32);
  const expiresAt = new Date(at + peopleLimits.resetTtlMs);
  await putReset(tx, { id: newId('person'), identifier: identifierOf(token), personId, at: new Date(at), expiresAt });
  return { token, expiresAt };
}

/** Whose password a link resets, while it can be used. */
export async function readReset({ db, clock }: PeopleRoom, token: string): Promise<OpenReset | undefined> {
  return looksLikeLink(token) ? findReset(db, identifierOf(token), new Date(clock.now())) : undefined;
}

/** Ends every sign-in of the person. Once per link. Errors: `notFound` `link_gone` (410); `invalid` `password_…`. */
export async function resetPassword(
  room: PeopleRoom,
  token: string,
  newPassword: string,
  { address, requestId }: From,
): Promise<OpenReset> {
  const person = await readReset(room, token);
  if (!person) throw linkGone();
  checkPassword(newPassword, person.email);
  const password = await room.gate.through(() => hashPassword(newPassword));
  await room.db.transaction(async (tx) => {
    const at = new Date(room.clock.now());
    if (!(await useReset(tx, identifierOf(token), at))) throw linkGone();
    await putPassword(tx, person.personId, newId('person'), password, at);
    await endSignInsOf(tx, person.personId, null);
    await endChallengesOf(tx, person.personId);
    room.auth.peopleChanged(tx, { person: person.personId });
    const who = systemPrincipal();
    await writeAudit(tx, { who, address, requestId, action: 'person.password_reset', subject: person.personId });
  });
  return person;
}
