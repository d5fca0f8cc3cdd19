import { crc32 } from 'node:zlib';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { BuildFailure, errnoOf } from './build-failure.ts';
import { corrupt, type UnpackGuard } from './unpack-guard.ts';

const typeMask = 0o170000;
const typeFolder = 0o040000;
const typeFile = 0o100000;
const typeLink = 0o120000;
const linkBytesMax = 4_096;
/** "Version made by" of systems whose upper attribute half is a Unix mode: Unix and macOS. */
const unixMakers = new Set([3, 19]);

/** Reads the zip at `path` into the guard's folder. */
export async function unpackZip(path: string, guard: UnpackGuard, signal: AbortSignal): Promise<void> {
  const zip = await opened(path);
  try {
    for await (const entry of zip.eachEntry() as AsyncIterable<Entry>) {
      signal.throwIfAborted();
      await unpackEntry(zip, entry, guard, signal);
    }
    await guard.finish();
  } catch (error) {
    throw asFailure(error, signal);
  } finally {
    zip.close();
  }
}

async function opened(path: string): Promise<ZipFile> {
  try {
    // Names stay bytes: the checks are ours, so the library must not have an opinion on the same name before.
    return await yauzl.openPromise(path, { autoClose: false, decodeStrings: false, validateEntrySizes: true });
  } catch (error) {
    if (errnoOf(error) !== undefined) throw error;
    throw corrupt(`the source is not a readable zip: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

async function unpackEntry(zip: ZipFile, entry: Entry, guard: UnpackGuard, signal: AbortSignal): Promise<void> {
  guard.entry();
  // Some Windows tools write `\` between folders; as a part of a name it would be odd at best.
  const name = yauzl.getFileNameLowLevel(entry.generalPurposeBitFlag, entry.fileNameRaw, entry.extraFields, false);
  const mode = unixMakers.has(entry.versionMadeBy >>> 8) ? entry.externalFileAttributes >>> 16 : 0;
  guard.mode(name, (mode & typeMask) === typeFolder ? 0 : mode);
  if (!entry.canDecodeFileData())
    throw corrupt(`${JSON.stringify(name)} is encrypted or packed in a way that is not supported`);
  const type = mode & typeMask;
  if (type === typeLink) {
    return guard.symbolicLink(name, (await linkTarget(zip, entry, guard, signal)).toString('utf8'));
  }
  if (name.endsWith('/') || type === typeFolder) return guard.folder(name);
  if (type !== 0 && type !== typeFile) guard.refuse(name, 'device, pipe or socket');
  const file = await guard.file(name, (mode & 0o111) !== 0);
  try {
    for await (const chunk of contents(zip, entry, guard, signal)) await file.writeFile(chunk);
  } finally {
    await file.close();
  }
}

/** The entry's bytes, counted before anyone uses them and checked against the stored CRC. */
async function* contents(zip: ZipFile, entry: Entry, guard: UnpackGuard, signal: AbortSignal): AsyncGenerator<Buffer> {
  let sum = 0;
  for await (const chunk of (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>) {
    signal.throwIfAborted();
    guard.count(chunk.length);
    sum = crc32(chunk, sum);
    yield chunk;
  }
  if (sum !== entry.crc32)
    throw corrupt(`${JSON.stringify(entry.fileNameRaw.toString('utf8'))} is damaged: its checksum is wrong`);
}

async function linkTarget(zip: ZipFile, entry: Entry, guard: UnpackGuard, signal: AbortSignal): Promise<Buffer> {
  if (entry.uncompressedSize > linkBytesMax) throw corrupt('a link of the source is longer than any path');
  const chunks: Buffer[] = [];
  for await (const chunk of contents(zip, entry, guard, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What is neither ours nor the file system's comes from reading the zip: the archive is at fault. */
function asFailure(error: unknown, signal: AbortSignal): unknown {
  const zlib = errnoOf(error)?.startsWith('Z_') ?? false;
  if (signal.aborted || error instanceof BuildFailure || (errnoOf(error) !== undefined && !zlib)) return error;
  return corrupt(`the source is not a readable zip: ${error instanceof Error ? error.message : String(error)}`, error);
}
