/** Bounds of calls to model providers. Units stand in the names. */
export const mindLimits = {
  textTimeoutMs: 30_000,
  imageTimeoutMs: 120_000,
  /** Calls at once per provider and address. */
  inFlightMax: 8,
  /** Thinks that wait for a place at one provider; more are put off. */
  waitingMax: 256,
  /** A think whose turn is further away than this is put off. */
  waitMsMax: 20_000,
  rpm: 60,
  tpm: 90_000,
  /** What a bucket may give at once: so much of a minute. */
  burstShare: 1 / 6,
  retriesMax: 2,
  retryBaseMs: 500,
  retryAfterMsMax: 60_000,
  /** Breaker: half of so many calls within the window failed. */
  breakerCallsMin: 20,
  breakerWindowMs: 30_000,
  breakerOpenMs: 30_000,
  breakerOpenMsMax: 300_000,
  temperature: 0.9,
  maxOutputTokens: 220,
  /** Calls that teach how many tokens a byte is. */
  teachingCalls: 100,
  /** Over this share of fallbacks, for so long, a mind counts as degraded. */
  degradedShare: 0.5,
  degradedMs: 600_000,
  degradedThinksMin: 4,
  /** A mind whose key was refused is tried again this often. */
  trippedMs: 300_000,
  answerBytesMax: 1_048_576,
  imageBytesMax: 20_971_520,
  /** Minds that bots name as `provider:model` without being configured. */
  namedMax: 100,
  mindsMax: 50,
  testTokens: 20,
} as const;
