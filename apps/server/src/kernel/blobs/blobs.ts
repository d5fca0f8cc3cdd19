import type { Readable } from 'node:stream';

/** What a finished write amounts to. `sha256` is 64 hex digits. */
export type BlobFacts = { bytes: number; sha256: string };
export type ByteRange = { start: number /** inclusive */; end: number };

/** Keys are ours only (`<prefix>/<id>`, `[a-z0-9_/-]`); a name from a user is never part of one. */
export type BlobKey = string;

export type BlobEntry = { key: BlobKey; bytes: number /** epoch ms */; modifiedAt: number };

/**
 * A write in progress. Nothing is visible under its key before `commit` resolves: staged file, hash, fsync, rename, fsync
 * of the folder (or the store's own complete). A commit on a key that exists replaces it whole. Disposing without
 * commit leaves nothing behind.
 */
export interface BlobWriter extends AsyncDisposable {
  /** Bytes taken so far. */
  readonly bytes: number;
  /**
   * Resolves when the chunk was taken; awaiting it is the back-pressure, and one call at a time is allowed. The writer
   * owns the chunk: it may still be on its way to the disk after this resolves, and its memory is given back then (its
   * length becomes 0). `unavailable` `disk_full` when there is
   * no room, `unavailable` `storage_error` when the store failed; both may come from a later call than the one they hit.
   */
  write(chunk: Uint8Array): Promise<void>;
  commit(): Promise<BlobFacts>;
}

/** `ended` is `cut` when the source broke off; `cause` is then what it threw. `offset` is synced in both cases. */
export type Appended = { offset: number; ended: 'whole' } | { offset: number; ended: 'cut'; cause: unknown };

/**
 * A write that survives cuts and restarts: `append` acknowledges only what is synced, `offset` is asked after a restart,
 * `finish` hashes and publishes under the key. One user at a time: the second gets `conflict` `upload_busy`.
 */
export interface ResumableBlob {
  /** Bytes kept and synced; 0 when nothing was stored yet; the whole size when it is finished. */
  offset(): Promise<number>;
  /**
   * Streams `source` to the end of the staged part, at most `bytesMax` bytes in this call; resolves with the new, synced
   * offset, also when the source broke off. Its chunks are the store's, as those of a writer. A source that has more: the first `bytesMax` bytes stay, then `invalid`
   * `size_exceeded` with `offset`. `unavailable` `disk_full`: nothing of this call stays, what was acknowledged does.
   */
  append(source: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Appended>;
  /** Publishes; again after a crash gives the same facts. `notFound` `blob_gone` when no byte was ever stored. */
  finish(): Promise<BlobFacts>;
  /** Forgets the staged bytes; what is not there is not an error. A finished blob stays. */
  discard(): Promise<void>;
}

export interface BlobStore extends AsyncDisposable {
  readonly kind: 'disk' | 's3';
  create(key: BlobKey): Promise<BlobWriter>;
  resumable(key: BlobKey): Promise<ResumableBlob>;
  /** `undefined` when there is no such blob. */
  stat(key: BlobKey): Promise<{ bytes: number } | undefined>;
  /**
   * Streams the blob; the caller consumes or destroys the stream. `range.end` past the end is cut to it. `notFound`
   * `blob_gone` when there is no such blob, `invalid` `range_outside` (416, `bytes`) when the range starts past the end.
   */
  read(key: BlobKey, range?: ByteRange): Promise<Readable>;
  /** Removing what is not there is not an error. */
  remove(key: BlobKey): Promise<void>;
  /** Blobs whose key starts with `prefix`, after `after`, in key order, at most `blobListMax`: fewer means the end. */
  list(prefix: string, after?: BlobKey): Promise<BlobEntry[]>;
  /** Bytes free for new blobs; `undefined` where the store has no such number. */
  freeBytes(): Promise<number | undefined>;
  /**
   * Removes what was staged and never published: resumable parts untouched for `resumableOlderThanMs`, and writes left
   * by a dead process. Never touches what is in use or published.
   */
  sweepStaging(resumableOlderThanMs: number): Promise<{ removed: number; bytes: number }>;
}

/** Entries in one answer of `list`. */
export const blobListMax = 1000;
