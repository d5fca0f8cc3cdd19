import { artifactSchema } from '@muster/protocol';
import { z } from 'zod';
import { invalid, notFound } from '#kernel/base';
import { type Answer, answer, type Call, type Routes } from '#kernel/http';
import { requireBuild } from './access.ts';
import { showArtifact } from './build-shape.ts';
import { countRefusals } from './count-refusals.ts';
import { sendBlob } from './open-blob.ts';
import { findArtifact } from './queries/artifacts.ts';
import type { SourceFormat } from './queries/build-row.ts';
import { readCerts } from './read-certs.ts';
import { asked } from './receive-submit.ts';
import type { Room } from './room.ts';
import { type StoredArtifact, storeArtifact, storeArtifactUpload } from './store-artifact.ts';

const oneBuild = z.object({ id: z.string() });
const oneArtifact = z.object({ id: z.string(), name: z.string() });
const term = z.coerce.number().int().min(1);
const fromUpload = z.strictObject({
  uploadId: z.string().max(64),
  name: z.string().max(1_024),
  term: z.number().int().min(1),
  contentType: z.string().max(200).optional(),
});
const readers = { scope: 'builds:read', or: ['build', 'attempt', 'worker'] } as const;
const holders = { scope: 'builds:operate', or: ['attempt', 'worker'] } as const;
const certsAnswer = z.object({
  p12: z.string(),
  p12Password: z.string(),
  keychainPassword: z.string(),
  provisioningProfiles: z.array(z.string()),
});
const stored = {
  200: { description: 'It was there already, with the same bytes', schema: artifactSchema },
  201: { description: 'Stored', schema: artifactSchema },
};
const bytes = {
  200: { description: 'The file', contentType: 'application/octet-stream' },
  206: { description: 'The range asked for' },
  304: { description: 'Not changed' },
};

/** The files of a build: artifacts, source, signing material. */
export function artifactRoutes(room: Room): (http: Routes) => void {
  return (http) => {
    http.route({
      method: 'PUT',
      path: '/v1/builds/:id/artifacts/:name',
      auth: holders,
      summary: 'Store an artifact of the attempt that holds the build',
      description: '`Content-Digest: sha-256=:…:` is checked when it is there.',
      params: oneArtifact,
      query: z.object({ term }),
      rate: 'exempt',
      accepts: { 'application/octet-stream': 'the file, as it is' },
      answers: stored,
      handle: (call) => countRefusals(room, () => putArtifact(room, call, call.input.params, call.input.query.term)),
    });
    http.route({
      method: 'POST',
      path: '/v1/builds/:id/artifacts',
      auth: holders,
      summary: 'Store an artifact from a complete upload',
      params: oneBuild,
      body: fromUpload,
      answers: stored,
      handle: (call) =>
        countRefusals(room, async () => {
          const { contentType, ...input } = call.input.body;
          return shown(
            await storeArtifactUpload(room, call.who, {
              buildId: call.input.params.id,
              ...input,
              ...(contentType === undefined ? {} : { contentType }),
            }),
          );
        }),
    });
    http.route({
      method: 'GET',
      path: '/v1/builds/:id/artifacts/:name',
      auth: readers,
      summary: 'Download an artifact; without `term` that of the newest successful attempt',
      params: oneArtifact,
      query: z.object({ term: term.optional() }),
      rate: 'exempt',
      answers: bytes,
      handle: async (call) => {
        const { id, name } = call.input.params;
        const row = await requireBuild(room, room.db, call.who, id, 'read');
        const artifact = await findArtifact(room.db, row.id, name, call.input.query.term);
        if (!artifact) throw notFound('no_such_artifact', 'This build has no such artifact.');
        if (artifact.removedAt) throw notFound('artifact_expired', 'This artifact was removed by retention.');
        return await sendBlob(
          room,
          call,
          { blob: artifact.blob, bytes: artifact.sizeBytes, sha256: artifact.sha256 },
          { fileName: artifact.name, contentType: artifact.contentType, buildId: row.id, projectId: row.projectId },
        );
      },
    });
    http.route({
      method: 'GET',
      path: '/v1/builds/:id/source',
      auth: readers,
      summary: 'Download the source archive as it was sent',
      params: oneBuild,
      rate: 'exempt',
      answers: bytes,
      handle: async (call) => {
        const row = await requireBuild(room, room.db, call.who, call.input.params.id, 'read');
        if (row.inputsRemovedAt) throw notFound('source_expired', 'The source of this build was removed by retention.');
        return await sendBlob(
          room,
          call,
          { blob: row.sourceBlob, bytes: row.sourceBytes, sha256: row.sourceSha256 },
          {
            fileName: `${row.id}.${row.sourceFormat}`,
            contentType: sourceTypes[row.sourceFormat],
            buildId: row.id,
            projectId: row.projectId,
          },
        );
      },
    });
    http.route({
      method: 'GET',
      path: '/v1/builds/:id/certs',
      auth: readers,
      summary: 'Signing material, for the attempt that holds the build only; every read is audited',
      params: oneBuild,
      answers: { 200: { description: 'Base64, except the passwords', schema: certsAnswer } },
      handle: async (call) => {
        const certs = await readCerts(room, call.who, call.input.params.id, asked(call));
        return answer(200, certs, { 'cache-control': 'no-store' });
      },
    });
  };
}

const sourceTypes: Record<SourceFormat, string> = {
  zip: 'application/zip',
  'tar.gz': 'application/gzip',
  'tar.zst': 'application/zstd',
};

async function putArtifact(
  room: Room,
  call: Call<Parameters<typeof storeArtifact>[1]>,
  { id, name }: { id: string; name: string },
  term: number,
): Promise<Answer> {
  const sha256 = digestOf(call.headers['content-digest']);
  const declared = call.headers['content-length'];
  const { artifactBytesMax } = room.config;
  return shown(
    await storeArtifact(
      room,
      call.who,
      {
        buildId: id,
        name,
        term,
        ...(call.contentType === '' ? {} : { contentType: call.contentType }),
        ...(declared === undefined ? {} : { sizeBytes: Number(declared) }),
        ...(sha256 === undefined ? {} : { sha256 }),
      },
      // One byte more than an artifact may have: the operation finds the excess and says so in its own words.
      call.stream({ bytesMax: artifactBytesMax + 1 }),
    ),
  );
}

const shown = ({ artifact, created }: StoredArtifact): Answer => answer(created ? 201 : 200, showArtifact(artifact));

/** RFC 9530; other algorithms beside sha-256 are left alone. */
function digestOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const [, base64] = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?:,|$)/.exec(String(header)) ?? [];
  if (base64 !== undefined) return Buffer.from(base64, 'base64').toString('hex');
  if (!/sha-256=/.test(String(header))) return undefined;
  throw invalid('bad_digest', 'Content-Digest is sha-256=:<44 characters of base64>:.', {
    errors: [{ pointer: 'Content-Digest', detail: 'not a sha-256 digest' }],
  });
}
