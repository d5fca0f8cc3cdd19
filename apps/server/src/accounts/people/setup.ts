import { createHash, randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { scopes } from '@muster/protocol';
import { type Auth, defaultProjectId, type Principal, systemPrincipal, writeAudit } from '#kernel/auth';
import { invalid, type MusterError, newId, notFound, randomToken } from '#kernel/base';
import type { Tx } from '#kernel/db';
import { checkPassword } from './check-password.ts';
import { emailShape } from './forms.ts';
import { peopleLimits } from './limits.ts';
import { hashPassword } from './passwords.ts';
import { hasInstallationAdmin, insertPerson, lockAdmins, putMembership, putPassword } from './queries/people.ts';
import { hasSetupToken, putSetupToken, removeSetupTokens } from './queries/setup.ts';
import type { From, PeopleRoom } from './room.ts';

const tokenShape = /^[\w-]{43}$/;
export const hashOfLink = (token: string): Buffer => createHash('sha256').update(token).digest();
export const looksLikeLink = (token: string): boolean => tokenShape.test(token);
const fileOf = (dataDir: string): string => join(dataDir, 'setup-url');

/**
 * At each start, once the address is known: while nobody administers the installation a new link for that, in `<data>/setup-url`
 * for the owner of the folder alone. Resolves with the link; `undefined`: there is an administrator, and no file any more.
 */
export async function offerSetup(room: PeopleRoom, base: string): Promise<{ link: string; file: string } | undefined> {
  const { db, clock, dataDir, nodeId } = room;
  const file = fileOf(dataDir);
  const token = randomToken(32);
  const link = `${base}/setup?token=${token}`;
  const offered = await db.transaction(async (tx) => {
    await lockAdmins(tx);
    if (await hasInstallationAdmin(tx)) return false;
    const at = clock.now();
    await putSetupToken(tx, {
      node: nodeId,
      secretHash: hashOfLink(token),
      at: new Date(at),
      expiresAt: new Date(at + peopleLimits.setupTtlMs),
    });
    // Before the row is committed: a crash between the two leaves a link that opens nothing, never one nobody saw.
    await leave(file, link);
    return true;
  });
  if (offered) return { link, file };
  await rm(file, { force: true });
  return undefined;
}

async function leave(path: string, link: string): Promise<void> {
  const staged = `${path}.${randomUUID()}`;
  try {
    const file = await open(staged, 'wx', 0o600);
    try {
      await file.writeFile(`${link}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(staged, path);
  } finally {
    await rm(staged, { force: true });
  }
}

/** Whether this link still opens the setup. What has not the form of one never reaches the database. */
export async function isSetupOpen({ db, clock }: PeopleRoom, token: string): Promise<boolean> {
  return (
    looksLikeLink(token) &&
    (await hasSetupToken(db, hashOfLink(token), new Date(clock.now()))) &&
    !(await hasInstallationAdmin(db))
  );
}

export const linkGone = (): MusterError =>
  notFound('link_gone', 'This link was used already, or its time is over. Ask for a new one.', { status: 410 });

export type FirstPerson = { name: string; email: string; password: string; withKey: boolean };

/**
 * Makes the first person: administrator of the installation and of the project `default`; `withKey`: and a key with every scope,
 * whose secret is in the result only. Once. Errors: `notFound` `link_gone` (410); `invalid` `email_taken`, `password_…`.
 */
export async function completeSetup(
  room: PeopleRoom,
  token: string,
  input: FirstPerson,
  from: From,
): Promise<{ personId: string; key?: string }> {
  if (!(await isSetupOpen(room, token))) throw linkGone();
  checkPassword(input.password, input.email);
  const password = await room.gate.through(() => hashPassword(input.password));
  const made = await room.db.transaction(async (tx) => {
    await lockAdmins(tx);
    const open = await hasSetupToken(tx, hashOfLink(token), new Date(room.clock.now()));
    if (!open || (await hasInstallationAdmin(tx))) throw linkGone();
    const who = systemPrincipal();
    const personId = await addFirst(tx, room, { ...input, password }, who, from);
    const key = input.withKey ? await firstKey(tx, room.auth, personId, who, from) : undefined;
    return { personId, ...(key === undefined ? {} : { key }) };
  });
  await rm(fileOf(room.dataDir), { force: true });
  return made;
}

/** For installations nobody watches: the same from the settings, at a start that finds no administrator. */
export async function setUpHeadless(room: PeopleRoom): Promise<void> {
  const { headless, db } = room;
  if (!headless || (await hasInstallationAdmin(db))) return;
  const shaped = emailShape.safeParse(headless.email);
  if (!shaped.success) throw invalid('invalid_person', 'MUSTER_SETUP_EMAIL is not an email address.');
  const email = shaped.data;
  checkPassword(headless.password, email, 'MUSTER_SETUP_PASSWORD');
  const password = await hashPassword(headless.password);
  await db.transaction(async (tx) => {
    await lockAdmins(tx);
    if (await hasInstallationAdmin(tx)) return;
    const name = email.split('@', 1)[0] || 'Administrator';
    await addFirst(
      tx,
      room,
      { name: name.slice(0, peopleLimits.nameLengthMax), email, password },
      systemPrincipal(),
      undefined,
    );
  });
}

/** `password` is hashed already. */
async function addFirst(
  tx: Tx,
  { clock }: PeopleRoom,
  { name, email, password }: { name: string; email: string; password: string },
  who: Principal,
  from: From | undefined,
): Promise<string> {
  const at = new Date(clock.now());
  const id = newId('person');
  if (!(await insertPerson(tx, { id, email, name, installationAdmin: true, at }))) throw emailTaken();
  await putPassword(tx, id, newId('person'), password, at);
  await putMembership(tx, { projectId: defaultProjectId, personId: id, role: 'admin', at });
  await removeSetupTokens(tx);
  await writeAudit(tx, {
    who,
    ...(from ? { address: from.address, requestId: from.requestId } : {}),
    action: 'installation.set_up',
    subject: id,
    after: { name, email, installationAdmin: true, role: 'admin' },
  });
  return id;
}

async function firstKey(tx: Tx, auth: Auth, personId: string, who: Principal, from: From): Promise<string> {
  const { row, secret } = await auth.createKey(tx, { projectId: defaultProjectId, name: 'first key', scopes }, who);
  const { address, requestId } = from;
  await writeAudit(tx, {
    who,
    address,
    requestId,
    action: 'key.created',
    subject: row.id,
    after: { name: row.name, scopes: row.scopes, madeFor: personId },
  });
  return secret;
}

export const emailTaken = (): MusterError =>
  invalid('email_taken', 'Somebody with this email is here already. Sign in instead.', {
    errors: [{ pointer: '/email', detail: 'taken' }],
  });
