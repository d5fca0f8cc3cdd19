import type { Role } from '@muster/protocol';
import { writeAudit } from '#kernel/auth';
import { conflict, type MusterError, notFound } from '#kernel/base';
import type { Tx } from '#kernel/db';
import type { Asker } from './invites.ts';
import {
  lockAdmins,
  otherAdmins,
  otherInstallationAdmins,
  type PersonRow,
  putMembership,
  readMember,
  removeMembership,
  setInstallationAdmin,
} from './queries/people.ts';
import { endSignIn, endSignInsOf } from './queries/sign-ins.ts';
import type { PeopleRoom } from './room.ts';
import { notInstallationAdmin, requireFresh } from './signed-in.ts';

export const noSuchPerson = (): MusterError => notFound('no_such_person', 'There is no such person in this project.');
const lastAdmin = (of: string): MusterError =>
  conflict('last_admin', `This is the last administrator of the ${of}. Make another one first.`);

function mayChange(room: PeopleRoom, { who }: Asker): void {
  room.auth.requireScope(who, 'accounts:admin');
  if (who.kind === 'person') requireFresh(room, who.confirmedAt);
}

/** Errors: `forbidden` `missing_scope`, `password_needed`; `notFound` `no_such_person`; `conflict` `last_admin`. */
export async function changeRole(room: PeopleRoom, asker: Asker, personId: string, role: Role): Promise<PersonRow> {
  mayChange(room, asker);
  const { who, address, requestId } = asker;
  return room.db.transaction(async (tx) => {
    const before = await member(tx, who.projectId, personId);
    if (before.role === 'admin' && role !== 'admin') await requireOther(tx, who.projectId, personId);
    await putMembership(tx, { projectId: who.projectId, personId, role, at: new Date(room.clock.now()) });
    room.auth.peopleChanged(tx, { person: personId });
    await writeAudit(tx, {
      who,
      address,
      requestId,
      action: 'person.role_changed',
      subject: personId,
      before: { role: before.role },
      after: { role },
    });
    return { ...before, role };
  });
}

/** Out of the project; what they did stays. The same errors. */
export async function removeMember(room: PeopleRoom, asker: Asker, personId: string): Promise<void> {
  mayChange(room, asker);
  const { who, address, requestId } = asker;
  await room.db.transaction(async (tx) => {
    const before = await member(tx, who.projectId, personId);
    if (before.role === 'admin') await requireOther(tx, who.projectId, personId);
    await removeMembership(tx, who.projectId, personId);
    room.auth.peopleChanged(tx, { person: personId });
    await writeAudit(tx, {
      who,
      address,
      requestId,
      action: 'person.removed',
      subject: personId,
      before: { role: before.role },
    });
  });
}

/** Ends every browser of a member, such as one whose laptop is gone. */
export async function endSignInsOfMember(room: PeopleRoom, asker: Asker, personId: string): Promise<void> {
  mayChange(room, asker);
  const { who, address, requestId } = asker;
  await room.db.transaction(async (tx) => {
    await member(tx, who.projectId, personId);
    const ended = await endSignInsOf(tx, personId, null);
    room.auth.peopleChanged(tx, { person: personId });
    const after = { ended };
    await writeAudit(tx, { who, address, requestId, action: 'person.sign_ins_ended', subject: personId, after });
  });
}

/** One of them. Errors: as above; `notFound` `no_such_sign_in`. */
export async function endSignInOfMember(
  room: PeopleRoom,
  asker: Asker,
  { personId, signInId }: { personId: string; signInId: string },
): Promise<void> {
  mayChange(room, asker);
  const { who, address, requestId } = asker;
  await room.db.transaction(async (tx) => {
    await member(tx, who.projectId, personId);
    if (!(await endSignIn(tx, personId, signInId))) throw notFound('no_such_sign_in', 'There is no such sign-in.');
    room.auth.peopleChanged(tx, { person: personId });
    await writeAudit(tx, { who, address, requestId, action: 'person.signed_out', subject: signInId });
  });
}

/** By an administrator of the installation. Errors: as above, and `forbidden` `not_installation_admin`. */
export async function changeInstallationAdmin(
  room: PeopleRoom,
  asker: Asker,
  personId: string,
  installationAdmin: boolean,
): Promise<PersonRow> {
  const { who, address, requestId } = asker;
  if (who.kind !== 'person' || !who.installationAdmin) throw notInstallationAdmin();
  requireFresh(room, who.confirmedAt);
  return room.db.transaction(async (tx) => {
    const before = await member(tx, who.projectId, personId);
    if (before.installationAdmin && !installationAdmin && !(await otherInstallationAdmins(tx, personId)))
      throw lastAdmin('installation');
    await setInstallationAdmin(tx, personId, installationAdmin, new Date(room.clock.now()));
    room.auth.peopleChanged(tx, { person: personId });
    await writeAudit(tx, {
      who,
      address,
      requestId,
      action: 'person.installation_admin_changed',
      subject: personId,
      before: { installationAdmin: before.installationAdmin },
      after: { installationAdmin },
    });
    return { ...before, installationAdmin };
  });
}

/** Under the lock, so that two who lower each other at the same moment cannot both succeed. */
async function member(tx: Tx, projectId: string, personId: string): Promise<PersonRow> {
  await lockAdmins(tx);
  const row = await readMember(tx, projectId, personId);
  if (!row) throw noSuchPerson();
  return row;
}

async function requireOther(tx: Tx, projectId: string, personId: string): Promise<void> {
  if (!(await otherAdmins(tx, projectId, personId))) throw lastAdmin('project');
}
