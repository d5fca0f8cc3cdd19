import { createReadStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { BuildFailure, errnoOf } from './build-failure.ts';
import { corrupt, type UnpackGuard } from './unpack-guard.ts';

/** A zstd frame may ask for up to 2 GiB of window; 128 MiB is what `--ultra` levels need. */
const zstdWindowLogMax = 27;

/** Reads the packed tar at `path` into the guard's folder. */
export async function unpackTar(
  path: string,
  format: 'tar.gz' | 'tar.zst',
  guard: UnpackGuard,
  signal: AbortSignal,
): Promise<void> {
  const unpacker =
    format === 'tar.gz'
      ? createGunzip()
      : createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLogMax } });
  // Counted where it comes out of the unpacker: headers and padding can be a bomb as well as contents.
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        guard.count(chunk.length);
        done(null, chunk);
      } catch (error) {
        done(error as Error);
      }
    },
  });
  const tar = extract();
  const fed = pipeline(createReadStream(path), unpacker, counted, tar, { signal });
  // Failed feeding also ends the loop below; the cause is kept here.
  const feeding = fed.then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error : new Error('reading the tar failed', { cause: error })),
  );
  try {
    for await (const entry of tar) {
      signal.throwIfAborted();
      await unpackEntry(entry.header, entry as AsyncIterable<Buffer>, guard);
      entry.resume();
    }
    const error = await feeding;
    if (error !== undefined) throw error;
    await guard.finish();
  } catch (error) {
    tar.destroy();
    // Our own refusal first: destroying the stream makes the feeder fail with a consequence of it.
    const cause = error instanceof BuildFailure ? error : ((await feeding) ?? error);
    throw asFailure(cause, signal);
  }
}

async function unpackEntry(header: Header, contents: AsyncIterable<Buffer>, guard: UnpackGuard): Promise<void> {
  const { name, mode } = header;
  // The library says null for a type flag it does not know.
  const type = header.type as Header['type'] | null;
  guard.entry();
  if (Object.keys(header.pax ?? {}).some((key) => key.startsWith('GNU.sparse')))
    throw corrupt(`${JSON.stringify(name)} is a sparse file, which is not supported; pack without --sparse`);
  if (type === 'file' || type === 'contiguous-file') {
    guard.mode(name, mode);
    const file = await guard.file(name, (mode & 0o111) !== 0);
    try {
      for await (const chunk of contents) await file.writeFile(chunk);
    } finally {
      await file.close();
    }
    return;
  }
  if (type === 'directory') {
    guard.mode(name, mode & 0o4000);
    await guard.folder(name);
  } else if (type === 'symlink') await guard.symbolicLink(name, header.linkname);
  else if (type === 'link') await guard.hardLink(name, header.linkname);
  else guard.refuse(name, type ?? 'thing of an unknown kind');
}

/** What is neither ours nor the file system's comes from reading the archive: the archive is at fault. */
function asFailure(error: unknown, signal: AbortSignal): unknown {
  const code = errnoOf(error);
  const ofUnpacking = code !== undefined && /^(Z_|ZSTD_|ERR_)/.test(code);
  if (signal.aborted) return signal.reason;
  if (error instanceof BuildFailure || (code !== undefined && !ofUnpacking)) return error;
  return corrupt(`the source is not a readable tar: ${error instanceof Error ? error.message : String(error)}`, error);
}
