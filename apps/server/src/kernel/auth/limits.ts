export const authLimits = {
  /** A known credential is believed this long without asking the rows; revocation reaches it earlier, by the bus. */
  cacheMs: 60_000,
  cacheEntriesMax: 50_000,
  /** Fits the headers of every proxy between a browser and us. */
  browserTokenBytesMax: 6 * 1024,
  /** How often the rights of long calls are looked at again when nobody says that they changed. */
  heedEveryMs: 60_000,
  touchEveryMs: 10_000,
  /** Calls of one key that are kept whole of each such time, and how many failed ones besides. */
  keyUsesKept: 5,
  keyFailuresKept: 5,
  /** Of one key, of the last day. */
  keyUsesKeptMax: 500,
  overlapMsMax: 7 * 24 * 60 * 60 * 1000,
  keyNameLengthMax: 200,
  keyAddressesMax: 32,
  failureAddressesMax: 50_000,
  refusedAuditPerSecond: 1,
  housekeepingEveryMs: 60 * 60 * 1000,
  auditJsonBytesMax: 16 * 1024,
} as const;
