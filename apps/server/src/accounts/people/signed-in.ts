import { scopesOf } from '@muster/protocol';
import type { PersonPrincipal } from '#kernel/auth';
import { defaultProjectId } from '#kernel/auth';
import { asError, forbidden, type MusterError, notFound, unauthenticated } from '#kernel/base';
import { chosenProject, isForeign, isSafe, type RequestHead, requirePageType, requireSameOrigin } from '#kernel/http';
import { tokenHash } from './cookie.ts';
import { peopleLimits } from './limits.ts';
import { findSignIn, findSignInById, type Membership, type SignInRecord, touchSignIn } from './queries/sign-ins.ts';
import type { PeopleRoom } from './room.ts';

const { signInIdleMs, signInLifeMs, signInTouchMs } = peopleLimits;

/** Who sits before the browser that sent these headers. A cookie whose signature is not ours never reaches the database. */
export async function readSignIn(room: PeopleRoom, cookie: string | undefined): Promise<SignInRecord | undefined> {
  const now = room.clock.now();
  for (const token of room.cookie.tokensIn(cookie)) {
    const found = await findSignIn(room.db, tokenHash(token), new Date(now), new Date(now - signInLifeMs));
    if (!found) continue;
    if (found.updatedAt.getTime() < now - signInTouchMs) await moveOn(room, found.signInId, now);
    return found;
  }
  return undefined;
}

async function moveOn({ db, logger }: PeopleRoom, signInId: string, now: number): Promise<void> {
  const times = {
    at: new Date(now),
    seenBefore: new Date(now - signInTouchMs),
    idleMs: signInIdleMs,
    lifeMs: signInLifeMs,
  };
  try {
    await db.transaction((tx) => touchSignIn(tx, signInId, times));
  } catch (error) {
    // The call itself is right; the next one tries again.
    logger.warn({ error: asError(error) }, 'the end of a sign-in could not be moved on');
  }
}

/**
 * The principal of a call with a cookie: in the project it chose (`x-muster-project`, or `?project=`), else in the default one, else in the first
 * they came to. `undefined`: nobody is signed in. Errors: `notFound` `no_such_project` for a project of others; `forbidden`
 * `no_membership` for somebody who belongs to none.
 */
export async function personOf(room: PeopleRoom, head: RequestHead): Promise<PersonPrincipal | undefined> {
  const found = await readSignIn(room, head.headers.cookie);
  if (!found) return undefined;
  const named = chosenProject(head);
  const membership = membershipOf(found, named);
  if (membership) return principalOf(found, membership);
  if (named !== undefined) throw noSuchProject();
  throw forbidden('no_membership', 'You belong to no project. Somebody who administers one can invite you.');
}

/** Who somebody is now, by the rows, for what they have open. Errors: `unauthenticated` `sign_in_ended`; `notFound` `no_such_project`. */
export async function personAgain(
  room: PeopleRoom,
  { signInId, projectId }: PersonPrincipal,
): Promise<PersonPrincipal> {
  const now = room.clock.now();
  const found = await findSignInById(room.db, signInId, new Date(now), new Date(now - signInLifeMs));
  if (!found) throw unauthenticated('sign_in_ended', 'This sign-in has ended. Sign in again.');
  const membership = membershipOf(found, projectId);
  if (!membership) throw noSuchProject();
  return principalOf(found, membership);
}

export const noSuchProject = (): MusterError => notFound('no_such_project', 'There is no such project.');

export function membershipOf({ memberships }: SignInRecord, named: string | undefined): Membership | undefined {
  if (named !== undefined) return memberships.find(({ projectId }) => projectId === named);
  return memberships.find(({ projectId }) => projectId === defaultProjectId) ?? memberships[0];
}

export function principalOf(found: SignInRecord, { projectId, role, archived }: Membership): PersonPrincipal {
  const { personId, name, email, installationAdmin, signInId, confirmedAt } = found;
  return {
    kind: 'person',
    personId,
    name,
    email,
    projectId,
    role,
    // What is archived can be looked at only.
    scopes: scopesOf(archived ? 'viewer' : role),
    installationAdmin,
    signInId,
    confirmedAt: confirmedAt.getTime(),
  };
}

/** As a principal for the audit, where there may be no project to speak of. */
export const actorOf = (found: SignInRecord): PersonPrincipal =>
  principalOf(
    found,
    membershipOf(found, undefined) ?? { projectId: defaultProjectId, projectName: '', role: 'viewer', archived: true },
  );

/** For calls about the person themselves, whatever they are in which project: the sign-in, from a page of ours when something changes. */
export async function requireSignIn(room: PeopleRoom, head: RequestHead): Promise<SignInRecord> {
  const asNobody = head.headers.authorization !== undefined || (isSafe(head) && isForeign(head, room.publicOrigin));
  const found = asNobody ? undefined : await readSignIn(room, head.headers.cookie);
  if (!found) throw unauthenticated('no_credential', 'This call is for people who signed in: it takes their cookie.');
  if (!isSafe(head)) {
    requireSameOrigin(head, room.publicOrigin);
    requirePageType(head);
  }
  return found;
}

/** As `requireSignIn`, for what concerns all projects. `forbidden` `not_installation_admin`. */
export async function requireInstallationAdmin(room: PeopleRoom, head: RequestHead): Promise<PersonPrincipal> {
  const found = await requireSignIn(room, head);
  if (found.installationAdmin) return actorOf(found);
  throw notInstallationAdmin();
}

export const notInstallationAdmin = (): MusterError =>
  forbidden('not_installation_admin', 'Only somebody who administers the installation may do that, signed in.');

/** `forbidden` `password_needed` unless the password was given in the last ten minutes. */
export function requireFresh({ clock }: Pick<PeopleRoom, 'clock'>, confirmedAt: number): void {
  if (clock.now() - confirmedAt <= peopleLimits.freshMs) return;
  throw forbidden('password_needed', 'Give your password again first: POST /v1/sign-ins/confirm.', {
    extra: { confirm: '/v1/sign-ins/confirm' },
  });
}
