import { Worker } from 'node:worker_threads';
import type { LogHit, LogHits } from '@muster/protocol';
import { asError, exhausted, invalid } from '#kernel/base';
import type { Head, Message } from '#kernel/log';
import type { Block, Found, Search } from './find-lines-thread.ts';
import { pagesBetween } from './read-lines.ts';
import { bringUpToDate } from './read-log.ts';
import type { Room } from './room.ts';
import { logKey, seqOf } from './stream-keys.ts';

export type FindLines = {
  /** Part of a line; empty when only a level is asked for. */
  q: string;
  regex: boolean;
  level?: 'info' | 'warn' | 'error' | undefined;
  /** Hits from this line on, or backwards from it. */
  from: number;
  back: boolean;
  limit: number;
  /** Whether the lines that match are counted to the end of the log. */
  count: boolean;
};

/** Searches of one server at a time; each has a thread. */
export const searchesMax = 4;
/** Lines a thread looks through at once, and so a search can be stopped. */
const blockLines = 5_000;
/** Blocks that are read while one is looked through. */
const readAhead = 3;
const blockMsMax = 1_000;
const searchMsMax = 15_000;

/** Searches that run on this server. */
export class LineSearches {
  readonly #room: Room;
  #running = 0;

  constructor(room: Room) {
    this.#room = room;
  }

  get running(): number {
    return this.#running;
  }

  /**
   * Lines of a build's log that hold a text or match an expression, without regard to case, over the whole log. Errors:
   * `invalid` `bad_regex`, `regex_too_slow`; `exhausted` `log_searches_max`.
   */
  async find(build: { id: string; projectId: string }, input: FindLines): Promise<LogHits> {
    const search = searchOf(input);
    if (this.#running >= searchesMax) {
      throw exhausted('log_searches_max', `${searchesMax} searches run on this server already.`, {
        retryAfterMs: 1_000,
      });
    }
    this.#running += 1;
    try {
      await bringUpToDate(this.#room, build.id);
      const head = await this.#room.log.head(logKey(build.projectId, build.id));
      if (!head) return { total: 0, hits: [], next: null };
      using thread = new Thread(search, this.#room);
      return await lookThrough(this.#room, head, input, thread);
    } finally {
      this.#running -= 1;
    }
  }
}

async function lookThrough(room: Room, head: Head, input: FindLines, thread: Thread): Promise<LogHits> {
  const endsAt = room.clock.now() + searchMsMax;
  const hits: LogHit[] = [];
  let total = 0;
  let next: number | null = null;
  for await (const block of blocksOf(room, head, input)) {
    // A block that lies before the place asked for is only counted.
    const found = await thread.look(block.records);
    total += found.lines;
    const places = found.hits.map(([line, from, to]): LogHit => {
      const n = block.numbers[line] ?? block.numbers[0] ?? 0;
      return from < 0 ? { n } : { n, from, to };
    });
    const asked = input.back
      ? places.filter((hit) => hit.n <= input.from).toReversed()
      : places.filter((hit) => hit.n >= input.from);
    for (const hit of asked) {
      if (hits.length < input.limit) hits.push(hit);
      else next ??= hit.n;
    }
    const enough = !input.count && hits.length >= input.limit;
    if (enough || room.clock.now() > endsAt) return { total: null, hits, next: next ?? block.beyond };
  }
  return { total, hits, next };
}

type Blocked = {
  numbers: number[];
  records: Uint8Array<ArrayBuffer> /** Where the next block begins. */;
  beyond: number | null;
};

/** The log in blocks, in the order they are looked through, some of them read ahead. */
async function* blocksOf(room: Room, head: Head, input: FindLines): AsyncGenerator<Blocked, void, void> {
  const first = seqOf(head.first);
  const total = seqOf(head.tail);
  const starts: number[] = [];
  const begin = input.count || input.back ? first : Math.max(first, input.from);
  for (let at = begin; at < total; at += blockLines) starts.push(at);
  const wanted = input.back ? starts.filter((at) => input.count || at <= input.from).toReversed() : starts;
  const reading: Promise<Blocked>[] = [];
  const ask = (): void => {
    const at = wanted.shift();
    if (at === undefined) return;
    const block = readBlock(room, head, at, Math.min(total, at + blockLines), wanted[0] ?? null);
    // Whoever takes it hears of a failure; a search that ended before must not end the process.
    block.catch(() => undefined);
    reading.push(block);
  };
  for (let i = 0; i < readAhead; i++) ask();
  for (let block = reading.shift(); block; block = reading.shift()) {
    ask();
    yield await block;
  }
}

const lineEnd = 10;

async function readBlock(room: Room, head: Head, from: number, to: number, beyond: number | null): Promise<Blocked> {
  const messages: Message[] = [];
  let length = 0;
  for await (const page of pagesBetween(room, head, from, to)) {
    for (const message of page) {
      messages.push(message);
      length += message.bytes.byteLength + 1;
    }
  }
  const records = new Uint8Array(length);
  let at = 0;
  for (const { bytes } of messages) {
    records.set(bytes, at);
    at += bytes.byteLength + 1;
    records[at - 1] = lineEnd;
  }
  return { numbers: messages.map(({ seq }) => seq - 1), records, beyond };
}

function searchOf({ q, regex, level }: FindLines): Search {
  const pattern = regex ? q : literal(q);
  const written = regex || q === '' ? null : JSON.stringify(q).slice(1, -1).toLowerCase();
  for (const flags of ['iu', 'i']) {
    try {
      const { source } = new RegExp(pattern, flags);
      return { pattern: pattern === '' ? '' : source, flags, written, level: level ?? null };
    } catch (error) {
      if (flags === 'iu') continue;
      throw invalid('bad_regex', `${asError(error).message}.`, {
        errors: [{ pointer: '?q', detail: 'not a regular expression' }],
      });
    }
  }
  return { pattern: '', flags: '', written: null, level: level ?? null };
}

const literal = (text: string): string => text.replaceAll(/[$()*+.?[\\\]^{|}/-]/g, String.raw`\$&`);

/** The thread of one search. Gone with it, and before when a block takes too long. */
class Thread implements Disposable {
  readonly #worker: Worker;
  readonly #room: Room;
  #answer: { resolve(found: Found): void; reject(error: unknown): void } | undefined;

  constructor(search: Search, room: Room) {
    this.#room = room;
    this.#worker = new Worker(new URL('./find-lines-thread.ts', import.meta.url), {
      workerData: search,
      env: {},
      execArgv: [],
      // A log line is at most 64 KiB; what one block needs is far below this.
      resourceLimits: { maxOldGenerationSizeMb: 128 },
    });
    this.#worker.on('message', (found: Found) => this.#answer?.resolve(found));
    this.#worker.on('error', (error) => this.#answer?.reject(asError(error)));
  }

  async look(records: Uint8Array<ArrayBuffer>): Promise<Found> {
    const answer = Promise.withResolvers<Found>();
    this.#answer = answer;
    using _ = this.#room.clock.after(blockMsMax, () =>
      answer.reject(
        invalid('regex_too_slow', `The expression took longer than ${blockMsMax} ms for ${blockLines} lines.`, {
          errors: [{ pointer: '?q', detail: 'takes too long; avoid repeats inside of repeats' }],
        }),
      ),
    );
    const block: Block = { records, hitsMax: blockLines };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is not a window
    this.#worker.postMessage(block, [records.buffer]);
    return await answer.promise;
  }

  [Symbol.dispose](): void {
    void this.#worker.terminate();
  }
}
