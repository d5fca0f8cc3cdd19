import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { notFound, unavailable } from '#kernel/base';
import { type BlobKey, type BlobStore, putBlob } from '#kernel/blobs';
import { checkBundle } from './certs-bundle.ts';
import type { BuildsDeps } from './deps.ts';
import type { Gate } from './gate.ts';
import { newBlobKey } from './queries/blob-names.ts';

/* A stored bundle is one file: 12 bytes nonce, ciphertext, 16 bytes tag (AES-256-GCM) under a key of its own. That key is
 * stored wrapped by the server's secret (I8). Plain bytes exist in memory only, for at most `certsReadsMax` bundles at once. */

const nonceBytes = 12;
const tagBytes = 16;
const sealedExtraBytes = nonceBytes + tagBytes;

/** A bundle on disk, not yet part of a build. `bytes` and `sha256` are of what was sent. */
export type StoredCerts = { blob: BlobKey; bytes: number; sha256: string; wrappedKey: Buffer; uploadId?: string };

type Deps = Pick<BuildsDeps, 'blobs' | 'secrets'> & { intake: { certsGate: Gate } };

/** Streams a bundle to disk, sealed on the way; more than `bytesMax` → 413 `size_exceeded`. Nothing stays after a failure. */
export async function storeCerts(
  room: Deps,
  source: AsyncIterable<Uint8Array>,
  bytesMax: number,
): Promise<StoredCerts> {
  const key = randomBytes(32);
  const wrappedKey = room.secrets.seal(key);
  const hash = createHash('sha256');
  const blob = newBlobKey('certs');
  const { bytes } = await putBlob(room.blobs, blob, sealed(key, source, hash), bytesMax + sealedExtraBytes);
  return { blob, bytes: bytes - sealedExtraBytes, sha256: hash.digest('hex'), wrappedKey };
}

/** Reads a stored bundle once and refuses it (`invalid` `certs_invalid`) when no worker could use it. */
export async function checkStoredCerts(room: Deps, certs: Pick<StoredCerts, 'blob' | 'wrappedKey'>): Promise<void> {
  await room.intake.certsGate.run(async () => checkBundle(await openCerts(room, certs)));
}

/** The bytes as they were sent. Call it inside the gate. Errors: `unavailable` `secrets_unreadable`, `notFound` `blob_gone`. */
export async function openCerts(
  room: Pick<Deps, 'blobs' | 'secrets'>,
  certs: { blob: BlobKey; wrappedKey: Uint8Array },
): Promise<Buffer> {
  const key = room.secrets.open(certs.wrappedKey);
  return unsealed(key, await wholeBlob(room.blobs, certs.blob));
}

async function* sealed(
  key: Buffer,
  source: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array, void, void> {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  yield nonce;
  for await (const chunk of source) {
    hash.update(chunk);
    yield cipher.update(chunk);
  }
  yield Buffer.concat([cipher.final(), cipher.getAuthTag()]);
}

function unsealed(key: Buffer, file: Buffer): Buffer {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, file.subarray(0, nonceBytes));
    decipher.setAuthTag(file.subarray(-tagBytes));
    return Buffer.concat([decipher.update(file.subarray(nonceBytes, -tagBytes)), decipher.final()]);
  } catch (error) {
    // The key opened, so the secret is right and the file is not what was stored.
    throw unavailable('storage_error', 'The stored credential bundle is damaged.', { cause: error });
  }
}

async function wholeBlob(blobs: BlobStore, blob: BlobKey): Promise<Buffer> {
  const facts = await blobs.stat(blob);
  if (!facts) throw notFound('certs_gone', 'The stored credential bundle is missing.');
  const chunks: Buffer[] = [];
  for await (const chunk of (await blobs.read(blob)) as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
