import { buildSpecSchema } from '@muster/protocol';
import { asError, MusterError } from '#kernel/base';
import type { BlobKey } from '#kernel/blobs';
import { answer, type Call } from '#kernel/http';
import { cancelBuild } from '../cancel-build.ts';
import { type StoredCerts, storeCerts } from '../certs.ts';
import type { BuildRow } from '../queries/build-row.ts';
import { admitSubmit } from '../receive-submit.ts';
import type { Emission, Room } from '../room.ts';
import { storeSource } from '../store-source.ts';
import { type StoredSource, submitBuild } from '../submit-build.ts';
import type { ByKey } from './auth.ts';
import { byKey } from './auth.ts';
import { because, refuse } from './legacy-error.ts';
import type { Declare } from './legacy-routes.ts';

const profileBytesMax = 2 ** 20;
const fieldsBytesMax = 2 ** 20;

/** POST /api/builds/submit (200, times in ms) and POST /api/builds (201, times in ISO): the same submit. */
export function submitRoutes(room: Room, declare: Declare): void {
  const rule = (head: Parameters<typeof byKey>[1]): Promise<ByKey> => byKey(room, head, 'builds:operate');
  declare('POST', '/api/builds/submit', rule, async (call) => {
    const { build, accessToken } = await submit(room, call);
    return { ...common(build, accessToken), submitted_at: build.submittedAt.getTime() };
  });
  declare('POST', '/api/builds', rule, async (call) => {
    const { build, accessToken } = await submit(room, call);
    return answer(201, { ...common(build, accessToken), submitted_at: build.submittedAt.toISOString() });
  });
}

const common = (build: BuildRow, accessToken: string): Record<string, unknown> => ({
  id: build.id,
  status: 'pending',
  platform: build.platform,
  access_token: accessToken,
});

type Received = {
  source: StoredSource | undefined;
  certs: StoredCerts | undefined;
  profile: Buffer | undefined;
  platform: string | undefined;
  lines: NonNullable<Emission['line']>[];
};

async function submit(room: Room, call: Call<ByKey>): Promise<{ build: BuildRow; accessToken: string }> {
  const { who } = call.who;
  try {
    await admitSubmit(room, who, call);
  } catch (error) {
    if (error instanceof MusterError && error.status === 413) throw refuse(413, 'Source file too large');
    throw error;
  }
  const stored: BlobKey[] = [];
  try {
    const { source, certs, profile, platform, lines } = await receive(room, call, stored);
    if (!source) throw refuse(400, 'Source file required');
    if (platform !== 'ios' && platform !== 'android') {
      throw refuse(400, 'Invalid platform. Valid platform required (ios|android)');
    }
    const spec = buildSpecSchema.parse({ platform, maxRunMs: room.config.legacyMaxRunMs });
    const submitted = await submitBuild(room, who, {
      spec,
      source,
      legacy: true,
      lines,
      ...(certs ? { certs } : {}),
      ...(certs && profile ? { extraProfile: profile } : {}),
    });
    cancelWhenUnheard(room, call, submitted.build.id);
    return submitted;
  } catch (error) {
    // Where the database did not say no, it may have said yes: those files are left to the sweep.
    const saidNo = error instanceof MusterError && error.code !== 'unavailable' && error.code !== 'internal';
    if (saidNo) for (const blob of stored) await room.blobs.remove(blob).catch(() => undefined);
    throw error;
  }
}

async function receive(room: Room, call: Call<ByKey>, stored: BlobKey[]): Promise<Received> {
  const { sourceBytesMax, certsBytesMax } = room.config;
  const received: Received = {
    source: undefined,
    certs: undefined,
    profile: undefined,
    platform: undefined,
    lines: [],
  };
  const sizes: Record<string, number> = { source: sourceBytesMax, certs: certsBytesMax, profile: profileBytesMax };
  const sayings: Record<string, string> = {
    source: 'Source file too large',
    certs: 'Certs file too large',
    profile: 'Profile file too large',
  };
  const parts = call.multipart({
    bytesMax: sourceBytesMax + certsBytesMax + profileBytesMax + fieldsBytesMax,
    fileBytesMax: (name) => sizes[name],
    fileTooLarge: (name) => refuse(413, sayings[name] ?? 'File too large'),
  });
  for await (const part of parts) {
    if (part.kind === 'field') {
      if (part.name === 'platform') received.platform = part.value;
      if (part.name === 'appleId' || part.name === 'applePassword') {
        received.lines.push({ level: 'warn', text: `${part.name} is not used and was not stored` });
      }
    } else if (part.name === 'source') {
      received.source = await storeLegacySource(room, part.stream);
      if (received.source) stored.push(received.source.blob);
    } else if (part.name === 'certs') {
      const certs = await storeCerts(room, part.stream, certsBytesMax);
      stored.push(certs.blob);
      // A form whose file was left out sends an empty one.
      if (certs.bytes > 0) received.certs = certs;
      else await room.blobs.remove(certs.blob);
      room.metrics.uploadBytes.add({ purpose: 'certs' }, certs.bytes);
    } else {
      received.profile = await whole(part.stream);
    }
  }
  if (received.profile && !received.certs) {
    received.lines.push({ level: 'warn', text: 'profile is not used without certs and was not stored' });
  }
  return received;
}

/** Legacy takes any bytes: the worker finds out what they are. An empty file counts as none. */
async function storeLegacySource(room: Room, stream: AsyncIterable<Uint8Array>): Promise<StoredSource | undefined> {
  try {
    return await storeSource(room, stream, { anyFormat: true });
  } catch (error) {
    if (because(error, 'source_missing')) return undefined;
    throw error;
  }
}

async function whole(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * The old CLI gives up after 30 s and sends the whole submit again. A build whose id nobody heard would run for nobody, so
 * it is cancelled; row and reason stay visible.
 */
function cancelWhenUnheard(room: Room, call: Call<ByKey>, buildId: string): void {
  call.afterAnswer((sent) => {
    if (sent) return;
    cancelBuild(room, call.who.who, buildId, {
      stopReason: 'client_gone',
      reason: 'The client went before it got the id.',
    }).catch((error: unknown) =>
      room.telemetry.logger.warn({ error: asError(error), buildId }, 'a build nobody knows of could not be cancelled'),
    );
  });
}
