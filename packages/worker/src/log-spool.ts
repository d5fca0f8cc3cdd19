import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { AppendLog } from '@muster/protocol';
import { now } from './clock.ts';
import { type Batch, LogSegments } from './log-segments.ts';
import type { Mask } from './mask.ts';
import { Wake } from './wake.ts';

export type LogLine = AppendLog['lines'][number];

/** Unsent lines on disk; a full buffer makes the command wait for the server, it never drops a line. */
const spoolBytesMax = 256 * 1024 * 1024;
/** Lines on their way to the disk. */
const memoryBytesMax = 1024 * 1024;

/*
 * Between the command and the server. Lines go to disk at once and are sent from there, so that a server that is away
 * costs nothing but disk, and a killed worker's lines are not lost.
 *  open    – takes lines; `room` waits while too many are unsent
 *  refused – the server takes no more lines of this build (`log_full`): further ones are kept for `log-rest.txt` up to
 *            the size of the buffer and counted beyond it; nobody waits
 *  closed  – takes nothing; what is on disk can still be read and acknowledged
 */
export class LogSpool {
  readonly #segments: LogSegments;
  readonly #mask: Mask;
  readonly #bytesMax: number;
  readonly #onBroken: (error: unknown) => void;
  #pending: string[] = [];
  #pendingBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #busy = false;
  #refused = false;
  #closed = false;
  #notKept = 0;
  #roomWaiters: (() => void)[] = [];
  /** Rings when there may be something to send. */
  readonly filled = new Wake();

  constructor(segments: LogSegments, mask: Mask, onBroken: (error: unknown) => void, bytesMax = spoolBytesMax) {
    this.#segments = segments;
    this.#mask = mask;
    this.#onBroken = onBroken;
    this.#bytesMax = bytesMax;
  }

  static async open(
    folder: string,
    mask: Mask,
    onBroken: (error: unknown) => void,
    bytesMax?: number,
  ): Promise<LogSpool> {
    return new LogSpool(await LogSegments.open(folder), mask, onBroken, bytesMax);
  }

  /** A line of the command; already masked by its stream. */
  output(text: string, source: 'stdout' | 'stderr'): void {
    this.#add({ text, source });
  }

  /** A line of the worker itself. */
  say(text: string, level?: 'warn' | 'error'): void {
    for (const part of text.split('\n')) {
      this.#add({ text: this.#mask.text(part), source: 'worker', ...(level && { level }) });
    }
  }

  /** Resolves when the writer of lines may go on. */
  async room(): Promise<void> {
    while (
      !this.#closed &&
      !this.#refused &&
      (this.#pendingBytes > memoryBytesMax || this.unsentBytes > this.#bytesMax)
    ) {
      await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
    }
  }

  get unsentBytes(): number {
    return this.#segments.unsentBytes + this.#pendingBytes;
  }

  /** Lines given so far, sent or not. */
  get lines(): number {
    return this.#segments.end + this.#pending.length;
  }

  /** Number of the next line to send. */
  get line(): number {
    return this.#segments.line;
  }

  get closed(): boolean {
    return this.#closed;
  }

  async read(linesMax: number, bytesMax: number): Promise<Batch> {
    await this.#writing;
    return this.#segments.read(linesMax, bytesMax);
  }

  async acknowledge(line: number): Promise<void> {
    await this.#segments.acknowledge(line);
    this.#letGo();
  }

  /** The server's limit for this build is reached. */
  refuse(): void {
    this.#refused = true;
    this.#letGo();
  }

  /** No more lines; resolves when the ones given are on disk. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#letGo();
    this.filled.ring();
    await this.#writing;
  }

  async dispose(): Promise<void> {
    await this.close();
    await this.#segments.close();
  }

  /** Writes what the server did not take as plain text; false when there is nothing. */
  async writeRest(path: string): Promise<boolean> {
    await this.#writing;
    if (this.#segments.unsentBytes === 0 && this.#notKept === 0) return false;
    const segments = this.#segments;
    const notKept = this.#notKept;
    async function* text(): AsyncGenerator<string> {
      for await (const record of segments.rest()) yield `${(JSON.parse(record) as LogLine).text}\n`;
      if (notKept > 0) yield `(${notKept} further lines were not kept: the worker's log buffer was full)\n`;
    }
    await pipeline(text(), createWriteStream(path, { mode: 0o600 }));
    return true;
  }

  #add(line: LogLine): void {
    if (this.#closed) return;
    if (this.#refused && this.unsentBytes > this.#bytesMax) {
      this.#notKept += 1;
      return;
    }
    const record = JSON.stringify({ ...line, at: new Date(now()).toISOString() });
    this.#pending.push(record);
    this.#pendingBytes += record.length + 1;
    if (!this.#busy) this.#writing = this.#write();
  }

  async #write(): Promise<void> {
    this.#busy = true;
    try {
      while (this.#pending.length > 0) {
        const records = this.#pending;
        this.#pending = [];
        await this.#segments.append(records);
        this.#pendingBytes = this.#pending.reduce((sum, record) => sum + record.length + 1, 0);
        this.filled.ring();
        this.#letGo();
      }
    } catch (error) {
      this.#pending = [];
      this.#pendingBytes = 0;
      this.#closed = true;
      this.#letGo();
      this.filled.ring();
      this.#onBroken(error);
    } finally {
      this.#busy = false;
    }
  }

  #letGo(): void {
    const waiters = this.#roomWaiters;
    this.#roomWaiters = [];
    for (const resolve of waiters) resolve();
  }
}
