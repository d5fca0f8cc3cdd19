import { invalid } from '#kernel/base';
import type { SourceFormat } from './queries/build-row.ts';

/** Bytes that `formatOf` needs to see. */
export const magicBytes = 4;

/**
 * What a source archive is, by its first bytes; names and content types say nothing. An empty zip is a zip.
 * The archive is never unpacked here: gzip and zstd are taken to hold a tar, the worker finds out.
 */
export function formatOf(head: Uint8Array): SourceFormat | undefined {
  const [a, b, c, d] = head;
  if (a === 0x50 && b === 0x4b && ((c === 0x03 && d === 0x04) || (c === 0x05 && d === 0x06))) return 'zip';
  if (a === 0x1f && b === 0x8b && c === 0x08) return 'tar.gz';
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return 'tar.zst';
  return undefined;
}

export const wrongFormat = (): Error =>
  invalid('source_format', 'The source is none of zip, tar.gz, tar.zst by its first bytes.', {
    errors: [{ pointer: '/source', detail: 'not a zip, tar.gz or tar.zst archive' }],
  });

/** Passes bytes on and keeps the first few; `format()` is known once that many came. */
export class MagicReader {
  readonly #head = Buffer.alloc(magicBytes);
  #bytes = 0;

  async *through(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of source) {
      const before = this.#bytes;
      if (before < magicBytes) this.#head.set(chunk.subarray(0, magicBytes - before), before);
      this.#bytes += chunk.length;
      // A wrong archive is refused at its first bytes, not after the last.
      if (before < magicBytes && this.#bytes >= magicBytes) this.format();
      yield chunk;
    }
  }

  format(): SourceFormat {
    const format = formatOf(this.#head.subarray(0, Math.min(this.#bytes, magicBytes)));
    if (!format) throw wrongFormat();
    return format;
  }
}
