/** Bounds of the edge. Those with a setting are defaults here; compose hands over the configured ones. */
export const edgeLimits = {
  bodyBytesMax: 1024 * 1024,
  jsonDepthMax: 64,
  headerBytesMax: 16 * 1024,
  urlBytesMax: 8 * 1024,
  queryValueBytesMax: 4 * 1024,
  fieldProblemsMax: 20,
  inFlightMax: 2000,
  parkedMax: 10_000,
  socketsMax: 20_000,
  requestsPerWindow: 20_000,
  requestWindowMs: 10_000,
  rateKeysMax: 50_000,
  /** A body slower than this for that long is given up: JSON 30 s, uploads 60 s. */
  bodyBytesPerSecondMin: 1024,
  jsonStallMs: 30_000,
  uploadStallMs: 60_000,
  /** How long the rest of a refused body is read and thrown away, so that the client sees the answer. */
  refusalDrainMs: 2000,
  sseHeartbeatMs: 15_000,
  sseWaitingBytesMax: 1024 * 1024,
  sseStuckMs: 30_000,
  socketPingMs: 30_000,
  parkMsMax: 55_000,
  idempotencyKeyBytesMax: 255,
  idempotencyKeepMs: 24 * 60 * 60 * 1000,
  idempotencyAnswerBytesMax: 256 * 1024,
  requestLogPerSecond: 200,
  drainRequestsMs: 10_000,
} as const;

export type EdgeLimits = { readonly [name in keyof typeof edgeLimits]: number };
