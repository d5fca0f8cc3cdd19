import type { Role } from '@muster/protocol';
import { type Principal, writeAudit } from '#kernel/auth';
import { exhausted, newId, notFound, randomToken } from '#kernel/base';
import type { Once } from '#kernel/http';
import { checkPassword } from './check-password.ts';
import { peopleLimits } from './limits.ts';
import { hashPassword } from './passwords.ts';
import {
  countOpenInvites,
  findOpenInvite,
  type InviteRow,
  insertInvite,
  type OpenInvite,
  revokeInvite,
  useInvite,
} from './queries/invites.ts';
import { insertPerson, putMembership, putPassword, readMember } from './queries/people.ts';
import type { SignInRecord } from './queries/sign-ins.ts';
import type { From, PeopleRoom } from './room.ts';
import { emailTaken, hashOfLink, linkGone, looksLikeLink } from './setup.ts';
import { actorOf, requireFresh } from './signed-in.ts';

export type Asker = { who: Principal; address: string; requestId: string };

/**
 * A link that makes whoever opens it first a member of the asker's project, for seven days. The secret is in this answer only. Errors:
 * `forbidden` `missing_scope`, `password_needed`; `exhausted` `invites_full`.
 */
export async function makeInvite(
  room: PeopleRoom,
  { who, address, requestId }: Asker,
  { role, note }: { role: Role; note: string },
  once: Once,
): Promise<InviteRow & { secret: string }> {
  room.auth.requireScope(who, 'accounts:admin');
  if (who.kind === 'person') requireFresh(room, who.confirmedAt);
  return room.db.transaction((tx) =>
    once(tx, async () => {
      const at = room.clock.now();
      if ((await countOpenInvites(tx, who.projectId, new Date(at))) >= peopleLimits.invitesOpenMax)
        throw exhausted('invites_full', `${peopleLimits.invitesOpenMax} invites of this project are open already.`);
      const secret = randomToken(32);
      const invite = {
        id: newId('invite'),
        projectId: who.projectId,
        role,
        note,
        createdBy: who.kind === 'person' ? who.personId : who.kind === 'key' ? who.keyId : who.kind,
        createdAt: new Date(at),
        expiresAt: new Date(at + peopleLimits.inviteTtlMs),
      };
      await insertInvite(tx, { ...invite, secretHash: hashOfLink(secret) });
      await writeAudit(tx, {
        who,
        address,
        requestId,
        action: 'invite.created',
        subject: invite.id,
        after: { role, note, expiresAt: invite.expiresAt.toISOString() },
      });
      return { ...invite, usedAt: null, usedBy: null, revokedAt: null, secret };
    }),
  );
}

/** Ends an invite nobody used yet; a used one stays as it is. `notFound` `no_such_invite`. */
export async function endInvite(room: PeopleRoom, { who, address, requestId }: Asker, id: string): Promise<InviteRow> {
  room.auth.requireScope(who, 'accounts:admin');
  return room.db.transaction(async (tx) => {
    const row = await revokeInvite(tx, who.projectId, id, new Date(room.clock.now()));
    if (!row) throw notFound('no_such_invite', 'There is no such invite.');
    await writeAudit(tx, { who, address, requestId, action: 'invite.revoked', subject: id });
    return row;
  });
}

/** What a link invites to, while it can be used. */
export async function readInvite({ db, clock }: PeopleRoom, token: string): Promise<OpenInvite | undefined> {
  return looksLikeLink(token) ? findOpenInvite(db, hashOfLink(token), new Date(clock.now())) : undefined;
}

/**
 * Makes a new person who is a member of the project. Once per link. Errors: `notFound` `link_gone` (410); `invalid` `email_taken`,
 * `password_…`.
 */
export async function joinAsNew(
  room: PeopleRoom,
  token: string,
  input: { name: string; email: string; password: string },
  { address, requestId }: From,
): Promise<string> {
  if (!(await readInvite(room, token))) throw linkGone();
  checkPassword(input.password, input.email);
  const password = await room.gate.through(() => hashPassword(input.password));
  return room.db.transaction(async (tx) => {
    const at = new Date(room.clock.now());
    const invite = await findOpenInvite(tx, hashOfLink(token), at);
    if (!invite) throw linkGone();
    const id = newId('person');
    const { name, email } = input;
    if (!(await insertPerson(tx, { id, email, name, installationAdmin: false, at }))) throw emailTaken();
    await putPassword(tx, id, newId('person'), password, at);
    if (!(await useInvite(tx, invite.id, id, at))) throw linkGone();
    await putMembership(tx, { projectId: invite.projectId, personId: id, role: invite.role, at });
    const who: Principal = { kind: 'anonymous', projectId: invite.projectId };
    const after = { name, email, role: invite.role, invite: invite.id };
    await writeAudit(tx, { who, address, requestId, action: 'person.joined', subject: id, after });
    return id;
  });
}

/** Somebody who is here already comes to one more project; what they are there is never lowered. `notFound` `link_gone` (410). */
export async function joinAsKnown(
  room: PeopleRoom,
  token: string,
  found: SignInRecord,
  { address, requestId }: From,
): Promise<void> {
  await room.db.transaction(async (tx) => {
    const at = new Date(room.clock.now());
    const invite = looksLikeLink(token) ? await findOpenInvite(tx, hashOfLink(token), at) : undefined;
    if (!invite || !(await useInvite(tx, invite.id, found.personId, at))) throw linkGone();
    const { projectId } = invite;
    const present = await readMember(tx, projectId, found.personId);
    const role = present && rank(present.role) > rank(invite.role) ? present.role : invite.role;
    await putMembership(tx, { projectId, personId: found.personId, role, at });
    room.auth.peopleChanged(tx, { person: found.personId });
    const who = { ...actorOf(found), projectId };
    const after = { role, invite: invite.id };
    await writeAudit(tx, { who, address, requestId, action: 'person.joined', subject: found.personId, after });
  });
}

const order: readonly Role[] = ['viewer', 'operator', 'admin'];
const rank = (role: Role): number => order.indexOf(role);
