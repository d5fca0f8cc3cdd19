import { randomBytes, randomInt } from 'node:crypto';

/** Uniform in [0, 1). The only source of chance outside cryptography; tests pass their own. */
export type Random = () => number;
export const systemRandom: Random = () => randomInt(2 ** 40) / 2 ** 40;

/** A secret of `bytes` random bytes as base64url, without padding (32 bytes = 43 characters). */
export const randomToken = (bytes: number): string => randomBytes(bytes).toString('base64url');

/** `ms` spread evenly by ± `share` (0.2 = ±20 %), so that a crowd does not come back at once. */
export const jitter = (ms: number, share: number, random: Random = systemRandom): number =>
  Math.round(ms * (1 - share + 2 * share * random()));
