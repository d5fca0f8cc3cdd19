import { z } from 'zod';
import { budgetMeters, budgetPeriods } from './budget-meters.ts';

/** Units of a meter used in one period; money in micros. `cap` `null` = unlimited. */
export const budgetLineSchema = z.object({
  meter: z.enum(budgetMeters),
  period: z.enum(budgetPeriods),
  cap: z.number().int().nullable(),
  spent: z.number().int(),
  reserved: z.number().int(),
  resetsAt: z.iso.datetime(),
});
export const budgetSchema = z.object({
  /** `fleet`, `target:<id>`, `persona:<id>`, `bot:<id>`. */
  scope: z.string(),
  lines: z.array(budgetLineSchema),
});
export type GalleryBudget = z.infer<typeof budgetSchema>;

/** A cap left out stays as it is; `null` = unlimited. */
export const putBudgetSchema = z.strictObject({
  caps: z
    .array(
      z.strictObject({
        meter: z.enum(budgetMeters),
        period: z.enum(budgetPeriods).default('day'),
        cap: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).nullable(),
      }),
    )
    .min(1)
    .max(16),
});
export type PutBudget = z.input<typeof putBudgetSchema>;

export const budgetForecastSchema = z.object({
  at: z.iso.datetime(),
  lines: z.array(
    budgetLineSchema.extend({
      scope: z.string(),
      perHour: z.number(),
      /** When the cap will be hit at the pace of the last hours; `null`: not within its period. */
      hitsAt: z.iso.datetime().nullable(),
    }),
  ),
});
export type BudgetForecast = z.infer<typeof budgetForecastSchema>;
