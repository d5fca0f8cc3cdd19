import { type BuildSpec, buildLimits, type Submitted } from '@muster/protocol';
import { type AuditEntry, holdsScopes, nameOf, type Principal, writeAudits } from '#kernel/auth';
import { conflict, exhausted, must, newId, reach } from '#kernel/base';
import type { BlobKey } from '#kernel/blobs';
import type { Reader, Tx } from '#kernel/db';
import type { Once } from '#kernel/http';
import { hashOf, newAccessToken, noSuchBuild } from './access.ts';
import { showBuild } from './build-shape.ts';
import { stopIn } from './cancel-build.ts';
import type { StoredCerts } from './certs.ts';
import { withDemand } from './find-demand.ts';
import { type BuildRow, readBuildRow, type SourceFormat } from './queries/build-row.ts';
import { addBlobs } from './queries/storage.ts';
import * as submit from './queries/submit.ts';
import { useUpload } from './queries/uploads.ts';
import { checkQuota } from './quota.ts';
import type { Emission, Room } from './room.ts';

/**
 * Where a file came from: nothing said = stored just now; an upload, used up by the submit; `fromBuild` = shared with that
 * build, neither counted nor removed again.
 */
type Origin = { uploadId?: string; fromBuild?: string };
export type StoredSource = Origin & { blob: BlobKey; bytes: number; sha256: string; format: SourceFormat };
/** The source of a build of the caller's project; the transaction finds it. */
export type SharedSource = { fromBuild: string };
export type SubmitCerts = Origin & Pick<StoredCerts, 'blob' | 'bytes' | 'wrappedKey'>;

export type Asked = { requestId?: string; address?: string };

export type SubmitInput = {
  spec: BuildSpec;
  source: StoredSource | SharedSource;
  certs?: SubmitCerts;
  /** Sealed JSON to take over as it is, in place of `spec.secretEnv` (retry). */
  sealedSecretEnv?: { sealed: Uint8Array; names: readonly string[] };
  /** A provisioning profile that came beside the bundle (legacy), plain or already sealed. */
  extraProfile?: Uint8Array;
  sealedExtraProfile?: Uint8Array;
  retryOf?: string;
  failIfNoWorker?: boolean;
  legacy?: boolean;
  /** The request behind it, for the audit row. */
  asked?: Asked;
  /** Further system lines after the first, such as what was dropped from a legacy submit. */
  lines?: readonly NonNullable<Emission['line']>[];
};

/**
 * A new build of files that are already on disk, and the one showing of its access token. In one transaction: quotas,
 * older builds of the key superseded when asked, rows, events. Errors: `forbidden` `missing_scope`; `exhausted`
 * `queue_full storage_full key_backlog_full demands_full`; `conflict` `no_matching_worker upload_used source_expired`;
 * `notFound` `no_such_upload`.
 */
export async function submitBuild(
  room: Room,
  who: Principal,
  input: SubmitInput,
): Promise<{ build: BuildRow; accessToken: string }> {
  const { id, accessToken } = await inDemand(room, who, input, (_tx, made) => Promise.resolve(made));
  return { build: must(await readBuildRow(room.db, id), 'the new build'), accessToken };
}

/** The same as a `/v1` answer; `made` says whether this call made the build, or repeated the answer of one before it. */
export async function submitOnce(
  room: Room,
  who: Principal,
  input: SubmitInput,
  once: Once | undefined,
): Promise<{ submitted: Submitted; made: boolean }> {
  if (!once) {
    const made = isPlain(input)
      ? await submitPlain(room, who, input)
      : await inDemand(room, who, input, (_tx, made) => Promise.resolve(made));
    return {
      submitted: await room.live.submitted.do({ made, spec: input.spec, projectId: who.projectId }),
      made: true,
    };
  }
  let made = false;
  const submitted = await inDemand(
    room,
    who,
    input,
    (tx, build) => {
      made = true;
      return showSubmitted(room, tx, build);
    },
    once,
  );
  return { submitted, made };
}

export type Made = { id: string; accessToken: string; sig: number };

/** What a repeat must give again is put together inside the transaction; else after it, so that workers hear of it sooner. */
export async function showSubmitted(room: Room, reader: Reader, { id, accessToken }: Made): Promise<Submitted> {
  const row = must(await readBuildRow(reader, id), 'the new build');
  return { ...(await showBuild(room, reader, row)), accessToken };
}

/** Nothing but rows of its own: such submits can be one transaction. */
const isPlain = (input: SubmitInput): boolean =>
  !input.failIfNoWorker && !input.spec.concurrency && filesOf(input).every(({ uploadId }) => uploadId === undefined);

async function submitPlain(room: Room, who: Principal, input: SubmitInput): Promise<Made> {
  mayOperate(room, who, input);
  const made = await withDemand(room, demandOf(who.projectId, input.spec), async (sig) => {
    const done = await room.live.submits.do({ who, sig, input });
    if ('error' in done) throw done.error;
    return done;
  });
  await reach('submit.committed');
  return made;
}

