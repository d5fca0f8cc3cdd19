import { assert, conflict, exhausted, MusterError, reach } from '#kernel/base';
import type { Log, StreamKey } from '#kernel/log';
import { appendOrCreate, type Numbered, notYetStored } from './append-once.ts';
import { decodeRecord, encodeLines, type NewLine, type Repair } from './log-lines.ts';
import { jsonType, readLast, seqOf } from './stream-keys.ts';

/* The writer of one build's log. It is in one of two states:
 *  cold – knows nothing of the stream. So it starts, and so it becomes again after any failed or unclear append.
 *  warm – knows the tail, the highest attempt in it, and how many lines that attempt has. Entered by reading the stream
 *         back from its tail (or by creating it), kept by naming the expected tail with every append of lines: when
 *         another node appended meanwhile, the log refuses, and this goes cold and asks again.
 * Everything runs one after the other, so offsets and positions agree. Losing the object loses nothing. */

type Warm = { tail: number; bytes: number; attempt: number; lines: number; saidFull: boolean };
type Options = { log: Log; key: StreamKey; bytesMax: number; now: () => number; repaired: (what: Repair) => void };

export type SystemLine = { id: number; at: Date; attempt: number; level: 'info' | 'warn' | 'error'; text: string };

const firstLook = 200;
const movedTriesMax = 10;

