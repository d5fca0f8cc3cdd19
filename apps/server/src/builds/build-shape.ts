import {
  type Artifact,
  type Attempt,
  type Build,
  type BuildSummary,
  type Failure,
  failureCodes,
} from '@muster/protocol';
import { must } from '#kernel/base';
import type { Reader } from '#kernel/db';
import { waitingOf } from './estimate-wait.ts';
import { type ArtifactRow, readArtifacts } from './queries/artifacts.ts';
import { type BuildPayload, type BuildRow, readBuildPayload } from './queries/build-row.ts';
import { type AttemptRow, readAttempts, readSentBytes } from './queries/read.ts';
import type { Room } from './room.ts';

const iso = (time: Date | null): string | null => time?.toISOString() ?? null;

type Known = {
  /** What never changes. */
  payload?: Pick<BuildPayload, 'command' | 'env'>;
  /** Of all rows that are shown together. */
  estimates?: Awaited<ReturnType<typeof waitingOf>>;
};

/** One build whole, as `/v1` shows it. What the caller knows already is not read again. */
export async function showBuild(room: Room, reader: Reader, row: BuildRow, known: Known = {}): Promise<Build> {
  const payload = known.payload ?? must(await readBuildPayload(reader, row.id), 'the spec of a build');
  // Nothing has happened yet to a build no worker ever took: spare a fresh submit the questions.
  const taken = row.term > 0;
  const attempts = taken ? await readAttempts(reader, row.id) : [];
  const artifacts = taken ? await readArtifacts(reader, row.id) : [];
  const sentBytes = taken ? await readSentBytes(reader, row.id) : 0;
  const estimates = known.estimates ?? (row.state === 'queued' ? await waitingOf(room, reader, [row]) : undefined);
  const estimate = estimates?.get(row.id);
  const inputsThere = row.inputsRemovedAt === null;
  return {
    ...summaryOf(row),
    ...(estimate ? { waiting: estimate.waiting } : {}),
    notBefore: iso(row.notBefore),
    queueDeadlineMs: row.queueDeadlineMs,
    concurrency: row.ckey === null ? null : { key: row.ckey, limit: row.keyLimit ?? 1, mode: row.keyMode ?? 'queue' },
    task: row.task,
    command: payload.command,
    env: payload.env,
    secretEnvNames: row.secretEnvNames,
    maxRunMs: row.maxRunMs,
    attemptsMax: row.attemptsMax,
    retryOn: row.retryOn,
    expects: row.expects,
    leaseUntil: iso(row.leaseUntil),
    position: estimate?.position ?? null,
    etaMs: estimate?.etaMs ?? null,
    source: { sizeBytes: row.sourceBytes, sha256: row.sourceSha256, format: row.sourceFormat, available: inputsThere },
    certs: row.certsBlob !== null && inputsThere,
    attempts: attempts.map(showAttempt),
    artifacts: artifacts.map(showArtifact),
    cost: {
      workerMs: attempts.reduce((sum, attempt) => sum + attempt.workerMs, 0),
      storedBytes: (inputsThere ? row.sourceBytes + (row.certsBytes ?? 0) : 0) + storedBytes(artifacts),
      sentBytes,
    },
  };
}

/** As lists show them, in the order given; the number of statements does not depend on how many there are. */
export async function showSummaries(room: Room, reader: Reader, rows: readonly BuildRow[]): Promise<BuildSummary[]> {
  const queued = rows.filter((row) => row.state === 'queued');
  const estimates = queued.length > 0 ? await waitingOf(room, reader, queued) : new Map<string, never>();
  return rows.map((row) => {
    const estimate = estimates.get(row.id);
    return { ...summaryOf(row), ...(estimate ? { waiting: estimate.waiting } : {}) };
  });
}

function summaryOf(row: BuildRow): BuildSummary {
  return {
    id: row.id,
    projectId: row.projectId,
    version: row.version,
    name: row.name,
    tags: row.tags,
    queue: row.queue,
    platform: row.platform,
    requires: row.requires,
    priority: row.priority,
    state: row.state,
    term: row.term,
    workerId: row.workerId,
    workerName: row.workerName,
    progress: row.progress,
    phase: row.phase,
    stopReason: row.stopReason,
    retryOf: row.retryOf,
    submittedBy: row.submittedBy,
    submittedAt: row.submittedAt.toISOString(),
    assignedAt: iso(row.assignedAt),
    startedAt: iso(row.startedAt),
    cancelRequestedAt: iso(row.cancelRequestedAt),
    finishedAt: iso(row.finishedAt),
    ...(row.failure ? { failure: showFailure(row.failure) } : {}),
    streams: { log: `/v1/stream/builds/${row.id}/log`, events: `/v1/stream/builds/${row.id}/events` },
  };
}

const showAttempt = (attempt: AttemptRow): Attempt => ({
  ...attempt,
  startedAt: attempt.startedAt.toISOString(),
  endedAt: iso(attempt.endedAt),
  failure: attempt.failure && showFailure(attempt.failure),
});

export const showArtifact = ({
  id,
  name,
  term,
  sizeBytes,
  sha256,
  contentType,
  primary,
  createdAt,
  removedAt,
}: ArtifactRow): Artifact => ({
  id,
  name,
  term,
  sizeBytes,
  sha256,
  contentType,
  primary,
  createdAt: createdAt.toISOString(),
  available: removedAt === null,
});

const storedBytes = (artifacts: readonly ArtifactRow[]): number =>
  artifacts.reduce((sum, artifact) => sum + (artifact.removedAt === null ? artifact.sizeBytes : 0), 0);

/** Rows keep what happened; what to do about it is said by the version that shows them. */
const showFailure = (failure: Failure): Failure => ({ ...failure, remedy: failureCodes[failure.code].remedy });
