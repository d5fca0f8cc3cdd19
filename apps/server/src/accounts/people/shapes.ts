import { idSchema, roles, scopes } from '@muster/protocol';
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
const roleShown = z.enum(roles);

export const meShape = z.strictObject({
  kind: z.literal('person'),
  id: idSchema('person'),
  name: z.string(),
  email: z.string(),
  installationAdmin: z.boolean(),
  projectId: z.string().nullable().describe('The project this call acts in; null: the person belongs to none.'),
  role: roleShown.nullable(),
  scopes: z.array(z.enum(scopes)),
  signInId: idSchema('signIn'),
  confirmedAt: z.iso.datetime().describe('When the password was last given.'),
  projects: z.array(z.strictObject({ id: z.string(), name: z.string(), role: roleShown, archived: z.boolean() })),
});
export type Me = z.output<typeof meShape>;

export function meOf(found: SignInRecord, named?: string): Me {
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
    projects: found.memberships.map(({ projectId, projectName, role: held, archived }) => ({
      id: projectId,
      name: projectName,
      role: held,
      archived,
    })),
  };
}

export const personShape = z.strictObject({
  id: idSchema('person'),
  name: z.string(),
  email: z.string(),
  role: roleShown,
  installationAdmin: z.boolean(),
  createdAt: z.iso.datetime(),
  lastSignInAt: z.iso.datetime().nullable(),
});
export const showPerson = (row: PersonRow): z.output<typeof personShape> => ({
  ...row,
  createdAt: row.createdAt.toISOString(),
  lastSignInAt: row.lastSignInAt?.toISOString() ?? null,
});

export const inviteShape = z.strictObject({
  id: idSchema('invite'),
  projectId: z.string(),
  role: roleShown,
  note: z.string(),
  createdBy: z.string(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  usedAt: z.iso.datetime().nullable(),
  usedBy: z.string().nullable(),
  revokedAt: z.iso.datetime().nullable(),
});
export const inviteWithLink = inviteShape.extend({ url: z.string().describe('The link. Shown once.') });
export const newInviteBody = z.strictObject({
  role,
  note: z.string().trim().max(peopleLimits.noteLengthMax).default('').describe('For whom it is, for yourself.'),
});
export const showInvite = ({
  usedAt,
  revokedAt,
  createdAt,
  expiresAt,
  ...row
}: InviteRow): z.output<typeof inviteShape> => ({
  ...row,
  createdAt: createdAt.toISOString(),
  expiresAt: expiresAt.toISOString(),
  usedAt: usedAt?.toISOString() ?? null,
  revokedAt: revokedAt?.toISOString() ?? null,
});

export const signInShape = z.strictObject({
  id: idSchema('signIn'),
  address: z.string().nullable(),
  userAgent: z.string().nullable(),
  createdAt: z.iso.datetime(),
  lastSeenAt: z.iso.datetime().describe('To the hour.'),
  expiresAt: z.iso.datetime(),
  current: z.boolean().describe('The one of this very browser.'),
});
export const showSignIn = (row: SignInRow, current: string): z.output<typeof signInShape> => ({
  ...row,
  createdAt: row.createdAt.toISOString(),
  lastSeenAt: row.lastSeenAt.toISOString(),
  expiresAt: row.expiresAt.toISOString(),
  current: row.id === current,
});

export const projectShape = z.strictObject({
  id: z.string(),
  name: z.string(),
  createdAt: z.iso.datetime(),
  archivedAt: z.iso.datetime().nullable(),
});
export const projectName = z.string().trim().min(1).max(64);
export const showProject = ({ createdAt, archivedAt, ...row }: ProjectRow): z.output<typeof projectShape> => ({
  ...row,
  createdAt: createdAt.toISOString(),
  archivedAt: archivedAt?.toISOString() ?? null,
});
