import { MusterError } from '#kernel/base';
import type { Append, Appended, CreateStream, Log, StreamKey } from '#kernel/log';
import { jsonType, readLast } from './stream-keys.ts';

/** A record with the number of the outbox row behind it, by which a repeat is recognised. */
export type Numbered = { id: number; bytes: Uint8Array };

/**
 * How far back a repeat is looked for. Between a pass that did not end and the next one a stream gets at most one append
 * of a worker (5 000 lines) beside the rows of that pass, since an append first brings the outbox to the streams.
 */
const repeatWindow = 6_000;

/** Those of `items` that the stream does not hold yet. */
export async function notYetStored(
  log: Log,
  key: StreamKey,
  items: readonly Numbered[],
  numberOf: (bytes: Uint8Array) => number | undefined,
): Promise<readonly Numbered[]> {
  const head = await log.head(key);
  if (!head) return items;
  const stored = new Set<number | undefined>();
  for (const message of await readLast(log, key, head, repeatWindow)) stored.add(numberOf(message.bytes));
  return items.filter((item) => !stored.has(item.id));
}

/** Appends; a stream that is not there yet is made first. */
export async function appendOrCreate(
  log: Log,
  append: Append,
  create: Omit<CreateStream, 'key' | 'contentType'>,
): Promise<Appended> {
  try {
    return await log.append(append);
  } catch (error) {
    if (!(error instanceof MusterError) || error.code !== 'notFound') throw error;
    await log.create({ ...create, key: append.key, contentType: jsonType });
    const { expectedTail: _, ...rest } = append;
    return log.append(rest);
  }
}

/** Events of one stream, each once whatever crashed before. `isNew`: the object in the path was made by the first of them. */
export async function appendEventsOnce(
  log: Log,
  key: StreamKey,
  items: readonly Numbered[],
  how: { wary: boolean; isNew: boolean; retentionMs: number },
): Promise<void> {
  const retention = { maxAgeMs: how.retentionMs };
  let left = items;
  if (how.isNew && !how.wary) {
    const made = await log.create({
      key,
      contentType: jsonType,
      fresh: true,
      first: items.map((item) => item.bytes),
      retention,
    });
    if (made.outcome === 'created') return;
  }
  if (how.isNew || how.wary) left = await notYetStored(log, key, items, eventNumberOf);
  if (left.length === 0) return;
  await appendOrCreate(log, { key, messages: left.map((item) => item.bytes) }, { retention });
}

/** Events begin with their number, so it is read without parsing the rest. */
function eventNumberOf(bytes: Uint8Array): number | undefined {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 32)).toString('latin1');
  const found = /^\{"id":(\d+)/.exec(start);
  return found ? Number(found[1]) : undefined;
}
