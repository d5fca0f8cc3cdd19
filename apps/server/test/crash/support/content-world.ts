/**
 * A witness of streams whose stored content changes: what was appended where, what was told again, what was erased, and what
 * any reader may therefore see, over any number of lives.
 */
import { expect } from 'vitest';
import { MusterError, type Random } from '#kernel/base';
import type { Db } from '#kernel/db';
import { sql } from '#kernel/db';
import type { Committed, Offset, StreamKey, View } from '#kernel/log';
import { until } from '#test/until';
import type { Life } from './log-lives.ts';
import type { SimDisk } from './sim-disk.ts';

/** One position: what it may show. `ever`: everything it may ever have shown. A fork shares it with its source. */
type Slot = { possible: Set<string>; ever: Set<string>; erasing: boolean };
type Range = { from: number; to: number; by: number; state: 'asked' | 'said'; dropped: boolean };

class Stream {
  readonly path: string;
  readonly slots = new Map<number, Slot>();
  readonly ranges: Range[] = [];
  /** Texts of appends whose outcome nobody heard. */
  readonly maybe = new Set<string>();
  readonly forkOf: Stream | undefined;
  readonly inheritedTo: number;
  there: 'unknown' | 'yes' = 'unknown';
  busy = false;

  constructor(path: string, forkOf?: Stream, inheritedTo = 0) {
    this.path = path;
    this.forkOf = forkOf;
    this.inheritedTo = inheritedTo;
    for (const [seq, slot] of forkOf?.slots ?? []) if (seq <= inheritedTo) this.slots.set(seq, slot);
  }

  get own(): number[] {
    return [...this.slots.keys()].filter((seq) => seq > this.inheritedTo).sort((a, b) => a - b);
  }

  /** Whether a raw reader may find nothing there. A fork may begin with what was dropped in its source. */
  mayMiss(seq: number): boolean {
    const here = this.ranges.some(({ from, to }) => from <= seq && seq <= to);
    return here || (seq <= this.inheritedTo && (this.forkOf?.mayMiss(seq) ?? false));
  }
}

export class ContentWorld {
  readonly random: Random;
  readonly disk: SimDisk;
  readonly #streams = new Map<string, Stream>();
  #texts = 0;
  #consumers = 0;
  changes = 0;

  constructor(random: Random, disk: SimDisk) {
    this.random = random;
    this.disk = disk;
  }

  pick<T>(of: readonly T[]): T | undefined {
    return of[Math.floor(this.random() * of.length)];
  }

