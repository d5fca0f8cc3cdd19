import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/*
 * The lines of one attempt that the server has not acknowledged, on disk, in files of about 8 MiB. A file is named after
 * the number of its first line and goes away as soon as its last line is acknowledged, so the folder holds what is unsent
 * and little more, and a worker that was killed goes on from the names alone.
 */

const segmentBytes = 8 * 1024 * 1024;
const readBytes = 256 * 1024;
const newline = 0x0a;

type Segment = { base: number; path: string; bytes: number; lines: number };
/** `records` are the JSON texts of consecutive lines; the first of them has number `from`. */
export type Batch = { from: number; records: string[]; bytes: number };

export class LogSegments {
  readonly #folder: string;
  readonly #segments: Segment[];
  #writer: FileHandle | undefined;
  #reader: { segment: Segment; file: FileHandle } | undefined;
  /** Where the next unacknowledged line begins: line number, and byte in the first segment. */
  #line: number;
  #byte = 0;
  #unsentBytes: number;
  #lastRead: Batch | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, segments: Segment[]) {
    this.#folder = folder;
    this.#segments = segments;
    this.#line = segments[0]?.base ?? 0;
    this.#unsentBytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /** Opens the folder; lines of an earlier life count as unsent: the server trims what it already has. */
  static async open(folder: string): Promise<LogSegments> {
    const names = (await readdir(folder)).flatMap((name) => {
      const match = /^(\d{1,12})\.ndjson$/.exec(name);
      return match ? [{ base: Number(match[1]), path: join(folder, name) }] : [];
    });
    const segments: Segment[] = [];
    for (const { base, path } of names.sort((a, b) => a.base - b.base)) segments.push(await measure(base, path));
    return new LogSegments(folder, segments);
  }

  /** Number of the next line to send. */
  get line(): number {
    return this.#line;
  }

  /** Number the next appended line will get. */
  get end(): number {
    const last = this.#segments.at(-1);
    return last ? last.base + last.lines : this.#line;
  }

  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  append(records: readonly string[]): Promise<void> {
    return this.#inTurn(() => this.#append(records));
  }

  /** The oldest unacknowledged lines, at least one if there is any, up to both limits. Reading does not acknowledge. */
  read(linesMax: number, bytesMax: number): Promise<Batch> {
    return this.#inTurn(() => this.#read(linesMax, bytesMax));
  }

  /** All lines before number `line` are safe on the server. */
  acknowledge(line: number): Promise<void> {
    return this.#inTurn(() => this.#acknowledge(line));
  }

  /** One at a time: writing, reading and dropping files share the list and the handles. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #append(records: readonly string[]): Promise<void> {
    let segment = this.#segments.at(-1);
    if (!segment || segment.bytes >= segmentBytes || !this.#writer) {
      await this.#writer?.close();
      segment = {
        base: this.end,
        path: join(this.#folder, `${String(this.end).padStart(12, '0')}.ndjson`),
        bytes: 0,
        lines: 0,
      };
      // Also after a restart: a file whose last line may be torn is never written to again.
      this.#writer = await open(segment.path, 'w', 0o600);
      this.#segments.push(segment);
    }
    const bytes = Buffer.from(`${records.join('\n')}\n`);
    await this.#writer.writeFile(bytes);
    segment.bytes += bytes.length;
    segment.lines += records.length;
    this.#unsentBytes += bytes.length;
  }

  async #read(linesMax: number, bytesMax: number): Promise<Batch> {
    const batch: Batch = { from: this.#line, records: [], bytes: 0 };
    this.#lastRead = batch;
    const segment = this.#segments[0];
    if (!segment || this.#byte >= segment.bytes) return batch;
    const file = await this.#open(segment);
    let wanted = Math.min(Math.max(readBytes, bytesMax), segment.bytes - this.#byte);
    for (;;) {
      const buffer = Buffer.alloc(wanted);
      const { bytesRead } = await file.read(buffer, 0, wanted, this.#byte);
      take(batch, buffer.subarray(0, bytesRead), linesMax, bytesMax);
      // One record longer than what was read: read more of it.
      if (batch.records.length > 0 || wanted >= segment.bytes - this.#byte) return batch;
      wanted = Math.min(wanted * 2, segment.bytes - this.#byte);
    }
  }

  async #acknowledge(line: number): Promise<void> {
    while (this.#line < line) {
      const whole = this.#lastRead?.from === this.#line && this.#line + this.#lastRead.records.length === line;
      const batch =
        whole && this.#lastRead ? this.#lastRead : await this.#read(line - this.#line, Number.MAX_SAFE_INTEGER);
      this.#lastRead = undefined;
      if (batch.records.length === 0) return;
      this.#line += batch.records.length;
      this.#byte += batch.bytes;
      this.#unsentBytes -= batch.bytes;
      await this.#dropSpent();
    }
  }

  /** Everything unsent, in order, without acknowledging it; for the rest that the server refuses to take. */
  async *rest(): AsyncGenerator<string> {
    let skip = this.#byte;
    for (const segment of this.#segments) {
      const file = await open(segment.path, 'r');
      try {
        const stream = file.createReadStream({ start: skip, encoding: 'utf8', autoClose: false });
        let torn = '';
        for await (const chunk of stream as AsyncIterable<string>) {
          const parts = (torn + chunk).split('\n');
          torn = parts.pop() ?? '';
          yield* parts;
        }
      } finally {
        await file.close();
      }
      skip = 0;
    }
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#writer?.close();
      await this.#reader?.file.close();
      this.#writer = undefined;
      this.#reader = undefined;
    });
  }

  async #dropSpent(): Promise<void> {
    const segment = this.#segments[0];
    if (!segment || this.#byte < segment.bytes) return;
    // The last one stays while it is written to, until it is full: appending goes on in it.
    if (this.#segments.length === 1 && segment.bytes < segmentBytes) return;
    if (this.#segments.length === 1) {
      await this.#writer?.close();
      this.#writer = undefined;
    }
    if (this.#reader?.segment === segment) {
      await this.#reader.file.close();
      this.#reader = undefined;
    }
    this.#segments.shift();
    this.#byte = 0;
    await rm(segment.path, { force: true });
  }

  async #open(segment: Segment): Promise<FileHandle> {
    if (this.#reader?.segment !== segment) {
      await this.#reader?.file.close();
      this.#reader = { segment, file: await open(segment.path, 'r') };
    }
    return this.#reader.file;
  }
}

function take(batch: Batch, bytes: Buffer, linesMax: number, bytesMax: number): void {
  let from = 0;
  while (batch.records.length < linesMax) {
    const to = bytes.indexOf(newline, from);
    if (to === -1) return;
    if (batch.records.length > 0 && batch.bytes + (to + 1 - from) > bytesMax) return;
    batch.records.push(bytes.toString('utf8', from, to));
    batch.bytes += to + 1 - from;
    from = to + 1;
  }
}

/** Whole lines only: what was being written when the worker died does not count. */
async function measure(base: number, path: string): Promise<Segment> {
  const segment: Segment = { base, path, bytes: 0, lines: 0 };
  const file = await open(path, 'r');
  try {
    const size = (await stat(path)).size;
    const buffer = Buffer.alloc(readBytes);
    for (let at = 0; at < size; ) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) break;
      for (let from = 0; ; ) {
        const to = buffer.subarray(0, bytesRead).indexOf(newline, from);
        if (to === -1) break;
        segment.lines += 1;
        segment.bytes = at + to + 1;
        from = to + 1;
      }
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
  return segment;
}
