import type { BuildState, Failure, Platform, StopReason } from '@muster/protocol';
import { type Reader, sql } from '#kernel/db';

/** A build as this room reads it: the view `build_rows` (hot row, spec without its big fields, the worker's name). */
export type BuildRow = {
  id: string;
  projectId: string;
  version: number;
  state: BuildState;
  term: number;
  sig: number;
  queue: string;
  platform: Platform;
  priority: number;
  queueSeq: number;
  eligibleAt: Date;
  waitCause: 'backoff' | 'not_before' | null;
  queueDeadlineAt: Date | null;
  ckey: string | null;
  keyLimit: number | null;
  keySeat: number | null;
  workerId: string | null;
  workerSeat: number | null;
  workerName: string | null;
  avoidWorkerId: string | null;
  avoidUntil: Date | null;
  leaseUntil: Date | null;
  leaseTtlMs: number | null;
  runUntil: Date | null;
  graceUntil: Date | null;
  stopKnownAt: Date | null;
  attemptsUsed: number;
  attemptsMax: number;
  maxRunMs: number;
  stopReason: StopReason | null;
  stopDetail: string | null;
  progress: number | null;
  phase: string | null;
  failure: Failure | null;
  resultDigest: string | null;
  submittedAt: Date;
  assignedAt: Date | null;
  startedAt: Date | null;
  cancelRequestedAt: Date | null;
  finishedAt: Date | null;
  name: string | null;
  tags: Record<string, string>;
  requires: Record<string, string>;
  notBefore: Date | null;
  queueDeadlineMs: number | null;
  keyMode: 'queue' | 'cancelOlder' | null;
  task: string | null;
  secretEnvNames: string[];
  retryOn: ('user' | 'host' | 'system')[];
  expects: 'artifact' | 'nothing';
  retryOf: string | null;
  submittedBy: string;
  legacy: boolean;
  sourceBlob: string;
  sourceBytes: number;
  sourceSha256: string;
  sourceFormat: SourceFormat;
  certsBlob: string | null;
  certsBytes: number | null;
  inputsRemovedAt: Date | null;
  outputsRemovedAt: Date | null;
};
export type SourceFormat = 'zip' | 'tar.gz' | 'tar.zst';

export async function readBuildRow(reader: Reader, id: string): Promise<BuildRow | undefined> {
  const [row] = await reader.query<BuildRow>(sql`
    -- read_build: builds_pkey, build_specs_pkey, workers_pkey
    select * from build_rows where id = ${id}`);
  return row;
}

/** A row, and whether events or system lines of it are on their way to its streams. */
export type BuildNow = BuildRow & { outboxWaits: boolean };

/** Those that are there, in no order. */
export async function readBuildRows(reader: Reader, ids: readonly string[]): Promise<BuildNow[]> {
  return await reader.query<BuildNow>(sql`
    -- read_builds: builds_pkey, build_specs_pkey, workers_pkey, build_outbox_build
    select r.*, exists (select 1 from build_outbox o where o.build_id = r.id) as "outboxWaits"
      from build_rows r where r.id = any((select ${ids}::text[])::text[])`);
}

/** Of a build, what says whether an attempt may write to it. */
export type HeldNow = Pick<BuildNow, 'id' | 'projectId' | 'state' | 'term' | 'workerId' | 'outboxWaits'>;

/** Those that are there, in no order. */
export async function readHeldNow(reader: Reader, ids: readonly string[]): Promise<HeldNow[]> {
  return await reader.query<HeldNow>(sql`
    -- read_held_now: builds_pkey, build_outbox_build
    select b.id, b.project_id as "projectId", b.state, b.term, b.worker_id as "workerId",
           exists (select 1 from build_outbox o where o.build_id = b.id) as "outboxWaits"
      from builds b where b.id = any((select ${ids}::text[])::text[])`);
}

/** What a build carries that only its own page and its worker need. */
export type BuildPayload = {
  command: string | null;
  env: Record<string, string>;
  /** Sealed JSON of names and values: `room.secrets.open`. */
  secretEnv: Buffer | null;
  /** The key of the sealed credential bundle, itself sealed. */
  certsKey: Buffer | null;
  /** Sealed; a provisioning profile that came beside the bundle (legacy). */
  extraProfile: Buffer | null;
};

export async function readBuildPayload(reader: Reader, id: string): Promise<BuildPayload | undefined> {
  const [payload] = await reader.query<BuildPayload>(sql`
    -- read_build_payload: build_specs_pkey
    select command, env, secret_env as "secretEnv", certs_key as "certsKey", extra_profile as "extraProfile"
      from build_specs where build_id = ${id}`);
  return payload;
}
