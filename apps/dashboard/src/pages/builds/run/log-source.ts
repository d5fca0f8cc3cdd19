import type { Client } from '@muster/client';
import type { LogRecord, LogGap as ServerGap } from '@muster/protocol';
import type { Live } from '../../../live/live.ts';
import type { LogGap, LogHits, LogLine, LogQuery, LogSource } from '../../../parts/log/source.ts';

type Snapshot = ReturnType<LogSource['snapshot']>;

/** The newest lines that came live are kept, so that whoever follows asks for nothing. */
const keptMax = 20_000;
const askMax = 2_000;

/*
 * One build's log: by line number from the server, and behind its end from the stream.
 *   asked   nothing is known yet
 *   follows the end is known; what comes behind it is taken from the stream
 *   ended   nothing comes any more
 * A line's number is its place in the stream, so the first record behind `next` is line `total`.
 */
export class BuildLog implements LogSource, Disposable {
  readonly #client: Client;
  readonly #live: Live;
  readonly #id: string;
  readonly #listeners = new Set<() => void>();
  readonly #gaps = new Map<number, LogGap>();
  #kept: LogLine[] = [];
  #snapshot: Snapshot = { version: 0, total: 0, ended: false, gaps: [], follows: false };
  #end: (() => void) | undefined;
  /** Which start counts; each stop is another. */
  #life = 0;
  #started = false;
  #failed: Error | undefined;

  constructor(client: Client, live: Live, id: string) {
    this.#client = client;
    this.#live = live;
    this.#id = id;
  }

  /** Finds the end, and stays with it. */
  async start(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    const life = ++this.#life;
    this.#failed = undefined;
    try {
      const page = await this.#client.builds.logLines(this.#id, { tail: askMax });
      if (life !== this.#life) return;
      this.#kept = page.items;
      this.#note(page.gaps);
      if (page.first > 0) this.#note([{ from: 0, to: page.first, reason: 'offset_trimmed' }]);
      this.#change({ total: page.total, ended: page.ended, follows: !page.ended });
      if (!page.ended) this.#follow(page.next);
    } catch (error) {
      if (life !== this.#life) return;
      this.#started = false;
      this.#failed = error instanceof Error ? error : new Error(String(error));
      this.#change({});
    }
  }

  /** Why there is nothing to see. */
  get failed(): Error | undefined {
    return this.#failed;
  }

  readonly snapshot = (): Snapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  async read(from: number, count: number, signal: AbortSignal): Promise<LogLine[]> {
    const first = this.#kept[0];
    if (first && from >= first.n) return this.#kept.slice(from - first.n, from - first.n + count);
    const page = await this.#client.builds.logLines(this.#id, { from, limit: Math.min(count, askMax) }, signal);
    this.#note(page.gaps);
    return page.items;
  }

  async find({ text, regex, level, from }: LogQuery, signal: AbortSignal): Promise<LogHits> {
    const { total, hits, next } = await this.#client.builds.findInLog(
      this.#id,
      { q: text, regex, from, ...(level === undefined ? {} : { level }) },
      signal,
    );
    return { total: total ?? hits.length, hits, more: next !== null };
  }

  async nextError(from: number, step: 1 | -1, signal: AbortSignal): Promise<number | null> {
    if (from + step < 0) return null;
    const query = { level: 'error', from: from + step, back: step < 0, limit: 1, count: false } as const;
    const { hits } = await this.#client.builds.findInLog(this.#id, query, signal);
    return hits[0]?.n ?? null;
  }

  async whole(line: number, signal: AbortSignal): Promise<string> {
    const { items } = await this.#client.builds.logLines(this.#id, { from: line, limit: 1, whole: true }, signal);
    return items[0]?.text ?? '';
  }

  #follow(from: string): void {
    this.#end = this.#live.follow<LogRecord>(
      `builds/${this.#id}/log`,
      {
        take: (records) => this.#take(records),
        gap: ({ reason, lostMessages }) => {
          const { total } = this.#snapshot;
          this.#note([{ from: total, to: total + (lostMessages ?? 0), reason }]);
          this.#kept = [];
          this.#change({ total: total + (lostMessages ?? 0) });
        },
        ended: () => this.#change({ ended: true, follows: false }),
        failed: (error) => {
          this.#failed = error;
          this.#change({ follows: false });
        },
      },
      from,
    );
  }

  #take(records: readonly LogRecord[]): void {
    let { total } = this.#snapshot;
    for (const record of records) this.#kept.push({ ...record, n: total++ });
    if (this.#kept.length > keptMax + askMax) this.#kept = this.#kept.slice(-keptMax);
    this.#change({ total });
  }

  #note(gaps: readonly ServerGap[]): void {
    for (const gap of gaps) this.#gaps.set(gap.from, gap);
  }

  #change(change: Partial<Snapshot>): void {
    this.#snapshot = {
      ...this.#snapshot,
      ...change,
      gaps: [...this.#gaps.values()].sort((a, b) => a.from - b.from),
      version: this.#snapshot.version + 1,
    };
    for (const listener of this.#listeners) listener();
  }

  [Symbol.dispose](): void {
    this.#started = false;
    this.#life++;
    this.#end?.();
    this.#end = undefined;
  }
}
