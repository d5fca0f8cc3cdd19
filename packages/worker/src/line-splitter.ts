import { buildLimits } from '@muster/protocol';

/**
 * Bytes of one output stream → lines. A line longer than the log's limit is cut at a character, so the server never has
 * to cut it and line numbers stay ours. Invalid UTF-8 becomes U+FFFD, `\r\n` counts as one line end.
 */
export class LineSplitter {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  readonly #onLine: (text: string) => void;
  readonly #bytesMax: number;
  #rest = '';

  constructor(onLine: (text: string) => void, bytesMax: number = buildLimits.logLineBytesMax) {
    this.#onLine = onLine;
    this.#bytesMax = bytesMax;
  }

  push(chunk: Uint8Array): void {
    const parts = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split('\n');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) this.#line(part.endsWith('\r') ? part.slice(0, -1) : part);
    // Whole pieces of an endless line go out now: memory stays at one piece.
    while (Buffer.byteLength(this.#rest) > this.#bytesMax) this.#rest = this.#piece(this.#rest);
  }

  end(): void {
    this.#rest += this.#decoder.decode();
    if (this.#rest !== '') this.#line(this.#rest);
    this.#rest = '';
  }

  #line(text: string): void {
    let rest = text;
    while (Buffer.byteLength(rest) > this.#bytesMax) rest = this.#piece(rest);
    this.#onLine(rest);
  }

  /** Sends out the longest beginning that fits, returns what is left. */
  #piece(text: string): string {
    const bytes = Buffer.from(text);
    let cut = this.#bytesMax;
    while (cut > 0 && ((bytes[cut] ?? 0) & 0xc0) === 0x80) cut -= 1;
    this.#onLine(bytes.toString('utf8', 0, cut));
    return bytes.toString('utf8', cut);
  }
}
