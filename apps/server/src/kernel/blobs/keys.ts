import { internal, invalid } from '#kernel/base';
import type { BlobKey, ByteRange } from './blobs.ts';

export const keyCharsMax = 200;
export const keyPartCharsMax = 120;
export const keyPartsMax = 6;

const keyPattern = /^[a-z0-9_-]+(?:\/[a-z0-9_-]+)*$/;
const prefixPattern = /^(?:[a-z0-9_-]+\/)*[a-z0-9_-]*$/;

/** Refuses a key that is not ours. Keys come from our ids, so a refusal is a bug here, not in a request. */
export function checkKey(key: BlobKey): BlobKey {
  if (!keyPattern.test(key) || tooLong(key)) throw internal('bad_blob_key', `not a blob key: ${JSON.stringify(key)}`);
  return key;
}

/** A prefix for `list`: the beginning of a key, possibly empty. */
export function checkPrefix(prefix: string): string {
  if (!prefixPattern.test(prefix) || tooLong(prefix)) {
    throw internal('bad_blob_key', `not a blob prefix: ${JSON.stringify(prefix)}`);
  }
  return prefix;
}

const tooLong = (key: string): boolean => {
  if (key.length > keyCharsMax) return true;
  const parts = key.split('/');
  return parts.length > keyPartsMax || parts.some((part) => part.length > keyPartCharsMax);
};

/** The range within a blob of `bytes`; `invalid` `range_outside` when it has no byte in it. */
export function clampRange(range: ByteRange, bytes: number): ByteRange {
  const whole = Number.isSafeInteger(range.start) && Number.isSafeInteger(range.end);
  if (!whole || range.start < 0 || range.end < range.start || range.start >= bytes) {
    throw invalid('range_outside', `The range ${range.start}-${range.end} is outside the ${bytes} bytes.`, {
      status: 416,
      extra: { bytes },
    });
  }
  return { start: range.start, end: Math.min(range.end, bytes - 1) };
}
