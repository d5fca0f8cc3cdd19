import { createHash } from 'node:crypto';
import { buildLimits, type SubmitJson, type SubmitPart, type Submitted, submitPartSchema } from '@muster/protocol';
import { holdsScopes, nameOf, type Principal } from '#kernel/auth';
import { invalid, MusterError } from '#kernel/base';
import type { BlobKey } from '#kernel/blobs';
import { type Call, check, type Once, type Part, parseJson } from '#kernel/http';
import { requireBuild } from './access.ts';
import { requireUpload } from './append-upload.ts';
import { checkStoredCerts, type StoredCerts, storeCerts } from './certs.ts';
import { tooLarge } from './open-upload.ts';
import { readBuildPayload } from './queries/build-row.ts';
import { countKeyBacklog } from './queries/submit.ts';
import { noSuchUpload } from './queries/uploads.ts';
import { peekQuota } from './quota.ts';
import type { Room } from './room.ts';
import { sourceMissing, storeSource } from './store-source.ts';
import {
  keyBacklogFull,
  type SharedSource,
  type StoredSource,
  type SubmitCerts,
  sourceExpired,
  submitOnce,
} from './submit-build.ts';

const fieldsBytesMax = 2 ** 20;
const jsonDepthMax = 8;

/** What can refuse a submit that brings no file: pace and disk. Its quotas are for the transaction to say, a moment later. */
export async function admitSmall(room: Room, who: Principal): Promise<void> {
  room.intake.takeSubmit(nameOf(who));
  await room.intake.checkDisk(0);
}

/** Everything that can refuse a submit before its body is read: pace, quotas, declared size, disk. */
export async function admitSubmit(room: Room, who: Principal, head: Pick<Call, 'headers'>): Promise<void> {
  room.intake.takeSubmit(nameOf(who));
  const declared = Number(head.headers['content-length'] ?? 0);
  if (declared > bodyBytesMax(room)) throw tooLarge('source', room.config.sourceBytesMax);
  await peekQuota(room, who.projectId, { builds: 1, bytes: declared });
  await room.intake.checkDisk(declared);
}

const bodyBytesMax = (room: Room): number => room.config.sourceBytesMax + room.config.certsBytesMax + fieldsBytesMax;

type Received = { part: SubmitPart; source: StoredSource; certs: StoredCerts | undefined };

/** A submit as multipart: parts in any order, files straight to disk. */
export async function submitMultipart(room: Room, call: Call<Principal>): Promise<Submitted> {
  const { who } = call;
  await admitSubmit(room, who, call);
  const stored: BlobKey[] = [];
  try {
    const received = await receive(room, call, stored);
    const { part, source, certs } = received;
    if (certs) await checkStoredCerts(room, certs);
    const { failIfNoWorker, ...spec } = part;
    const { submitted, made } = await submitOnce(
      room,
      who,
      { spec, source, ...(certs ? { certs } : {}), failIfNoWorker, asked: asked(call) },
      onceOf(call, [part, source.sha256, certs?.sha256]),
    );
    // The answer is that of an earlier call: its files are the ones that count.
    if (!made) await removeAll(room, stored);
    return submitted;
  } catch (error) {
    // Where the database did not say no, it may have said yes: those files are left to the sweep.
    if (!(error instanceof MusterError) || (error.code !== 'unavailable' && error.code !== 'internal'))
      await removeAll(room, stored);
    throw error;
  }
}

async function receive(room: Room, call: Call<Principal>, stored: BlobKey[]): Promise<Received> {
  let part: SubmitPart | undefined;
  let source: StoredSource | undefined;
  let certs: StoredCerts | undefined;
  const fileMax: Record<string, number> = { source: room.config.sourceBytesMax, certs: room.config.certsBytesMax };
  const parts = call.multipart({
    bytesMax: bodyBytesMax(room),
    fileBytesMax: (name) => fileMax[name],
    fileTooLarge: (name, bytesMax) => tooLarge(name === 'certs' ? 'certs' : 'source', bytesMax),
  });
  for await (const item of parts) {
    if (item.kind === 'field') {
      part = readField(item);
      await peekBacklog(room, call.who, part);
    } else if (item.name === 'source') {
      source = await storeSource(room, item.stream);
      stored.push(source.blob);
    } else {
      certs = await storeCerts(room, item.stream, room.config.certsBytesMax);
      stored.push(certs.blob);
      room.metrics.uploadBytes.add({ purpose: 'certs' }, certs.bytes);
    }
  }
  if (!source) throw sourceMissing();
  return { part: part ?? check(submitPartSchema, {}, 'body'), source, certs };
}

