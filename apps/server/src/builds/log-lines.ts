import { buildLimits, type LogRecord } from '@muster/protocol';

/** A line as a worker hands it in. */
export type NewLine = {
  level: LogRecord['level'];
  source: LogRecord['source'];
  text: string;
  clientAt?: string | undefined;
};
export type Repair = 'cut' | 'utf8' | 'nul';

/**
 * Turns lines into records. What cannot be stored as it came is repaired, and said so: NUL is removed (no reader of text
 * expects it), a lone surrogate becomes U+FFFD, a line over 64 KiB is cut between characters into parts marked `cont`.
 */
export function encodeLines(
  lines: readonly NewLine[],
  place: { attempt: number; first: number; at: string },
  repaired: (what: Repair) => void,
): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (const [i, line] of lines.entries()) {
    for (const [part, text] of cut(clean(line.text, repaired), repaired).entries()) {
      const record: LogRecord = {
        at: place.at,
        attempt: place.attempt,
        line: place.first + i,
        level: line.level,
        source: line.source,
        text,
        ...(part > 0 ? { cont: true } : {}),
        ...(line.clientAt === undefined ? {} : { clientAt: line.clientAt }),
      };
      messages.push(Buffer.from(JSON.stringify(record)));
    }
  }
  return messages;
}

export const decodeRecord = (bytes: Uint8Array): LogRecord => JSON.parse(Buffer.from(bytes).toString()) as LogRecord;

function clean(text: string, repaired: (what: Repair) => void): string {
  let clean = text;
  if (clean.includes('\0')) {
    clean = clean.replaceAll('\0', '');
    repaired('nul');
  }
  // A text that was decoded with replacement characters was invalid on the wire; the decoder cannot tell us more.
  if (!clean.isWellFormed()) clean = clean.toWellFormed();
  if (clean.includes('\ufffd')) repaired('utf8');
  return clean;
}

function cut(text: string, repaired: (what: Repair) => void): string[] {
  const max = buildLimits.logLineBytesMax;
  if (text.length * 3 <= max || Buffer.byteLength(text) <= max) return [text];
  repaired('cut');
  const bytes = Buffer.from(text);
  const parts: string[] = [];
  for (let start = 0; start < bytes.length; ) {
    let end = Math.min(start + max, bytes.length);
    // 10xxxxxx goes on with a character: never begin a part there.
    while (end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
    parts.push(bytes.toString('utf8', start, end));
    start = end;
  }
  return parts;
}
