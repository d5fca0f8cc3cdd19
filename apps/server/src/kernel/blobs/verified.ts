import { createHash } from 'node:crypto';
import { type Readable, Transform } from 'node:stream';
import { internal, type MusterError } from '#kernel/base';
import type { BlobFacts } from './blobs.ts';

/**
 * A whole blob on its way out, checked against what was stored: the last chunk leaves only when size and sha256 match.
 * Otherwise the stream is destroyed with `internal` `blob_corrupt`, so a client sees a broken transfer and never a
 * complete wrong file (builds.md §6, row 30). `onCorrupt` is where the caller puts its event. For parts of a blob there
 * is no digest to compare: send those unchecked.
 *
 * @example
 * const source = verified(await blobs.read(key), facts, (error) => events.blobCorrupt(key, error));
 */
export function verified(source: Readable, facts: BlobFacts, onCorrupt: (error: MusterError) => void): Readable {
  const hash = createHash('sha256');
  let seen = 0;

  function fault(): MusterError | undefined {
    if (seen < facts.bytes) return corrupt(`ended after ${seen} of ${facts.bytes} bytes`);
    if (seen > facts.bytes) return corrupt(`is longer than its ${facts.bytes} bytes`);
    return hash.digest('hex') === facts.sha256 ? undefined : corrupt('does not match its sha256');
  }
  function corrupt(what: string): MusterError {
    const error = internal('blob_corrupt', `A stored blob ${what}.`);
    onCorrupt(error);
    return error;
  }

  const checked = new Transform({
    transform(chunk: Buffer, _encoding, pass) {
      seen += chunk.length;
      if (seen <= facts.bytes) hash.update(chunk);
      const error = seen >= facts.bytes ? fault() : undefined;
      if (error) pass(error);
      else pass(null, chunk);
    },
    flush(pass) {
      pass(facts.bytes === 0 || seen < facts.bytes ? fault() : undefined);
    },
  });
  source.on('error', (error) => checked.destroy(error));
  checked.on('close', () => source.destroy());
  return source.pipe(checked);
}
