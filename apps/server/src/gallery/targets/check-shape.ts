import { galleryTargetSchema } from '@muster/protocol';
import { z } from 'zod';

/** What a check of a target found. */
export const targetCheckSchema = z.object({
  ok: z.boolean(),
  checkedAt: z.iso.datetime(),
  findings: z.array(z.object({ what: z.string(), ok: z.boolean(), detail: z.string(), remedy: z.string().optional() })),
  capabilities: galleryTargetSchema.shape.capabilities,
  /** How far its clock is ahead of ours; negative: behind. */
  clockSkewMs: z.number(),
});
