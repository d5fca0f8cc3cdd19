export const subscriptionLimits = {
  perProjectMax: 1000,
  linksMax: 10_000,
  idBytesMax: 256,
  descriptionCharsMax: 1000,
  workerCharsMax: 256,
  leaseMsMin: 1000,
  leaseMsMax: 600_000,
  leaseMsDefault: 30_000,
  /** Holds an ack of every link. */
  bodyBytesMax: 2 * 1024 * 1024,
  retryMsMin: 1000,
  retryMsMax: 60_000,
  /** A wake's token outlives any lease that is renewed now and then; what it may is fenced by its generation. */
  tokenMs: 24 * 60 * 60 * 1000,
  /** Wakes delivered at once by one process. */
  deliveriesMax: 128,
  /** Of them to one host at once … */
  placesPerHostMax: 16,
  /** … and waiting for a place there, while it answers. */
  waitingPerHostMax: 64,
  /** A host that answered somebody within this time is worth waiting for. */
  quickHostMs: 500,
  /** How long after its time a wake or lease counts as forgotten by its job. */
  neglectedMs: 60_000,
  neglectedMax: 500,
  /** When a wake that found no place comes back. */
  noPlaceMs: 1000,
  /** Calls of one project, and acks of one subscription. */
  callsPerSecond: 1000,
  callsBurst: 5000,
  callersMax: 50_000,
  /** Heads of streams asked for at once, of one subscription. */
  headsAtOnce: 64,
  /** Streams of one page, when a pattern is compared with all there are. */
  listPageMax: 1000,
  /** Streams whose fate with the subscriptions is remembered. */
  knownPathsMax: 20_000,

  signingKeyDays: 90,
  /** A retired public key is published this long. */
  signingKeyOverlapMs: 24 * 60 * 60 * 1000,
  lastErrorCharsMax: 500,
} as const;

/** Limits that an operator may set. */
export type SubscriptionLimits = { subscriptionsMax: number; subscriptionLinksMax: number };
export const subscriptionDefaults: SubscriptionLimits = {
  subscriptionsMax: subscriptionLimits.perProjectMax,
  subscriptionLinksMax: subscriptionLimits.linksMax,
};
