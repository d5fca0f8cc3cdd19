import { once } from 'node:events';
import type { Batch, Gap, Stream } from '@muster/client';
import type { Context } from '../shell/context.ts';
import { Ended, exitCodes } from '../shell/exit-codes.ts';
import { duration } from '../shell/output.ts';

export type ReadOptions = { from?: string; follow?: boolean; lines?: number; gaps: boolean };

type Part = string | Uint8Array;
type Reading = Parameters<Stream['follow']>[0];

const linesDefault = 10;

/** Everything from an offset to the present tail. */
export async function cat(context: Context, path: string, options: ReadOptions): Promise<void> {
  const stream = context.client.stream(path);
  for await (const batch of stream.read<Part>(readingOf(context, options))) await print(context, batch.records);
}

/** The last lines; with `follow` what comes next, until the stream is closed or somebody has seen enough. */
export async function tail(context: Context, path: string, options: ReadOptions): Promise<void> {
  const stream = context.client.stream(path);
  let { from } = options;
  if (from === undefined) {
    const end = await lastLines(context, stream, options);
    await print(context, end.parts);
    from = end.next;
    if (end.closed) return;
  }
  try {
    const reading = { ...readingOf(context, options), from, once: !options.follow };
    for await (const batch of stream.follow<Part>(reading)) {
      await print(context, batch.records);
      from = batch.next;
    }
  } catch (error) {
    if (!context.signal.aborted) throw error;
    throw new Ended(exitCodes.interrupted, `Go on with: muster streams tail ${path} -f --from ${from}`);
  }
}

/** Raw: JSON as the text of each message, all else as bytes, so that what comes out is what went in. */
function readingOf(context: Context, { from, gaps }: ReadOptions): NonNullable<Reading> {
  const { output, signal } = context;
  return {
    raw: true,
    signal,
    from,
    onWait: (error, waitMs) => output.note(output.dim(`${error.message} Trying again in ${duration(waitMs)}.`)),
    onGap: (gap) => {
      if (!gaps) return 'stop';
      output.note(output.warn(describe(gap)));
      return 'continue';
    },
  };
}

function describe({ reason, detail, earliest, lostMessages }: Gap): string {
  const lost = lostMessages === undefined ? 'Messages' : `${lostMessages} messages`;
  const where = earliest === '-1' ? 'the beginning' : earliest;
  return `${lost} are missing here (${reason}): ${detail} Going on at ${where}.`;
}

async function print({ output }: Context, parts: readonly Part[]): Promise<void> {
  for (const part of parts) {
    const free = process.stdout.write(
      output.json && typeof part !== 'string' ? `${JSON.stringify(shapeOf(part))}\n` : lineOf(part),
    );
    if (!free) await once(process.stdout, 'drain');
  }
}

/** Line ends inside a JSON message are only between its tokens. */
const lineOf = (part: Part): Part => (typeof part === 'string' ? `${part.replaceAll(/[\r\n]+/g, ' ')}\n` : part);

/** As the socket's frames have it. */
function shapeOf(part: Uint8Array): { text: string } | { base64: string } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(part) };
  } catch {
    return { base64: Buffer.from(part).toString('base64') };
  }
}

type End = { parts: Part[]; next: string; closed: boolean };

/**
 * Begins near the end and goes further back until there are enough lines: Muster's offsets end in the number of the
 * message. Where they do not, the stream is read from its beginning.
 */
async function lastLines(context: Context, stream: Stream, options: ReadOptions): Promise<End> {
  const wanted = options.lines ?? linesDefault;
  const { next, first, contentType } = await stream.head(context.signal);
  const perMessage = /^application\/json/i.test(contentType);
  for (let back = Math.max(1, wanted); ; back *= 8) {
    const from = before(next, first, back);
    const end = await readEnd(stream.read<Part>({ ...readingOf(context, options), from }), wanted, perMessage);
    // Behind the beginning of some message the first line may be half of one: it takes one more to be sure.
    if (from === '-1' || end.seen > (perMessage ? wanted - 1 : wanted)) return end;
  }
}

function before(next: string, first: string | undefined, back: number): string {
  const [, era, seq] = /^(\d{16})_(\d{16})$/.exec(next) ?? [];
  if (era === undefined || first?.startsWith(era) !== true) return '-1';
  const from = `${era}_${String(Number(seq) - back).padStart(16, '0')}`;
  return Number(seq) > back && from > first ? from : '-1';
}

async function readEnd(
  batches: AsyncIterable<Batch<Part>>,
  wanted: number,
  perMessage: boolean,
): Promise<End & { seen: number }> {
  let parts: Part[] = [];
  let seen = 0;
  let [next, closed] = ['-1', false];
  for await (const batch of batches) {
    ({ next, closed } = batch);
    if (perMessage) {
      seen += batch.records.length;
      parts = [...parts, ...batch.records].slice(wanted === 0 ? Infinity : -wanted);
    } else {
      const lines = linesOf([...parts, ...batch.records]);
      const kept = lines.slice(wanted === 0 ? Infinity : -wanted);
      seen += lines.length - parts.length;
      parts = kept;
    }
  }
  return { parts, next, closed, seen };
}

/** Each with its line end; the last may have none. */
function linesOf(parts: readonly Part[]): Uint8Array[] {
  const whole = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const lines: Uint8Array[] = [];
  for (let from = 0; from < whole.length; ) {
    const end = whole.indexOf(0x0a, from);
    const to = end < 0 ? whole.length : end + 1;
    lines.push(whole.subarray(from, to));
    from = to;
  }
  return lines;
}
