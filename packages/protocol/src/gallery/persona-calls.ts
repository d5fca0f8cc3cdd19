import { z } from 'zod';
import { actKinds, galleryLimits, tiers } from './limits.ts';
import { personaSchema } from './persona.ts';

/** A persona as it stands in a project. */
export const galleryPersonaSchema = personaSchema.extend({
  version: z.number().int(),
  builtIn: z.boolean(),
  /** Not deleted ones that are drawn from it. */
  bots: z.number().int(),
  /** Its odds in per cent. */
  mix: z.object(
    Object.fromEntries(actKinds.map((kind) => [kind, z.number()])) as Record<(typeof actKinds)[number], z.ZodNumber>,
  ),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type GalleryPersona = z.infer<typeof galleryPersonaSchema>;

export const clonePersonaSchema = z.strictObject({
  id: personaSchema.shape.id,
  title: personaSchema.shape.title.optional(),
});
export type ClonePersona = z.infer<typeof clonePersonaSchema>;

export const importedSchema = z.object({
  dryRun: z.boolean(),
  created: z.number().int(),
  updated: z.number().int(),
  unchanged: z.number().int(),
  refused: z.number().int(),
  rows: z
    .array(
      z.object({
        row: z.number().int(),
        id: z.string().nullable(),
        outcome: z.enum(['created', 'updated', 'unchanged', 'refused']),
        reason: z.string().nullable(),
        detail: z.string().nullable(),
        pointer: z.string().nullable(),
      }),
    )
    .max(galleryLimits.personasMax),
});
export type Imported = z.infer<typeof importedSchema>;
export const exportedSchema = z.object({ personas: z.array(personaSchema) });
export type Exported = z.infer<typeof exportedSchema>;

/** `persona` is a whole one, saved or not. */
export const previewPersonaSchema = z.strictObject({
  persona: z.record(z.string(), z.unknown()),
  seed: z.number().int().min(0).max(0xff_ff_ff_ff).default(1),
});
export type PreviewPersona = z.input<typeof previewPersonaSchema>;
/** What bots of a persona would be called, show and say; made up by the offline mind, nothing is kept. */
export const personaPreviewedSchema = z.object({
  bots: z.array(
    z.object({
      name: z.string(),
      username: z.string(),
      tier: z.enum(tiers),
      post: z
        .object({ prompt: z.string(), caption: z.string(), alt: z.string(), tags: z.array(z.string()) })
        .nullable(),
      svg: z.string().nullable(),
      comment: z.string().nullable(),
      reply: z.string().nullable(),
    }),
  ),
});
export type PersonaPreviewed = z.infer<typeof personaPreviewedSchema>;
