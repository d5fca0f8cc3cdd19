/** Bounds of this room; those with a setting are defaults here, compose hands over the configured ones. */
export type StreamsConfig = {
  /** How long a long-poll waits when it does not say. */
  longPollMs: number;
  /** Who calls without a credential: nobody but readers of public paths, or (for trying out, on loopback) the server itself. */
  anonymous: 'off' | 'full';
  /** Pages that browsers of other origins may be of; empty or `*` = any. */
  corsOrigins: readonly string[];
  appendBytesMax: number;
  appendMessagesMax: number;
  pageBytesMax: number;
  pageMessagesMax: number;
  appendsPerSecondMax: number;
  bytesPerSecondMax: number;
  liveReadsPerCredentialMax: number;
  /** Streams of one project, those of rooms counted; rooms themselves are never refused. */
  streamsMax: number;
  subscriptionsMax: number;
  /** Streams of one subscription. */
  subscriptionLinksMax: number;
  /** Life of an event stream, ± 10 %; then the client comes back. */
  ssePublicMs: number;
  ssePrivateMs: number;
};

const MiB = 2 ** 20;

export const streamsDefaults: StreamsConfig = {
  longPollMs: 30_000,
  anonymous: 'off',
  corsOrigins: [],
  appendBytesMax: 8 * MiB,
  appendMessagesMax: 10_000,
  pageBytesMax: MiB,
  pageMessagesMax: 1000,
  appendsPerSecondMax: 100_000,
  bytesPerSecondMax: 256 * MiB,
  liveReadsPerCredentialMax: 1000,
  streamsMax: 1_000_000,
  subscriptionsMax: 1000,
  subscriptionLinksMax: 10_000,
  ssePublicMs: 60_000,
  ssePrivateMs: 15 * 60_000,
};

/** Bounds without a setting. */
export const streamsLimits = {
  pathBytesMax: 512,
  pathSegmentsMax: 16,
  nameBytesMax: 256,
  contentTypeBytesMax: 256,
  ttlSecondsMax: 10 * 365 * 86_400,
  jsonDepthMax: 1000,
  /** What `timeout=` may ask for. */
  longPollMsMin: 1000,
  longPollMsMax: 60_000,
  /** An event stream that said nothing for so long says a comment. */
  sseCommentMs: 15_000,
  /** How often open event streams are looked at: comments, ends. */
  sseLookMs: 1000,
  /** Projects whose budgets are remembered; the one used longest ago comes back with a full one. */
  budgetProjectsMax: 10_000,
  liveCredentialsMax: 100_000,
} as const;