function readField({ name, value }: Extract<Part, { kind: 'field' }>): SubmitPart {
  if (name !== 'build') {
    throw invalid(
      'unknown_part',
      `There is no field ${JSON.stringify(name.slice(0, 64))} here; what a build needs stands in "build".`,
      {
        errors: [{ pointer: `/${name.slice(0, 64)}`, detail: 'unknown field; did you mean build?' }],
      },
    );
  }
  return check(submitPartSchema, parseJson(Buffer.from(value), jsonDepthMax), 'body');
}

/** When the field comes before the file, a full line is said before the file is read. */
async function peekBacklog(room: Room, who: Principal, { concurrency }: SubmitPart): Promise<void> {
  if (!concurrency || concurrency.mode !== 'queue') return;
  if ((await countKeyBacklog(room.db, who.projectId, concurrency.key)) >= buildLimits.keyBacklogMax)
    throw keyBacklogFull(concurrency.key);
}

/** A submit as JSON, of files that are here already. */
export async function submitJson(room: Room, call: Call<Principal>, input: SubmitJson): Promise<Submitted> {
  const { who } = call;
  const { source: from, certs: certsFrom, failIfNoWorker, ...spec } = input;
  const source =
    'uploadId' in from
      ? await sourceOfUpload(room, who, from.uploadId)
      : await sourceOfBuild(room, call, from.fromBuild);
  const certs =
    certsFrom &&
    ('uploadId' in certsFrom
      ? await certsOfUpload(room, who, certsFrom.uploadId)
      : await certsOfBuild(room, who, certsFrom.fromBuild));
  const { submitted } = await submitOnce(
    room,
    who,
    { spec, source, ...(certs ? { certs: certs.file } : {}), failIfNoWorker, asked: asked(call) },
    onceOf(call, [{ ...spec, failIfNoWorker }, 'sha256' in source ? source.sha256 : source.fromBuild, certs?.sha256]),
  );
  return submitted;
}

// Whether an upload is used already is for the transaction to say: a repeat under the same key must come that far.
async function sourceOfUpload(room: Room, who: Principal, uploadId: string): Promise<StoredSource> {
  const row = await requireUpload(room, who, uploadId);
  if (row.purpose !== 'source' || row.sha256 === null || row.format === null) throw noSuchUpload();
  return { blob: row.blob, bytes: row.sizeBytes, sha256: row.sha256, format: row.format, uploadId };
}

/** What counts as the same call is its content: with an idempotency key the source is looked up before. */
async function sourceOfBuild(
  room: Room,
  { who, headers }: Pick<Call<Principal>, 'who' | 'headers'>,
  fromBuild: string,
): Promise<StoredSource | SharedSource> {
  if (holdsScopes(who) && headers['idempotency-key'] === undefined) {
    room.auth.requireScope(who, 'builds:read');
    return { fromBuild };
  }
  const row = await requireBuild(room, room.db, who, fromBuild, 'read');
  if (row.inputsRemovedAt) throw sourceExpired();
  return {
    blob: row.sourceBlob,
    bytes: row.sourceBytes,
    sha256: row.sourceSha256,
    format: row.sourceFormat,
    fromBuild,
  };
}

type CertsFrom = { file: SubmitCerts; sha256: string };

async function certsOfUpload(room: Room, who: Principal, uploadId: string): Promise<CertsFrom> {
  const row = await requireUpload(room, who, uploadId);
  if (row.purpose !== 'certs' || row.sha256 === null || row.sealedKey === null) throw noSuchUpload();
  return { file: { blob: row.blob, bytes: row.sizeBytes, wrappedKey: row.sealedKey, uploadId }, sha256: row.sha256 };
}

async function certsOfBuild(room: Room, who: Principal, fromBuild: string): Promise<CertsFrom> {
  const row = await requireBuild(room, room.db, who, fromBuild, 'operate');
  const payload = await readBuildPayload(room.db, fromBuild);
  if (row.inputsRemovedAt || !row.certsBlob || !payload?.certsKey) throw sourceExpired();
  const file = { blob: row.certsBlob, bytes: row.certsBytes ?? 0, wrappedKey: payload.certsKey, fromBuild };
  return { file, sha256: row.certsBlob };
}

/** For a call with an `Idempotency-Key`: what counts as the same call, such as its fields and the content of its files. */
export function onceOf(call: Pick<Call, 'headers' | 'once'>, same: readonly unknown[]): Once | undefined {
  if (call.headers['idempotency-key'] === undefined) return undefined;
  return call.once(createHash('sha256').update(JSON.stringify(same)).digest('hex'));
}

export const asked = (call: Pick<Call, 'requestId' | 'address'>): { requestId: string; address: string } => ({
  requestId: call.requestId,
  address: call.address,
});

async function removeAll(room: Room, blobs: readonly BlobKey[]): Promise<void> {
  for (const blob of blobs) await room.blobs.remove(blob).catch(() => undefined); // the sweep takes what stays
}