function mayOperate(room: Room, who: Principal, { retryOf }: SubmitInput): void {
  if (holdsScopes(who) && retryOf === undefined) room.auth.requireScope(who, 'builds:operate');
}

async function inDemand<T>(
  room: Room,
  who: Principal,
  input: SubmitInput,
  then: (tx: Tx, made: Made) => Promise<T>,
  once: Once = (_tx, body) => body(),
): Promise<T> {
  mayOperate(room, who, input);
  const demand = demandOf(who.projectId, input.spec);
  const result = await withDemand(room, demand, (sig) =>
    room.db.transaction((tx) => once(tx, async () => then(tx, await insertSubmitted(room, tx, who, sig, input)))),
  );
  await reach('submit.committed');
  return result;
}

export const demandOf = (
  projectId: string,
  spec: Pick<BuildSpec, 'queue' | 'platform' | 'requires'>,
): submit.DemandKey => ({
  projectId,
  queue: spec.queue,
  platform: spec.platform,
  requires: spec.requires,
});

/** The rows of one submit, inside a transaction; wakes workers after its commit. */
export async function insertSubmitted(
  room: Room,
  tx: Tx,
  who: Principal,
  sig: number,
  input: SubmitInput,
): Promise<Made> {
  const [made] = await insertAll(room, tx, who.projectId, [{ who, sig, input }]);
  return must(made, 'the only one of a list');
}

/** The rows of submits of one project: all of them, or none. */
export async function insertAll(
  room: Room,
  tx: Tx,
  projectId: string,
  submits: readonly { who: Principal; sig: number; input: SubmitInput }[],
): Promise<Made[]> {
  const own = submits.flatMap(({ input }) => ownFilesOf(input));
  const bytes = own.reduce((sum, file) => sum + file.bytes, 0);
  // Asked at once. The hold on demands comes with the first of them, so those that are found stay.
  const [, shared, there] = await Promise.all([
    checkQuota(room, tx, projectId, { builds: submits.length, bytes }),
    lockShared(tx, projectId, submits),
    submit.demandsThere(
      tx,
      projectId,
      submits.map(({ sig }) => sig),
    ),
  ]);
  for (const { kind, uploadId } of own) {
    if (uploadId !== undefined) await useUpload(tx, { projectId, id: uploadId, purpose: kind });
  }
  const news: (Made & { build: submit.NewBuild; spec: submit.NewSpec })[] = [];
  for (const { who, sig, input } of submits) {
    const { spec } = input;
    const demand = demandOf(projectId, spec);
    if (!there.has(sig)) throw room.intake.demands.gone(demand);
    if (input.failIfNoWorker && !(await submit.someWorkerMatches(tx, demand))) throw noWorker(demand);
    const made = { id: newId('build'), accessToken: newAccessToken(), sig };
    if (spec.concurrency) await clearKey(room, tx, projectId, made.id, spec.concurrency);
    const source = 'blob' in input.source ? input.source : must(shared.get(input.source.fromBuild), 'a locked source');
    news.push({
      ...made,
      build: buildRowOf(demand, sig, made.id, spec),
      spec: { ...specRow(room, who, input, source), accessTokenHash: hashOf(made.accessToken) },
    });
  }
  const queued = submit.insertBuilds(tx, news);
  if (own.length > 0)
    await addBlobs(
      tx,
      own.map(({ kind, blob, bytes }) => ({ blob, projectId, kind, bytes })),
    );
  // First of all effects: a worker may wait for this.
  tx.afterCommit(() => {
    const waits = new Map(queued.rows.map(({ id, waitMs }) => [id, waitMs]));
    for (const { id, build } of news) room.live.wakeAfter(waits.get(id) ?? 0, { projectId, sig: build.sig });
  });
  await writeAudits(
    tx,
    submits.map(({ who, input }, n) => auditOf(who, news[n]?.id ?? '', input)),
  );
  await room.emit(
    tx,
    submits.flatMap(({ who, input }, n) => emissionsOf(who, news[n]?.id ?? '', input)),
  );
  return news.map(({ id, accessToken, sig }) => ({ id, accessToken, sig }));
}

/**
 * The sources of builds whose files are shared; they are locked against retention from here on. `conflict`
 * `source_expired`, `notFound` `no_such_build`.
 */
async function lockShared(
  tx: Tx,
  projectId: string,
  submits: readonly { input: SubmitInput }[],
): Promise<Map<string, submit.SharedSource>> {
  const from = new Set(submits.flatMap(({ input }) => filesOf(input).flatMap(({ fromBuild }) => fromBuild ?? [])));
  if (from.size === 0) return new Map();
  const found = new Map((await submit.lockSources(tx, projectId, [...from])).map((source) => [source.id, source]));
  if (found.size < from.size) throw noSuchBuild();
  if ([...found.values()].some(({ removed }) => removed)) throw sourceExpired();
  return found;
}

