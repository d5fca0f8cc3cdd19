/** What an operator may move. Each field is a setting `MUSTER_BUILDS_…` in config/schema.ts, in the same unit. */
export type BuildsConfig = {
  sourceBytesMax: number;
  certsBytesMax: number;
  artifactBytesMax: number;
  artifactsBytesMax: number;
  chunkBytesMax: number;
  uploadTtlMs: number;
  uploadsOpenMax: number;
  queuedMax: number;
  storedBytesMax: number;
  submitsPerSecond: number;
  submitsBurst: number;
  freeBytesMin: number;
  logBytesMax: number;
  leaseTtlMs: number;
  heartbeatEveryMs: number;
  offlineAfterMs: number;
  legacyOfflineAfterMs: number;
  parkedMax: number;
  rescueEveryMs: number;
  sweepEveryMs: number;
  cancelGraceMs: number;
  cancelGraceMaxMs: number;
  retentionSourceDays: number;
  retentionArtifactsDays: number;
  retentionTelemetryDays: number;
  retentionDiagnosticsDays: number;
  retentionRowsDays: number;
  baseImage: string | null;
  legacyPollHoldMs: number;
  legacyOpenRegistration: boolean;
  legacyLeaseFirstMs: number;
  legacyLeaseHeartbeatMs: number;
  legacyLeaseTelemetryMs: number;
  legacyLeaseSilentMs: number;
  legacyMaxRunMs: number;
};

/** The defaults, in one place; config/schema.ts takes its defaults from here. */
export const buildsDefaults: BuildsConfig = {
  sourceBytesMax: 500 * 2 ** 20,
  certsBytesMax: 10 * 2 ** 20,
  artifactBytesMax: 2 ** 30,
  artifactsBytesMax: 4 * 2 ** 30,
  chunkBytesMax: 64 * 2 ** 20,
  uploadTtlMs: 86_400_000,
  uploadsOpenMax: 64,
  queuedMax: 10_000,
  storedBytesMax: 100 * 2 ** 30,
  submitsPerSecond: 500,
  submitsBurst: 2_000,
  freeBytesMin: 2 * 2 ** 30,
  logBytesMax: 256 * 2 ** 20,
  leaseTtlMs: 30_000,
  heartbeatEveryMs: 10_000,
  offlineAfterMs: 60_000,
  legacyOfflineAfterMs: 300_000,
  parkedMax: 10_000,
  rescueEveryMs: 5_000,
  sweepEveryMs: 5_000,
  cancelGraceMs: 30_000,
  cancelGraceMaxMs: 60_000,
  retentionSourceDays: 7,
  retentionArtifactsDays: 30,
  retentionTelemetryDays: 14,
  retentionDiagnosticsDays: 90,
  retentionRowsDays: 180,
  baseImage: null,
  legacyPollHoldMs: 0,
  legacyOpenRegistration: false,
  legacyLeaseFirstMs: 30 * 60_000,
  legacyLeaseHeartbeatMs: 5 * 60_000,
  legacyLeaseTelemetryMs: 15 * 60_000,
  legacyLeaseSilentMs: 130 * 60_000,
  legacyMaxRunMs: 130 * 60_000,
};
