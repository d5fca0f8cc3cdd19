/** Bounds of this room. Units stand last. */
export const runningLimits = {
  /** Rows of the two short lists of the overview. */
  shortList: 5,
  needsPersonMax: 50,
  /** Records looked at for one page of the feed, over all areas. */
  activityScanMax: 5_000,
  /** Records read from one stream at once. */
  activityChunk: 400,
  /** Changes brought to a project's stream in one append. */
  eventsBatchMax: 500,
  eventsKeptMs: 90 * 86_400_000,
  samplesKeptMs: 24 * 3_600_000,
  /** Found of each kind before the best are taken. */
  foundPerKindMax: 20,
  jobPayloadBytesMax: 64 * 1024,
} as const;
