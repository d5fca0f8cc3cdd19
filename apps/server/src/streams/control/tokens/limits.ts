export const tokenLimits = {
  pathsMax: 20,
  ttlMsMin: 1000,
  ttlMsMax: 24 * 60 * 60 * 1000,
  ttlMsDefault: 60 * 60 * 1000,
  /** A line of tokens is renewed so long after its first. */
  renewMsMax: 24 * 60 * 60 * 1000,
  producerPrefixCharsMax: 128,
  subjectCharsMax: 256,
} as const;
