/*
 * What somebody does about people on the machine itself, with the rights of the data folder: also when nobody can sign in, or the
 * server is down. Each act is in the audit, by `cli`.
 */
import { defaultProjectId, systemPrincipal, writeAudit } from '#kernel/auth';
import { type Clock, conflict, invalid, type MusterError, newId, notFound } from '#kernel/base';
import type { Db, Tx } from '#kernel/db';
import { emailShape, nameShape } from './forms.ts';
import { findByEmail, listEveryone, type PersonByHand } from './queries/by-hand.ts';
import { insertPerson, lockAdmins, putMembership, setInstallationAdmin } from './queries/people.ts';
import { removeSecondFactor } from './queries/second-factors.ts';
import { removeSetupTokens } from './queries/setup.ts';
import { endSignInsOf } from './queries/sign-ins.ts';
import { forgetEveryTry } from './queries/tries.ts';
import { putLink } from './reset-password.ts';

export type HandDeps = { db: Db; clock: Clock };
/** The way in for somebody: a link by which they choose a password, once, for a day. */
export type MadeLink = { id: string; email: string; token: string; expiresAt: Date };

const audit = (tx: Tx, action: string, subject: string, after?: unknown): Promise<void> =>
  writeAudit(tx, { who: systemPrincipal(), by: 'cli', action, subject, ...(after === undefined ? {} : { after }) });

/** Another administrator of the installation and of the project `default`. Errors: `invalid` `invalid_person`; `conflict` `email_taken`. */
export async function createByHand(
  { db, clock }: HandDeps,
  given: { email: string; name: string | undefined },
): Promise<MadeLink> {
  const email = emailOf(given.email);
  const name = nameOf(given.name ?? (email.split('@', 1)[0] || 'Administrator'));
  return db.transaction(async (tx) => {
    await lockAdmins(tx);
    const now = clock.now();
    const at = new Date(now);
    const id = newId('person');
    if (!(await insertPerson(tx, { id, email, name, installationAdmin: true, at })))
      throw conflict('email_taken', `${email} is here already: use reset-password, or promote.`);
    await putMembership(tx, { projectId: defaultProjectId, personId: id, role: 'admin', at });
    await removeSetupTokens(tx);
    await audit(tx, 'person.created', id, { name, email, installationAdmin: true, role: 'admin' });
    return { id, email, ...(await putLink(tx, id, now)) };
  });
}

/** Errors: `notFound` `no_such_person`. */
export async function resetByHand(
  { db, clock }: HandDeps,
  given: { email: string; removeSecondFactor: boolean },
): Promise<MadeLink & { secondFactorRemoved: boolean }> {
  return db.transaction(async (tx) => {
    const { id, email } = await required(tx, given.email);
    const secondFactorRemoved = given.removeSecondFactor && (await removeSecondFactor(tx, id));
    await audit(tx, 'person.reset_link_made', id, { secondFactorRemoved });
    return { id, email, secondFactorRemoved, ...(await putLink(tx, id, clock.now())) };
  });
}

/** Everybody there is, by email. */
export const listByHand = ({ db }: HandDeps): Promise<PersonByHand[]> => listEveryone(db);

/** Every browser of this person. Errors: `notFound` `no_such_person`. */
export async function endSignInsByHand({ db }: HandDeps, email: string): Promise<{ id: string; ended: number }> {
  return db.transaction(async (tx) => {
    const { id } = await required(tx, email);
    const ended = await endSignInsOf(tx, id, null);
    await audit(tx, 'person.sign_ins_ended', id, { ended });
    return { id, ended };
  });
}

/** Makes somebody an administrator of the installation and of the project `default`. Errors: `notFound` `no_such_person`. */
export async function promoteByHand({ db, clock }: HandDeps, email: string): Promise<{ id: string }> {
  return db.transaction(async (tx) => {
    await lockAdmins(tx);
    const { id } = await required(tx, email);
    const at = new Date(clock.now());
    await setInstallationAdmin(tx, id, true, at);
    await putMembership(tx, { projectId: defaultProjectId, personId: id, role: 'admin', at });
    await removeSetupTokens(tx);
    await audit(tx, 'person.installation_admin_changed', id, { installationAdmin: true, role: 'admin' });
    return { id };
  });
}

/** Wrong passwords and codes count no more, whoever gave them; resolves with how many did. */
export async function unlockByHand({ db }: HandDeps): Promise<{ forgotten: number }> {
  return db.transaction(async (tx) => {
    const forgotten = await forgetEveryTry(tx);
    await audit(tx, 'person.tries_forgotten', 'installation', { forgotten });
    return { forgotten };
  });
}

async function required(tx: Tx, given: string): Promise<{ id: string; email: string }> {
  const email = emailOf(given);
  const found = await findByEmail(tx, email);
  if (!found) throw notFound('no_such_person', `There is nobody with the email ${email}. See: muster admin list`);
  return { id: found.id, email };
}

function emailOf(given: string): string {
  const { data, success } = emailShape.safeParse(given);
  if (!success) throw invalidPerson(`${JSON.stringify(given.slice(0, 100))} is not an email address.`);
  return data;
}

function nameOf(given: string): string {
  const { data, success } = nameShape.safeParse(given);
  if (!success) throw invalidPerson('A name is one line of text, at most 100 characters.');
  return data;
}

const invalidPerson = (detail: string): MusterError => invalid('invalid_person', detail);
