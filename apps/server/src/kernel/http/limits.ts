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
  /** Bytes of bodies that are not whole yet, of hot paths, all together. */
  rawBodiesBytesMax: 256 * 1024 * 1024,
  /** Of a body a hot path refused so much is read and thrown away, so that the client sees the answer. */
  rawRestBytesMax: 32 * 1024 * 1024,
  rawRestMs: 5000,
  rawParkMsMax: 60_000,
  /** How long the rest of a refused body is read and thrown away, so that the client sees the answer. */
  refusalDrainMs: 2000,
  sseHeartbeatMs: 15_000,
  sseWaitingBytesMax: 1024 * 1024,
  sseStuckMs: 30_000,
  socketPingMs: 30_000,
  /* The one socket, `/v1/socket`. */
  socketFrameBytesMax: 1024 * 1024,
  socketSubscriptionsMax: 200,
  socketSendsPerSecond: 2000,
  socketSendsBurst: 4000,
  /** Frames of one socket that wait for their answer. */
  socketFramesOpenMax: 1024,
  /** Bytes of those; above it the socket is not read from. */
  socketLoadBytesMax: 4 * 1024 * 1024,
  socketNameBytesMax: 512,
  /** Bytes that wait to be written; above it the socket is not read from and its subscriptions pause. */
  socketWaitingBytesMax: 1024 * 1024,
  /** Of those, what the connection gets at once. */
  socketWindowBytes: 256 * 1024,
  /** Without any progress for that long the socket ends with 1013. */
  socketStuckMs: 30_000,
  socketAuthMs: 5000,
  /** Sockets that have not said who they are. */
  socketStrangersMax: 1000,
  socketsPingMs: 25_000,
  socketSilenceMs: 60_000,
  socketExpiryWarnMs: 30_000,
  /** From `draining` to the close, and from that to the cut. */
  socketDrainMs: 1000,
  socketCloseMs: 5000,
  socketRetrySpreadMs: 5000,
  parkMsMax: 55_000,
  idempotencyKeyBytesMax: 255,
  idempotencyKeepMs: 24 * 60 * 60 * 1000,
  idempotencyAnswerBytesMax: 256 * 1024,
  requestLogPerSecond: 200,
  drainRequestsMs: 10_000,
} as const;

export type EdgeLimits = { readonly [name in keyof typeof edgeLimits]: number };
