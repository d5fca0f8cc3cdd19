import { z } from 'zod';
import { idSchema } from '../base/ids.ts';
import { roles } from '../base/roles.ts';
import { scopes } from '../base/scopes.ts';

const role = z.enum(roles);
const scope = z.enum(scopes);
const when = z.iso.datetime();

/** `GET /v1/me` of a key. */
export const keyMeSchema = z.strictObject({
  kind: z.literal('key'),
  id: idSchema('key'),
  name: z.string().nullable(),
  projectId: z.string(),
  scopes: z.array(scope),
});

/** `GET /v1/me` of somebody who signed in. */
export const personMeSchema = z.strictObject({
  kind: z.literal('person'),
  id: idSchema('person'),
  name: z.string(),
  email: z.string(),
  installationAdmin: z.boolean(),
  projectId: z.string().nullable().describe('The project this call acts in; null: the person belongs to none.'),
  role: role.nullable(),
  scopes: z.array(scope).describe('What the person may do in that project.'),
  signInId: idSchema('signIn'),
  confirmedAt: when.describe('When the password was last given.'),
  freshUntil: when.describe('Until when that is recent enough for acts that want it to be.'),
  secondFactor: z.strictObject({ on: z.boolean(), recoveryCodesLeft: z.number().int() }),
  projects: z.array(z.strictObject({ id: z.string(), name: z.string(), role, archived: z.boolean() })),
});
export type PersonMe = z.infer<typeof personMeSchema>;
export type Me = z.infer<typeof keyMeSchema> | PersonMe;

/** Somebody as a member of a project. */
export const personSchema = z.strictObject({
  id: idSchema('person'),
  name: z.string(),
  email: z.string(),
  role,
  installationAdmin: z.boolean(),
  secondFactor: z.boolean().describe('Whether signing in asks for a code besides the password.'),
  signIns: z.number().int().describe('How many browsers they are signed in on now.'),
  createdAt: when,
  lastSignInAt: when.nullable(),
});
export type Person = z.infer<typeof personSchema>;

export const projectSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  createdAt: when,
  archivedAt: when.nullable(),
});
export type Project = z.infer<typeof projectSchema>;

export const inviteSchema = z.strictObject({
  id: idSchema('invite'),
  projectId: z.string(),
  role,
  note: z.string(),
  createdBy: z.string(),
  createdAt: when,
  expiresAt: when,
  usedAt: when.nullable(),
  usedBy: z.string().nullable(),
  revokedAt: when.nullable(),
});
export type Invite = z.infer<typeof inviteSchema>;
export const inviteWithLinkSchema = inviteSchema.extend({ url: z.string().describe('The link. Shown once.') });

/** A browser somebody is signed in on. */
export const signInSchema = z.strictObject({
  id: idSchema('signIn'),
  address: z.string().nullable(),
  userAgent: z.string().nullable(),
  createdAt: when,
  lastSeenAt: when.describe('To the hour.'),
  expiresAt: when,
  current: z.boolean().describe('The one of this very browser.'),
});
export type SignIn = z.infer<typeof signInSchema>;

/** `POST /v1/me/second-factor`: what goes into the authenticator, this one time. */
export const newSecondFactorSchema = z.strictObject({
  secret: z.string().describe('Base32 (RFC 4648), for typing.'),
  uri: z.string().describe('otpauth://totp/…, for scanning.'),
});
export type NewSecondFactor = z.infer<typeof newSecondFactorSchema>;
export const recoveryCodesSchema = z.strictObject({
  recoveryCodes: z.array(z.string()).describe('Each signs in once in place of a code. Shown once.'),
});
