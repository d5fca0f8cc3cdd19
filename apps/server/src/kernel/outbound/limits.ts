export const outboundLimits = {
  /** From the first look-up to the last byte of the answer. */
  callMs: 10_000,
  /** The most a caller may ask for. */
  callLongestMs: 180_000,
  answerBytesMax: 64 * 1024,
  answerHeaderBytesMax: 16 * 1024,
  urlBytesMax: 2048,
  /** Calls open at once in this process; more wait in line, in order. */
  callsMax: 256,
  waitingMax: 10_000,
} as const;
