export const catalogLimits = {
  prefixBytesMax: 512,
  /** Streams looked at for one page, when a filter leaves many out. */
  scannedMax: 5000,
  publicPatternsMax: 100,
  /** Streams changed between two notes of how far a bulk job is. */
  bulkPageMax: 200,
  /** Streams of one bulk job changed at once. */
  bulkAtOnce: 16,
  /** Refusals of a bulk job kept by name; the count tells the rest. */
  bulkRefusedMax: 1000,
  bulkUnfinishedMax: 20,
  bulkKeepDays: 7,
  ttlSecondsMax: 10 * 365 * 86_400,
} as const;
