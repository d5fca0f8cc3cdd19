import { z } from 'zod';
import { meterNames, pricedMeters, usageSteps, weekStarts } from './meters.ts';

const time = z.iso.datetime();
const count = z.number().int();
/** Money as a decimal string, so that nobody rounds it; `null`: something of it has no price, so nothing is claimed. */
const decimal = z.string().regex(/^-?\d+(?:\.\d+)?$/);

export const moneySchema = z.object({
  currency: z.string(),
  /** What has a price. */
  cost: decimal,
  /** Entries without a price: then `cost` is not the whole. */
  unpriced: count,
});
export type Money = z.infer<typeof moneySchema>;

/** `from` and `to` are instants, or days of `tz` (`to` then includes that day). */
export const usageQuery = z.object({
  from: z.string().max(40).optional(),
  to: z.string().max(40).optional(),
  by: z.enum(usageSteps).default('day'),
  tz: z.string().max(64).default('UTC'),
  weekStart: z.enum(weekStarts).default('monday'),
  /** `meter`, or a dimension such as `queue`, `platform`, `mind`, `persona`, `kind`. */
  group: z.string().max(40).default('meter'),
  /** One or more with commas. */
  meter: z.string().max(300).optional(),
});
export type UsageQuery = z.infer<typeof usageQuery>;

/** `cost` is `null` when the meter has no price that matches; `open` is the part that still runs. */
export const usageLineSchema = z.object({
  meter: z.enum(meterNames),
  unit: z.string(),
  /** The value of the dimension; `null`: the entry has none, or the group is `meter`. */
  group: z.string().nullable(),
  quantity: z.number(),
  open: z.number(),
  entries: count,
  cost: decimal.nullable(),
  unpriced: count,
});
export type UsageLine = z.infer<typeof usageLineSchema>;

export const usageBucketSchema = z.object({
  /** Local, such as `2026-03-29`, `2026-W13`, `2026-03` or `2026-03-29T14:00`. */
  label: z.string(),
  start: time,
  /** Not included. A local day has 23 or 25 hours twice a year. */
  end: time,
  money: moneySchema,
  lines: z.array(usageLineSchema),
});
export type UsageBucket = z.infer<typeof usageBucketSchema>;

export const usageSchema = z.object({
  from: time,
  to: time,
  by: z.enum(usageSteps),
  tz: z.string(),
  group: z.string(),
  currency: z.string(),
  /** Oldest first; what lies ahead is absent. */
  buckets: z.array(usageBucketSchema),
  total: z.object({ money: moneySchema, lines: z.array(usageLineSchema) }),
});
export type Usage = z.infer<typeof usageSchema>;

/** `match`: every dimension named must have that value; `*` at its end takes any ending. The rule with most of them counts. */
export const priceRuleSchema = z.strictObject({
  meter: z.enum(pricedMeters),
  match: z.record(z.string().min(1).max(40), z.string().min(1).max(200)).default({}),
  /** In the currency of the installation, at most six places behind the point. */
  price: z.string().regex(/^\d{1,9}(?:\.\d{1,6})?$/, 'a decimal such as 0.15, not negative, at most 6 places'),
  /** How much the price is for: `hour`, `minute`, `GiB`, `GiB-month`, or a number of the meter's units. */
  per: z.string().regex(/^(?:hour|minute|GiB|GiB-month|[1-9]\d{0,11})$/, 'hour, minute, GiB, GiB-month or a number'),
  /** The day from whose midnight (UTC) on it counts, `YYYY-MM-DD`. */
  from: z.iso.date(),
});
export type PriceRule = z.infer<typeof priceRuleSchema>;
export const putPricesSchema = z.strictObject({ rules: z.array(priceRuleSchema).max(500) });
export type PutPrices = z.input<typeof putPricesSchema>;

export const pricesSchema = z.object({
  version: count,
  currency: z.string(),
  origin: z.enum(['defaults', 'file', 'api']),
  updatedAt: time.nullable(),
  updatedBy: z.string().nullable(),
  rules: z.array(priceRuleSchema),
});
export type Prices = z.infer<typeof pricesSchema>;
