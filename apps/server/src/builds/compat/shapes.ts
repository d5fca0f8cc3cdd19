import { type BuildState, buildStates } from '@muster/protocol';
import type { BuildRow } from '../queries/build-row.ts';
import { texts } from './legacy-error.ts';
import type { ListedBuild, WorkerStats } from './queries.ts';

/* The old wire shapes. Times are milliseconds or ISO by path, as the clients of that path expect. */

export type LegacyStatus = 'pending' | 'assigned' | 'building' | 'completed' | 'failed';

/** The original CLI knows five words and never ends on another: what is stopped shows as failed. */
const statuses: Record<BuildState, LegacyStatus> = {
  queued: 'pending',
  assigned: 'assigned',
  running: 'building',
  cancelling: 'failed',
  succeeded: 'completed',
  failed: 'failed',
  cancelled: 'failed',
};
export const statusOf = (state: BuildState): LegacyStatus => statuses[state];

/** The states behind an old name; `cancelled` is understood too. Nothing for an unknown one. */
export function statesOf(status: string): readonly BuildState[] | undefined {
  if (status === 'cancelled') return ['cancelling', 'cancelled'];
  const states = buildStates.filter((state) => statuses[state] === status);
  return states.length > 0 ? states : undefined;
}

export function errorOf(state: BuildState, failureText: string | null | undefined): string | null {
  if (state === 'cancelling' || state === 'cancelled') return texts.cancelled;
  return state === 'failed' ? (failureText ?? null) : null;
}

const ms = (date: Date | null): number | null => (date === null ? null : date.getTime());

export const listElement = (build: ListedBuild): Record<string, unknown> => ({
  id: build.id,
  status: statusOf(build.state),
  createdAt: build.submittedAt.toISOString(),
  ...(build.finishedAt ? { completedAt: build.finishedAt.toISOString() } : {}),
  platform: build.platform,
  worker_id: build.workerId,
  worker_name: build.workerName,
  submitted_at: build.submittedAt.toISOString(),
  updated_at: (build.finishedAt ?? build.startedAt ?? build.assignedAt ?? build.submittedAt).toISOString(),
  error_message: errorOf(build.state, build.failureText),
  has_result: build.hasResult,
});

export const statusAnswer = (build: ListedBuild): Record<string, unknown> => ({
  id: build.id,
  status: statusOf(build.state),
  platform: build.platform,
  worker_id: build.workerId,
  submitted_at: ms(build.submittedAt),
  started_at: ms(build.startedAt ?? build.assignedAt),
  completed_at: ms(build.finishedAt),
  error_message: errorOf(build.state, build.failureText),
  state: build.state,
});

export const activeElement = (build: ListedBuild): Record<string, unknown> => ({
  id: build.id,
  status: statusOf(build.state),
  platform: build.platform,
  worker_id: build.workerId,
  started_at: ms(build.startedAt ?? build.assignedAt),
});

export function statisticsOf(counts: ReadonlyMap<BuildState, number>): Record<string, number> {
  const of = (...states: BuildState[]): number => states.reduce((sum, state) => sum + (counts.get(state) ?? 0), 0);
  return {
    total: of(...buildStates),
    pending: of('queued'),
    assigned: of('assigned'),
    building: of('running'),
    completed: of('succeeded'),
    failed: of('failed'),
    cancelled: of('cancelling', 'cancelled'),
  };
}

export const jobAnswer = (row: BuildRow, otp: string, baseImage: string | null): Record<string, unknown> => ({
  id: row.id,
  platform: row.platform,
  source_url: `/api/builds/${row.id}/source`,
  certs_url: row.certsBlob === null ? null : `/api/builds/${row.id}/certs`,
  baseImageId: baseImage,
  submitted_at: row.submittedAt.toISOString(),
  otp,
});

export const workerStatsAnswer = (stats: WorkerStats): Record<string, unknown> => ({
  totalBuilds: stats.succeeded + stats.failed,
  successfulBuilds: stats.succeeded,
  failedBuilds: stats.failed,
  workerName: stats.name,
  status: stats.state === 'offline' ? 'offline' : stats.held > 0 ? 'building' : 'idle',
  uptime: uptimeOf(stats.uptimeSeconds),
});

/** `45s`, `23m 45s`, `5h 23m`, `3d 14h`. */
export function uptimeOf(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const [minutes, hours, days] = [Math.floor(s / 60), Math.floor(s / 3_600), Math.floor(s / 86_400)];
  if (days > 0) return `${days}d ${hours % 24}h`;
  if (hours > 0) return `${hours}h ${minutes % 60}m`;
  return minutes > 0 ? `${minutes}m ${s % 60}s` : `${s}s`;
}

/** The name a result is stored and sent under. */
export function resultName(build: { id: string; platform: string }): string {
  if (build.platform === 'ios') return `${build.id}.ipa`;
  return build.platform === 'android' ? `${build.id}.apk` : `${build.id}.bin`;
}