const buildRowOf = (demand: submit.DemandKey, sig: number, id: string, spec: BuildSpec): submit.NewBuild => ({
  ...demand,
  id,
  sig,
  priority: spec.priority,
  notBefore: spec.notBefore ?? null,
  queueDeadlineMs: spec.queueDeadlineMs ?? null,
  ckey: spec.concurrency?.key ?? null,
  keyLimit: spec.concurrency?.limit ?? null,
  attemptsMax: spec.attemptsMax,
  maxRunMs: spec.maxRunMs,
});

function emissionsOf(who: Principal, buildId: string, { spec, retryOf, lines = [] }: SubmitInput): Emission[] {
  const text = retryOf === undefined ? 'Build submitted' : `Build submitted (retry of ${retryOf})`;
  const common = { projectId: who.projectId, buildId, queue: spec.queue };
  const data = { platform: spec.platform, submittedBy: nameOf(who), ...(retryOf === undefined ? {} : { retryOf }) };
  return [
    { ...common, type: 'submitted', data, line: { level: 'info', text } },
    ...lines.map((line): Emission => ({ ...common, type: 'line_only', line })),
  ];
}

type File = Origin & { kind: 'source' | 'certs' };
/** Stored for this very build, which it is counted with. */
type OwnFile = File & { blob: BlobKey; bytes: number };

/** Source first: two transactions that add to the same counters do it in the same order. */
const filesOf = ({ source, certs }: SubmitInput): (File | OwnFile)[] => [
  { ...source, kind: 'source' },
  ...(certs ? [{ ...certs, kind: 'certs' as const }] : []),
];

const ownFilesOf = (input: SubmitInput): OwnFile[] =>
  filesOf(input).flatMap((file) => ('blob' in file && file.fromBuild === undefined ? [file] : []));

export const sourceExpired = (): Error =>
  conflict('source_expired', 'The source of that build is no longer stored; submit it again.');

function auditOf(who: Principal, id: string, { spec, retryOf, asked }: SubmitInput): AuditEntry {
  const { queue, platform, priority } = spec;
  const action = retryOf === undefined ? 'builds.submit' : 'builds.retry';
  return { who, action, subject: retryOf ?? id, after: { id, queue, platform, priority }, ...asked };
}

/** Makes way on the key when the submit asks for it, and refuses a line that is too long. */
async function clearKey(
  room: Room,
  tx: Tx,
  projectId: string,
  by: string,
  { key, mode }: NonNullable<BuildSpec['concurrency']>,
): Promise<void> {
  await submit.lockKey(tx, projectId, key);
  if (mode === 'cancelOlder') {
    const buildIds = await submit.lockUnfinishedOfKey(tx, projectId, key);
    if (buildIds.length > 0)
      await stopIn(room, tx, buildIds, { event: 'cancel', stopReason: 'superseded', detail: by });
  } else if ((await submit.countKeyBacklog(tx, projectId, key)) >= buildLimits.keyBacklogMax) {
    throw keyBacklogFull(key);
  }
}

export const keyBacklogFull = (key: string): Error =>
  exhausted(
    'key_backlog_full',
    `${buildLimits.keyBacklogMax} builds already wait for the key ${JSON.stringify(key)}.`,
    {
      retryAfterMs: 5_000,
    },
  );

function specRow(
  room: Room,
  who: Principal,
  input: SubmitInput,
  source: Omit<StoredSource, keyof Origin>,
): Omit<submit.NewSpec, 'accessTokenHash'> {
  const { spec, certs } = input;
  const names = Object.keys(spec.secretEnv);
  const seal = (text: string): Uint8Array => room.secrets.seal(Buffer.from(text));
  return {
    name: spec.name ?? null,
    tags: spec.tags,
    requires: spec.requires,
    notBefore: spec.notBefore ?? null,
    queueDeadlineMs: spec.queueDeadlineMs ?? null,
    keyMode: spec.concurrency?.mode ?? null,
    task: spec.task ?? null,
    command: spec.command ?? null,
    env: spec.env,
    secretEnv: input.sealedSecretEnv?.sealed ?? (names.length > 0 ? seal(JSON.stringify(spec.secretEnv)) : null),
    secretEnvNames: input.sealedSecretEnv?.names ?? names,
    retryOn: spec.retryOn,
    expects: spec.expects,
    retryOf: input.retryOf ?? null,
    submittedBy: nameOf(who),
    legacy: input.legacy ?? false,
    sourceBlob: source.blob,
    sourceBytes: source.bytes,
    sourceSha256: source.sha256,
    sourceFormat: source.format,
    certsBlob: certs?.blob ?? null,
    certsKey: certs?.wrappedKey ?? null,
    certsBytes: certs?.bytes ?? null,
    extraProfile: input.sealedExtraProfile ?? (input.extraProfile ? room.secrets.seal(input.extraProfile) : null),
  };
}

function noWorker(demand: submit.DemandKey): Error {
  const labels = Object.entries(demand.requires).map(([name, value]) => `${name}=${value}`);
  const wanted = `platform ${demand.platform}${labels.length > 0 ? ` and ${labels.join(', ')}` : ''}`;
  return conflict('no_matching_worker', `No registered worker has ${wanted}.`, {
    extra: { platform: demand.platform, requires: demand.requires },
  });
}
