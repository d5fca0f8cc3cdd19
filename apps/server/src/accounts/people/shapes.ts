import { type Invite, type Person, type PersonMe, type Project, roles, type SignIn } from '@muster/protocol';
import { z } from 'zod';
import { nearest } from '#kernel/base';
import { peopleLimits } from './limits.ts';
import type { InviteRow } from './queries/invites.ts';
import type { PersonRow } from './queries/people.ts';
import type { ProjectRow } from './queries/projects.ts';
import type { SignInRecord, SignInRow } from './queries/sign-ins.ts';
import { membershipOf, principalOf } from './signed-in.ts';

/** Unknown roles are refused with the nearest known one. */
export const role = z.string().transform((given, ctx) => {
  const known = roles.find((candidate) => candidate === given);
  if (known) return known;
  const near = nearest(given, roles);
  ctx.addIssue({
    code: 'custom',
    message: `unknown role ${JSON.stringify(given.slice(0, 64))}; ${near ? `did you mean ${near}?` : `known: ${roles.join(', ')}`}`,
  });
  return z.NEVER;
});
/** Who signed in, in the project the call named. */
export function meOf(found: SignInRecord, secondFactor: PersonMe['secondFactor'], named?: string): PersonMe {
  const membership = membershipOf(found, named);
  const who = membership && principalOf(found, membership);
  return {
    kind: 'person',
    id: found.personId,
    name: found.name,
    email: found.email,
    installationAdmin: found.installationAdmin,
    projectId: who?.projectId ?? null,
    role: who?.role ?? null,
    scopes: [...(who?.scopes ?? [])],
    signInId: found.signInId,
    confirmedAt: found.confirmedAt.toISOString(),
    freshUntil: new Date(found.confirmedAt.getTime() + peopleLimits.freshMs).toISOString(),
    secondFactor,
    projects: found.memberships.map(({ projectId, projectName, role: held, archived }) => ({
      id: projectId,
      name: projectName,
      role: held,
      archived,
    })),
  };
}

export const showPerson = (row: PersonRow): Person => ({
  ...row,
  createdAt: row.createdAt.toISOString(),
  lastSignInAt: row.lastSignInAt?.toISOString() ?? null,
});

export const newInviteBody = z.strictObject({
  role,
  note: z.string().trim().max(peopleLimits.noteLengthMax).default('').describe('For whom it is, for yourself.'),
});
export const showInvite = ({ usedAt, revokedAt, createdAt, expiresAt, ...row }: InviteRow): Invite => ({
  ...row,
  createdAt: createdAt.toISOString(),
  expiresAt: expiresAt.toISOString(),
  usedAt: usedAt?.toISOString() ?? null,
  revokedAt: revokedAt?.toISOString() ?? null,
});

export const showSignIn = (row: SignInRow, current: string): SignIn => ({
  ...row,
  createdAt: row.createdAt.toISOString(),
  lastSeenAt: row.lastSeenAt.toISOString(),
  expiresAt: row.expiresAt.toISOString(),
  current: row.id === current,
});

export const projectName = z.string().trim().min(1).max(64);
export const showProject = ({ createdAt, archivedAt, ...row }: ProjectRow): Project => ({
  ...row,
  createdAt: createdAt.toISOString(),
  archivedAt: archivedAt?.toISOString() ?? null,
});