export class BuildLog {
  readonly #options: Options;
  #warm: Warm | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  get idle(): boolean {
    return this.#waiting === 0;
  }

  /**
   * Stores lines of an attempt and resolves, after the covering sync, with how many lines that attempt then has and how
   * many of these were new. With `offset`, lines before it that are stored already are skipped; a hole is refused
   * (`conflict` `log_gap`, `expectedOffset`). `exhausted` `log_full` at the build's limit, with one warning in the log.
   */
  append(attempt: number, offset: number | undefined, lines: readonly NewLine[]): Promise<Accepted> {
    return this.#inTurn(() => this.#append(attempt, offset, lines));
  }

  /** Stores lines of the server's own, each once. `isNew`: the build was made by the first of them. */
  appendSystem(lines: readonly SystemLine[], how: { wary: boolean; isNew: boolean }): Promise<void> {
    return this.#inTurn(() => this.#appendSystem(lines, how));
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const mine = this.#last.then(act).finally(() => this.#waiting--);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  async #append(attempt: number, offset: number | undefined, lines: readonly NewLine[]): Promise<Accepted> {
    for (let tries = 0; tries < movedTriesMax; tries++) {
      const warm = (this.#warm ??= await this.#look());
      if (attempt < warm.attempt)
        throw conflict('stale_term', `Attempt ${attempt} is over; attempt ${warm.attempt} writes now.`);
      const have = attempt > warm.attempt ? 0 : warm.lines;
      if (offset !== undefined && offset > have) {
        throw conflict('log_gap', `Lines ${have} to ${offset - 1} are missing.`, { extra: { expectedOffset: have } });
      }
      const fresh = offset === undefined ? lines : lines.slice(have - offset);
      if (fresh.length === 0) return { offset: have, stored: 0, bytes: 0 };
      const place = { attempt, first: have, at: new Date(this.#options.now()).toISOString() };
      const messages = encodeLines(fresh, place, this.#options.repaired);
      const bytes = sizeOf(messages);
      if (warm.bytes + bytes > this.#options.bytesMax) await this.#refuseFull(warm, attempt, have);
      if (!(await this.#store(warm, messages, bytes))) continue;
      warm.attempt = attempt;
      warm.lines = have + fresh.length;
      await reach('log.appended');
      return { offset: warm.lines, stored: fresh.length, bytes };
    }
    throw exhausted('log_busy', 'Too many writers append to this log.', { retryAfterMs: 1_000 });
  }

  /** False when somebody else moved the tail; then nothing was stored and this is cold. */
  async #store(warm: Warm, messages: readonly Uint8Array[], bytes: number): Promise<boolean> {
    this.#warm = undefined; // until the log says what became of it
    try {
      const appended = await this.#options.log.append({ key: this.#options.key, messages, expectedTail: warm.tail });
      warm.tail = appended.lastSeq;
    } catch (error) {
      if (error instanceof MusterError && error.reason === 'tail_moved') return false;
      throw error;
    }
    warm.bytes += bytes;
    this.#warm = warm;
    return true;
  }

  async #refuseFull(warm: Warm, attempt: number, have: number): Promise<never> {
    const text = fullText(this.#options.bytesMax);
    if (!warm.saidFull) {
      const at = new Date(this.#options.now()).toISOString();
      const record = { at, attempt, line: 0, level: 'warn', source: 'system', text };
      const message = Buffer.from(JSON.stringify(record));
      if (await this.#store(warm, [message], message.byteLength)) warm.saidFull = true;
    }
    throw exhausted('log_full', text, { extra: { expectedOffset: have, bytesMax: this.#options.bytesMax } });
  }

  async #appendSystem(lines: readonly SystemLine[], how: { wary: boolean; isNew: boolean }): Promise<void> {
    const { log, key } = this.#options;
    const items: Numbered[] = lines.map((line) => ({ id: line.id, bytes: encodeSystem(line) }));
    const attempt = lines.reduce((highest, line) => Math.max(highest, line.attempt), 0);
    if (how.isNew && !how.wary) {
      const first = items.map((item) => item.bytes);
      const made = await log.create({ key, contentType: jsonType, fresh: true, first });
      if (made.outcome === 'created') {
        this.#warm = { tail: seqOf(made.head.tail), bytes: sizeOf(first), attempt, lines: 0, saidFull: false };
        return;
      }
    }
    const left = how.isNew || how.wary ? await notYetStored(log, key, items, systemNumberOf) : items;
    if (left.length === 0) return;
    const messages = left.map((item) => item.bytes);
    const warm = this.#warm;
    if (warm && (await this.#store(warm, messages, sizeOf(messages)))) {
      if (attempt > warm.attempt) Object.assign(warm, { attempt, lines: 0 });
      return;
    }
    await appendOrCreate(log, { key, messages }, {});
  }

  /** Reads back from the tail until the number of the next line is known. */
  async #look(): Promise<Warm> {
    const { log, key, bytesMax } = this.#options;
    const head = (await log.head(key)) ?? (await log.create({ key, contentType: jsonType })).head;
    const tail = seqOf(head.tail);
    for (let count = firstLook; ; count *= 10) {
      const messages = await readLast(log, key, head, count);
      const records = messages.map((message) => decodeRecord(message.bytes));
      const attempt = records.reduce((highest, record) => Math.max(highest, record.attempt), 0);
      const last = records.findLast((record) => record.attempt === attempt && record.source !== 'system');
      const whole = messages.length < count || records.some((record) => record.attempt < attempt);
      if (!last && !whole) continue;
      const saidFull = records.some((record) => record.source === 'system' && record.text === fullText(bytesMax));
      return { tail, bytes: head.bytes, attempt, lines: last ? last.line + 1 : 0, saidFull };
    }
  }
}

export type Accepted = { /** Lines of the attempt so far. */ offset: number; stored: number; bytes: number };

const sizeOf = (messages: readonly Uint8Array[]): number => messages.reduce((sum, bytes) => sum + bytes.byteLength, 0);
const fullText = (bytesMax: number): string =>
  `The log of this build is full (${bytesMax} bytes); further lines are not stored here.`;

function encodeSystem(line: SystemLine): Uint8Array {
  const [bytes] = encodeLines(
    [{ level: line.level, source: 'system', text: line.text }],
    { attempt: line.attempt, first: line.id, at: line.at.toISOString() },
    () => undefined,
  );
  assert(bytes, 'a system line has one record');
  return bytes;
}

function systemNumberOf(bytes: Uint8Array): number | undefined {
  const record = decodeRecord(bytes);
  return record.source === 'system' && record.line > 0 ? record.line : undefined;
}