  /** No text is part of another one. */
  #text(): string {
    const size = this.random() < 0.1 ? Math.floor(this.random() * 2000) : Math.floor(this.random() * 40);
    return `<${this.#texts++}>`.padEnd(size, '.');
  }

  #key = (path: string): StreamKey => ({ projectId: 'prj_sim', path });

  /** True when the log said no; false when nobody knows. */
  #refused(error: unknown): boolean {
    if (error instanceof MusterError && ['log_failed', 'store_down'].includes(error.reason)) return false;
    if (error instanceof MusterError) return true;
    throw error;
  }

  /* What clients do. */

  /** One act on a stream at a time, so that positions are known; erasures and ranges run beside. */
  async act(life: Life, path: string): Promise<void> {
    const stream = this.#streams.get(path);
    const dice = this.random();
    if (!stream || stream.there === 'unknown') return this.#create(life, path);
    if (dice < 0.25) return this.#supersede(life, stream);
    if (dice < 0.45) return this.#erase(life, stream);
    if (dice < 0.5) return this.#watch(life, stream);
    return this.#append(life, stream);
  }

  async #create(life: Life, path: string): Promise<void> {
    const known = this.#streams.get(path);
    if (known?.busy) return;
    const [, from] = /^fork-of-(.*)$/.exec(path) ?? [];
    const source = from === undefined ? undefined : this.#streams.get(from);
    if (from !== undefined && (!source || source.there !== 'yes' || source.busy || source.slots.size === 0)) return;
    const inheritedTo = source ? Math.max(...source.slots.keys()) : 0;
    const stream = known ?? new Stream(path, source, inheritedTo);
    // An earlier attempt may have made it, with what its source had then.
    if (known?.forkOf && known.inheritedTo !== inheritedTo) return;
    this.#streams.set(path, stream);
    stream.busy = true;
    if (source) source.busy = true;
    try {
      await life.log.create({
        key: this.#key(path),
        ...(source ? { fork: { from: this.#key(source.path) } } : { contentType: 'text/plain' }),
        ...(path.startsWith('kept') ? { retention: { maxMessages: 8 } } : {}),
      });
      stream.there = 'yes';
    } catch (error) {
      if (this.#refused(error) && !known) this.#streams.delete(path);
    } finally {
      stream.busy = false;
      if (source) source.busy = false;
    }
  }

  async #append(life: Life, stream: Stream): Promise<void> {
    if (stream.busy || stream.maybe.size > 0) return;
    stream.busy = true;
    const texts = Array.from({ length: this.random() < 0.3 ? 4 : 1 }, () => this.#text());
    for (const text of texts) stream.maybe.add(text);
    try {
      const { firstSeq } = await life.log.append({
        key: this.#key(stream.path),
        messages: texts.map((text) => Buffer.from(text)),
      });
      for (const [i, text] of texts.entries()) this.#place(stream, firstSeq + i, text);
    } catch (error) {
      if (this.#refused(error)) stream.maybe.clear();
    } finally {
      stream.busy = false;
    }
  }

  #place(stream: Stream, seq: number, text: string): void {
    stream.slots.set(seq, { possible: new Set([text]), ever: new Set([text]), erasing: false });
    stream.maybe.delete(text);
  }

  async #supersede(life: Life, stream: Stream): Promise<void> {
    const free = stream.own.filter((seq) => !stream.ranges.some(({ from, to }) => from <= seq && seq <= to));
    const from = this.pick(free.slice(0, -1));
    if (from === undefined) return;
    let to = from;
    while (free.includes(to + 1) && this.random() < 0.7) to += 1;
    const by = stream.own.findLast((seq) => seq > to);
    if (by === undefined) return;
    const range: Range = { from, to, by, state: 'asked', dropped: false };
    stream.ranges.push(range);
    try {
      await life.log.supersede(this.#key(stream.path), { from, to, by });
      range.state = 'said';
      this.changes += 1;
    } catch (error) {
      if (this.#refused(error)) stream.ranges.splice(stream.ranges.indexOf(range), 1);
    }
  }

  async #erase(life: Life, stream: Stream): Promise<void> {
    const seq = this.pick([...stream.slots.keys()]);
    const slot = seq === undefined ? undefined : stream.slots.get(seq);
    if (seq === undefined || !slot || slot.erasing) return;
    const instead = this.#text();
    slot.erasing = true;
    slot.possible.add(instead);
    slot.ever.add(instead);
    try {
      await life.log.erase(this.#key(stream.path), [{ seq, instead: Buffer.from(instead) }]);
      slot.possible = new Set([instead]);
      this.changes += 1;
    } catch (error) {
      if (this.#refused(error)) slot.possible.delete(instead);
    } finally {
      slot.erasing = false;
    }
  }

  /** A reader beside everything else, by any view, once or for as long as the life lasts. */
  async #watch(life: Life, stream: Stream): Promise<void> {
    const view = this.pick(['raw', 'compact'] as const) as View;
    try {
      if (this.random() < 0.5) {
        const found = await this.#read(life, stream.path, view);
        for (const [seq, text] of found) this.#mayShow(stream, seq, text);
        return;
      }
      await life.log.tail(
        this.#key(stream.path),
        'start',
        {
          form: 'raw',
          write: (shared) => {
            for (const bytes of shared) this.#mayEverShow(stream, Buffer.from(bytes).toString());
            return 0;
          },
          gap: () => 'continue',
          end: () => undefined,
        },
        view,
      );
    } catch (error) {
      this.#refused(error);
    }
  }

  #mayShow(stream: Stream, seq: number, text: string): void {
    const slot = stream.slots.get(seq);
    // What nobody has acknowledged yet may show as well; and this reader may have begun before an erasure.
    if (slot && !slot.ever.has(text)) throw new Error(`${stream.path}: position ${seq} shows ${text}`);
  }

  #mayEverShow(stream: Stream, text: string): void {
    if (stream.maybe.has(text)) return;
    for (const slot of stream.slots.values()) if (slot.ever.has(text)) return;
    throw new Error(`${stream.path} shows ${text}, which was never there`);
  }

  /* What must hold when nothing is under way. */

  async #read(life: Life, path: string, view: View): Promise<Map<number, string>> {
    const found = new Map<number, string>();
    const limit = { bytes: 1024 * 1024, messages: 1 + Math.floor(this.random() * 30) };
    for (let at: Offset | 'start' = 'start'; ; ) {
      const page = await life.log.read(this.#key(path), at, limit, view);
      for (const { seq, bytes } of page.messages) {
        if (found.has(seq)) throw new Error(`${path}: position ${seq} twice`);
        found.set(seq, Buffer.from(bytes).toString());
      }
      if (page.upToDate) return found;
      at = page.next;
    }
  }

  async check(life: Life): Promise<void> {
    for (const stream of Array.from(this.#streams.values())) while (!(await this.#checkStream(life, stream)));
  }

  /** False when something moved under the look, such as a sweep that drops a range: to be looked at again. */
  async #checkStream(life: Life, stream: Stream): Promise<boolean> {
    const head = await life.log.head(this.#key(stream.path));
    if (!head) {
      expect(stream.there, `${stream.path} is gone`).toBe('unknown');
      this.#streams.delete(stream.path);
      return true;
    }
    const raw = await this.#read(life, stream.path, 'raw');
    const compact = await this.#read(life, stream.path, 'compact');
    const now = await life.log.head(this.#key(stream.path));
    if (now?.revision !== head.revision || now.first !== head.first) return false;
    stream.there = 'yes';
    const first = Number(head.first.slice(-16)) + 1;
    const tail = Number(head.tail.slice(-16));
    this.#adopt(stream, raw, tail);
    for (let seq = first; seq <= tail; seq++) this.#checkPosition(stream, seq, raw.get(seq));
    this.#checkRanges(stream, raw, first);
    for (const [seq, text] of raw) {
      const range = stream.ranges.find(({ from, to }) => from <= seq && seq <= to);
      if (!range && seq > stream.inheritedTo) expect(compact.get(seq), `${stream.path}: ${seq} compacted`).toBe(text);
      if (range?.state === 'said') expect(compact.has(seq), `${stream.path}: ${seq} is told again`).toBe(false);
    }
    expect(head.messages, `${stream.path}: messages`).toBe(raw.size);
    const bytes = [...raw.values()].reduce((sum, text) => sum + text.length, 0);
    // What a fork inherited may have been erased in its source, which does not count for the fork.
    if (!stream.forkOf) expect(head.bytes, `${stream.path}: bytes`).toBe(bytes);
    return true;
  }

  /** Appends whose outcome nobody heard are there, whole, or not at all. */
  #adopt(stream: Stream, raw: ReadonlyMap<number, string>, tail: number): void {
    for (const [seq, text] of raw) if (!stream.slots.has(seq) && stream.maybe.has(text)) this.#place(stream, seq, text);
    for (let seq = Math.max(stream.inheritedTo, ...stream.slots.keys()) + 1; seq <= tail; seq++)
      expect(raw.get(seq), `${stream.path}: ${seq} came from nowhere`).toBeUndefined();
    stream.maybe.clear();
  }

  #checkPosition(stream: Stream, seq: number, text: string | undefined): void {
    const slot = stream.slots.get(seq);
    if (text === undefined) {
      expect(stream.mayMiss(seq), `${stream.path}: position ${seq} is missing`).toBe(true);
      return;
    }
    expect([...(slot?.possible ?? [])], `${stream.path}: position ${seq}`).toContain(text);
    if (slot) slot.possible = new Set([text]);
  }

  #checkRanges(stream: Stream, raw: ReadonlyMap<number, string>, first: number): void {
    for (const range of stream.ranges) {
      const seqs = Array.from({ length: range.to - range.from + 1 }, (_, i) => range.from + i).filter(
        (seq) => seq >= first,
      );
      const shown = seqs.filter((seq) => raw.has(seq)).length;
      expect(
        [0, seqs.length],
        `${stream.path}: ${range.from}-${range.to} is passed over whole or not at all`,
      ).toContain(shown);
      if (range.dropped) expect(shown, `${stream.path}: ${range.from}-${range.to} is back`).toBe(0);
      if (shown === 0 && seqs.length > 0) range.dropped = true;
    }
  }

  /** Rows hold what readers see, what was erased is in no row and no file, and a consumer from the beginning gets none of it. */
  async checkAtRest(life: Life, db: Db): Promise<void> {
    const passUntil = (holds: () => Promise<boolean>): Promise<void> =>
      until(
        async () => {
          await life.pass(500);
          return holds();
        },
        { withinMs: 30_000, everyMs: 1 },
      );
    const none = async (text: ReturnType<typeof sql>): Promise<boolean> => (await db.query(text)).length === 0;
    await passUntil(async () => {
      const { flushedTo, tip } = await life.log.barrier();
      return flushedTo === tip || life.mismatches.length > 0;
    });
    expect(life.mismatches).toEqual([]);
    await passUntil(() => none(sql`select 1 from stream_erasures`));
    await passUntil(() => none(sql`select 1 from streams where rows_due`));
    await this.check(life);
    await this.#checkErased(db);
    await this.#checkConsumer(life);
  }

  async #checkErased(db: Db): Promise<void> {
    const files = [...this.disk.copy()];
    const rows = await db.query<{ payload: Buffer }>(sql`select payload from stream_messages`);
    for (const { slots, path } of this.#streams.values()) {
      for (const [seq, { ever, possible }] of slots) {
        for (const text of ever) {
          if (possible.has(text)) continue;
          const holding = files.filter(([, bytes]) => bytes.includes(text)).map(([file]) => file);
          expect(holding, `${path}: ${text} at ${seq} was erased`).toEqual([]);
          expect(
            rows.some(({ payload }) => payload.includes(text)),
            `${path}: ${text} at ${seq} was erased`,
          ).toBe(false);
        }
      }
    }
  }

  async #checkConsumer(life: Life): Promise<void> {
    const last = { projectId: 'prj_sim', path: `last/${this.#consumers}` };
    await life.log.create({ key: last, contentType: 'text/plain', first: [Buffer.from('last')] });
    const got: string[] = [];
    using _ = life.log.consume(`final-${this.#consumers++}`, '', (_tx, batch: readonly Committed[]) => {
      for (const { messages } of batch) got.push(...messages.map((bytes) => Buffer.from(bytes).toString()));
      return Promise.resolve();
    });
    await until(
      async () => {
        await life.pass(100);
        return got.at(-1) === 'last';
      },
      { withinMs: 20_000, everyMs: 1 },
    );
    const erased = new Set(
      [...this.#streams.values()].flatMap(({ slots }) =>
        [...slots.values()].flatMap(({ ever, possible }) => [...ever].filter((text) => !possible.has(text))),
      ),
    );
    expect(got.filter((text) => erased.has(text))).toEqual([]);
  }
}
