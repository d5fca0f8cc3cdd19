/** Bounds of this room. Units stand last. */
export const usageLimits = {
  bucketsMax: 10_000,
  hourRangeDaysMax: 400,
  rangeDaysMax: 800,
  /** Sums that one answer is made of. */
  rowsMax: 50_000,
  priceTablesKept: 1_000,
} as const;
