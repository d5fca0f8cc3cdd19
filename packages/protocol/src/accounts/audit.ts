import { z } from 'zod';

/** One act, or one that was refused. */
export const auditSchema = z.strictObject({
  id: z.string(),
  at: z.iso.datetime(),
  actorKind: z.string(),
  actor: z.string().describe('`key:<id>`, `person:<id>`, `worker:<id>`, `cli`, `system`, …'),
  action: z.string(),
  subject: z.string(),
  before: z.unknown(),
  after: z.unknown(),
  address: z.string().nullable(),
  requestId: z.string().nullable(),
  outcome: z.enum(['done', 'refused']),
});
export type AuditEntry = z.infer<typeof auditSchema>;
