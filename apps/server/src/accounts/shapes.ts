import { type ApiKey, type AuditEntry, scopes } from '@muster/protocol';
import { z } from 'zod';
import type { ApiKeyRow, AuditRow } from '#kernel/auth';
import { nearest } from '#kernel/base';

const name = z.string().trim().min(1).max(200);
/** Unknown scopes are refused here already, with the nearest known one. */
const scope = z.string().transform((given, ctx) => {
  const known = scopes.find((candidate) => candidate === given);
  if (known) return known;
  const near = nearest(given, scopes);
  ctx.addIssue({
    code: 'custom',
    message: `unknown scope ${JSON.stringify(given.slice(0, 64))}${near ? `; did you mean ${near}?` : ''}`,
  });
  return z.NEVER;
});

export const newKeyBody = z.strictObject({
  name,
  scopes: z
    .array(scope)
    .min(1)
    .max(scopes.length)
    .describe(`Each one of: ${scopes.join(', ')}. A level contains the ones before it.`),
  expiresAt: z.iso
    .datetime({ offset: true })
    .transform((text) => new Date(text))
    .optional(),
  addresses: z.array(z.string().max(64)).max(32).optional().describe('Address ranges (CIDR) the key may be used from.'),
});
export type NewKeyBody = z.output<typeof newKeyBody>;

export const rotateBody = z.strictObject({
  overlapMs: z
    .number()
    .int()
    .min(0)
    .max(604_800_000)
    .default(86_400_000)
    .describe('How long the old secret goes on working.'),
});

export const showKey = (row: ApiKeyRow): ApiKey => ({
  id: row.id,
  projectId: row.projectId,
  name: row.name,
  start: row.start,
  scopes: row.scopes,
  addresses: row.addresses,
  createdBy: row.createdBy,
  createdAt: row.createdAt.toISOString(),
  expiresAt: row.expiresAt?.toISOString() ?? null,
  lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
  lastUsedFrom: row.lastUsedFrom,
  revokedAt: row.revokedAt?.toISOString() ?? null,
  previousUntil: row.previousUntil?.toISOString() ?? null,
  fromEnvironment: row.fromEnvironment,
});

export const showAudit = (row: AuditRow): AuditEntry => ({
  id: row.id,
  at: row.at.toISOString(),
  actorKind: row.actorKind,
  actor: row.actor,
  action: row.action,
  subject: row.subject,
  before: row.before,
  after: row.after,
  address: row.address,
  requestId: row.requestId,
  outcome: row.outcome,
});

export const limitShape = z.strictObject({
  name: z.string(),
  unit: z.enum(['count', 'bytes', 'ms', 'perSecond']),
  value: z.number(),
  setting: z.string().optional().describe('The variable that changes it.'),
  whenFull: z.string(),
  present: z.number().nullable(),
  peak: z.number().nullable(),
});
