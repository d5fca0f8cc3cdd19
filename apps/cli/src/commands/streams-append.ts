import { createHash } from 'node:crypto';
import { fstatSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Producer, type RawJson, rawJson } from '@muster/client';
import { fileOutbox } from '@muster/client/node';
import { MusterError } from '@muster/protocol/errors';
import type { Context } from '../shell/context.ts';
import { Ended, exitCodes } from '../shell/exit-codes.ts';
import { duration } from '../shell/output.ts';

export type AppendOptions = {
  whole?: boolean;
  producer?: string;
  continue?: boolean;
  outbox?: string;
  type?: string;
  close?: boolean;
};

/**
 * What may be on its way into the outbox at once: one write to the disk takes it all. Far less than half an outbox, so with
 * room for half of one none is refused, and the order stays.
 */
const takenMax = { lines: 256, bytes: 2 ** 20 };
type Line = Uint8Array | RawJson;

/** Appends every line exactly once and in order; with `--producer` over deaths of this process too. */
export async function append(context: Context, path: string, words: string[], options: AppendOptions): Promise<void> {
  const { client, output, signal } = context;
  if ((options.continue || options.outbox !== undefined) && options.producer === undefined) {
    throw new MusterError('invalid', {
      reason: 'producer_missing',
      detail: '--continue and --outbox need --producer.',
    });
  }
  const stream = client.stream(path);
  const contentType = options.type ?? (await stream.head(signal)).contentType;
  const file = options.outbox ?? outboxFile(context.url, path, options.producer ?? '');
  await using producer = stream.producer(options.producer, {
    contentType,
    ...(options.producer === undefined ? {} : { outbox: fileOutbox(file) }),
    onWait: (error, waitMs) => output.note(output.dim(`${error.message} Trying again in ${duration(waitMs)}.`)),
  });
  const { mark, pending } = await producer.open();
  if (pending > 0) output.note(`Sending ${pending} messages that an earlier run left in ${file} first.`);
  const input = messages(words, options.whole === true, contentType, output.progress('appending'));
  try {
    const lines = await sendAll(producer, input, signal, options.continue ? Number(mark ?? 0) : 0);
    const { next = producer.next ?? null, closed = false } = options.close ? await stream.close() : {};
    const result = { path, messages: lines, nextOffset: next, closed };
    output.result(result, () => [
      `${lines} ${lines === 1 ? 'message' : 'messages'} appended to ${path}${closed ? ', now closed' : ''}`,
    ]);
  } catch (error) {
    const kept = producer.pending.entries;
    if (kept > 0)
      output.note(`${kept} ${kept === 1 ? 'message was' : 'messages were'} not acknowledged${whereTo(options, file)}.`);
    // What waits in memory is not waited for a second time.
    await producer.close();
    if (signal.aborted) throw new Ended(exitCodes.interrupted, 'Interrupted.');
    throw error;
  }
}

const whereTo = ({ producer }: AppendOptions, file: string): string =>
  producer === undefined ? '' : `; they are kept in ${file} and go out first when the same command runs again`;

/** Returns how many messages were taken. */
async function sendAll(
  producer: Producer,
  input: AsyncIterable<Line>,
  signal: AbortSignal,
  skip: number,
): Promise<number> {
  let line = 0;
  let bytes = 0;
  let taken: Promise<void>[] = [];
  const interrupted = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
  );
  interrupted.catch(() => undefined);
  const settle = async (): Promise<void> => {
    const settling = Promise.all(taken);
    taken = [];
    await Promise.race([settling, interrupted]);
  };
  for await (const data of input) {
    signal.throwIfAborted();
    line += 1;
    if (line <= skip) continue;
    taken.push(producer.append(data, { mark: String(line) }));
    bytes += data instanceof Uint8Array ? data.length : data.text.length;
    if (taken.length < takenMax.lines && bytes < takenMax.bytes) continue;
    await settle();
    bytes = 0;
    await Promise.race([producer.room(), interrupted]);
  }
  await settle();
  await Promise.race([producer.flush(), interrupted]);
  return Math.max(0, line - skip);
}

type Progress = (done: number, total: number | undefined) => void;

async function* messages(
  words: readonly string[],
  whole: boolean,
  contentType: string,
  progress: Progress,
): AsyncGenerator<Line, void> {
  const json = /^application\/json/i.test(contentType);
  let line = 0;
  const messageOf = (text: Buffer): Line | undefined => {
    line += 1;
    if (!json) return new Uint8Array(text);
    const trimmed = text.toString('utf8').trim();
    if (trimmed === '') return undefined;
    try {
      return rawJson(trimmed);
    } catch {
      const detail = `${whole ? 'The input' : `Line ${line}`} is not JSON, and the stream takes nothing else: ${trimmed.slice(0, 80)}`;
      throw new MusterError('invalid', { reason: 'json_invalid', detail });
    }
  };
  const end = /^text\//i.test(contentType) ? '\n' : '';
  const parts =
    words.length > 0 ? words.map((word) => Buffer.from(word + end)) : whole ? [await all(progress)] : lines(progress);
  for await (const part of parts) {
    const message = messageOf(part);
    if (message !== undefined) yield message;
  }
}

async function all(progress: Progress): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of input(progress)) parts.push(part);
  return Buffer.concat(parts);
}

/** Each with its line end, as it stands there; the last may have none. */
async function* lines(progress: Progress): AsyncGenerator<Buffer, void> {
  let rest: Buffer[] = [];
  for await (const chunk of input(progress)) {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      yield Buffer.concat([...rest, chunk.subarray(from, end + 1)]);
      rest = [];
      from = end + 1;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
  }
  if (rest.length > 0) yield Buffer.concat(rest);
}

async function* input(progress: Progress): AsyncGenerator<Buffer, void> {
  const { size } = fstatSync(0);
  const total = size > 0 ? size : undefined;
  let done = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    yield chunk;
    done += chunk.length;
    progress(done, total);
  }
}

/** One file for each producer of each stream of each server, where programs of this user keep such things. */
function outboxFile(url: string, path: string, producer: string): string {
  const base = process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state');
  const name = createHash('sha256')
    .update(JSON.stringify([url, path, producer]))
    .digest('hex')
    .slice(0, 24);
  return join(base, 'muster', 'outbox', `${name}.outbox`);
}
