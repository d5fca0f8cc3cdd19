import { rm, stat } from 'node:fs/promises';
import type { Job } from '@muster/protocol';
import { UnpackGuard, type UnpackLimits } from './unpack-guard.ts';
import { unpackTar } from './unpack-tar.ts';
import { unpackZip } from './unpack-zip.ts';

export type Unpacked = { files: number; bytes: number };

/**
 * Unpacks a source archive into an empty folder. Throws `BuildFailure` `source_unsafe` (it tries to leave the folder, or
 * is a bomb) or `source_corrupt` (it cannot be read). The archive is removed once it is unpacked.
 */
export async function unpack(
  archive: string,
  format: Job['source']['format'],
  into: string,
  signal: AbortSignal,
  limits?: UnpackLimits,
): Promise<Unpacked> {
  const guard = new UnpackGuard(into, (await stat(archive)).size, limits);
  if (format === 'zip') await unpackZip(archive, guard, signal);
  else await unpackTar(archive, format, guard, signal);
  await rm(archive, { force: true });
  return { files: guard.files, bytes: guard.bytes };
}
