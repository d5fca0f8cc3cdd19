import type { LogLine, LogSource } from './source.ts';

export const chunkLines = 2_000;
export const chunksMax = 40;

type Chunk = { lines: Map<number, LogLine> /** Lines before this one were asked for. */; upTo: number; usedAt: number };

/**
 * Lines of a log by chunks of 2,000, at most 40 of them; the one least looked at goes first. A chunk that the log grew
 * into is read on from where it ended. One read per chunk at a time; a failed one is kept as a problem until it is
 * asked for again.
 */
export class Chunks {
  readonly #source: LogSource;
  readonly #draw: () => void;
  readonly #chunks = new Map<number, Chunk>();
  readonly #reads = new Map<number, AbortController>();
  readonly #failed = new Map<number, unknown>();
  #clock = 0;

  constructor(source: LogSource, draw: () => void) {
    this.#source = source;
    this.#draw = draw;
  }

  line(n: number): LogLine | undefined {
    return this.#chunks.get(Math.floor(n / chunkLines))?.lines.get(n);
  }

  /** Whether the line was asked for and answered, even if it is not there. */
  knows(n: number): boolean {
    const chunk = this.#chunks.get(Math.floor(n / chunkLines));
    return (
      chunk !== undefined &&
      n < chunk.upTo &&
      !(chunk.lines.get(n) === undefined && this.#reads.has(Math.floor(n / chunkLines)))
    );
  }

  problemAt(n: number): unknown {
    return this.#failed.get(Math.floor(n / chunkLines));
  }

  get size(): number {
    return this.#chunks.size;
  }

  /** Sees to it that lines `from` to before `to` come; lines after `total` are not there yet. */
  want(from: number, to: number, total: number): void {
    const last = Math.min(to, total);
    if (last <= from) return;
    for (let at = Math.floor(from / chunkLines); at * chunkLines < last; at += 1) {
      const chunk = this.#chunks.get(at);
      if (chunk) chunk.usedAt = this.#clock += 1;
      const end = Math.min((at + 1) * chunkLines, total);
      if ((chunk?.upTo ?? 0) < Math.min(end, last) && !this.#reads.has(at) && !this.#failed.has(at))
        this.#read(at, chunk?.upTo ?? at * chunkLines, end);
    }
    // What is being read and no longer looked at is not worth waiting for.
    for (const [at, read] of this.#reads) {
      if ((at + 1) * chunkLines <= from - chunkLines || at * chunkLines >= last + chunkLines) read.abort();
    }
  }

  retry(): void {
    this.#failed.clear();
    this.#draw();
  }

  close(): void {
    for (const read of this.#reads.values()) read.abort();
    this.#reads.clear();
  }

  #read(at: number, from: number, to: number): void {
    const stop = new AbortController();
    this.#reads.set(at, stop);
    const free = (): void => {
      if (this.#reads.get(at) === stop) this.#reads.delete(at);
    };
    this.#source.read(from, to - from, stop.signal).then(
      (lines) => {
        free();
        if (stop.signal.aborted) return;
        const chunk = this.#chunks.get(at) ?? { lines: new Map<number, LogLine>(), upTo: from, usedAt: 0 };
        for (const line of lines) if (line.n >= from && line.n < to) chunk.lines.set(line.n, line);
        chunk.upTo = to;
        chunk.usedAt = this.#clock += 1;
        this.#chunks.set(at, chunk);
        this.#forget();
        this.#draw();
      },
      (error: unknown) => {
        free();
        if (stop.signal.aborted) return;
        this.#failed.set(at, error);
        this.#draw();
      },
    );
  }

  #forget(): void {
    while (this.#chunks.size > chunksMax) {
      const [oldest] = [...this.#chunks].toSorted(([, a], [, b]) => a.usedAt - b.usedAt);
      if (!oldest) return;
      this.#chunks.delete(oldest[0]);
    }
  }
}
