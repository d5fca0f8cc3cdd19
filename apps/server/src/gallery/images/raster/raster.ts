import { assert, type Clock, exhausted, invalid, type Service, unavailable } from '#kernel/base';
import type { FromThread, ToThread } from './messages.ts';
import { Thread } from './thread.ts';
import { readUpload } from './upload.ts';
import { toWebp } from './webp.ts';

/** The widths in which pictures are shown. */
export const pngWidths = [256, 512, 1024, 2048] as const;
export type PngWidth = (typeof pngWidths)[number];
/** The widest that is drawn at all; pipelines may ask for any width up to it. */
export const rasterWidthMax = 2_048;

export type Redrawn = { png: Uint8Array; width: number; height: number };

/**
 * Turns drawings into pixels, in threads of its own. Throws `exhausted` `raster_busy` when its queue is full and
 * `unavailable` `raster_failed` when a thread crashed or took longer than its limit; the thread is then replaced and the
 * drawing itself can still be shown.
 */
export interface Raster extends Service {
  /** A PNG of that width in pixels, 1 to 2048; the height follows the drawing. */
  png(svg: string, width: number): Promise<Uint8Array>;
  /** The same as WebP, or `undefined` when `sharp` is not installed. */
  webp(svg: string, width: number): Promise<Uint8Array | undefined>;
  /**
   * An uploaded PNG or JPEG drawn anew, upright and no longer than 2048 pixels on its longer side, so that nothing but its
   * pixels stays. Throws `invalid`: `upload_type`, `upload_too_large`, `upload_broken`; the first two before any decoding.
   */
  redraw(bytes: Uint8Array): Promise<Redrawn>;
  used(): { running: number; waiting: number };
}

export type RasterOptions = {
  clock: Clock;
  threads?: number;
  /** Orders that may wait for a thread. */
  queueMax?: number;
  limitMs?: number;
  /** Photographs have more pixels than drawings have. */
  redrawLimitMs?: number;
  onFault?: (fault: 'crashed' | 'late', detail: string) => void;
  /** What runs in the threads; tests bring one that dies. */
  threadFile?: URL;
};

export const rasterDefaults = { threads: 2, queueMax: 64, limitMs: 2_000, redrawLimitMs: 10_000 };
const redrawSideMax = rasterWidthMax;
const retryAfterMs = 1_000;

export const createRaster = (options: RasterOptions): Raster => new Threads(options);

// Without the union losing its parts.
type Without<T, K extends string> = T extends unknown ? Omit<T, K> : never;
type Order = Without<ToThread, 'id'>;
type Waiting = { order: Order; limitMs: number; resolve: (answer: FromThread) => void; reject: (error: Error) => void };

class Threads implements Raster {
  readonly #options: Required<Omit<RasterOptions, 'onFault'>> & Pick<RasterOptions, 'onFault'>;
  readonly #idle: Thread[] = [];
  readonly #all = new Set<Thread>();
  readonly #queue: Waiting[] = [];
  #running = 0;
  #nextId = 1;
  #stopped = false;

  constructor(options: RasterOptions) {
    this.#options = { ...rasterDefaults, threadFile: new URL('./raster-thread.ts', import.meta.url), ...options };
  }

  /** Threads begin when the first order comes: most processes of a cluster draw nothing. */
  async start(): Promise<void> {
    await Promise.resolve();
    this.#stopped = false;
  }

  async png(svg: string, width: number): Promise<Uint8Array> {
    assert(Number.isInteger(width) && width >= 1 && width <= rasterWidthMax, `a picture cannot be ${width} wide`);
    const { png } = await this.#ask({ kind: 'draw', svg, width }, this.#options.limitMs);
    return png;
  }

  async webp(svg: string, width: number): Promise<Uint8Array | undefined> {
    return await toWebp(() => this.png(svg, width));
  }

  async redraw(bytes: Uint8Array): Promise<Redrawn> {
    const { mimeType, orientation, width, height } = readUpload(bytes);
    const {
      png,
      width: w,
      height: h,
    } = await this.#ask(
      { kind: 'redraw', bytes, mimeType, size: { width, height }, orientation, sideMax: redrawSideMax },
      this.#options.redrawLimitMs,
    );
    return { png, width: w, height: h };
  }

  used(): { running: number; waiting: number } {
    return { running: this.#running, waiting: this.#queue.length };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    for (const { reject } of this.#queue.splice(0)) reject(failed('The rasteriser was stopped.'));
    const all = [...this.#all];
    for (const thread of all) thread.stop();
    await Promise.all(all.map(({ ended }) => ended));
  }

  async #ask(order: Order, limitMs: number): Promise<Extract<FromThread, { ok: true }>> {
    if (this.#stopped) throw failed('The rasteriser was stopped.');
    if (this.#queue.length >= this.#options.queueMax)
      throw exhausted('raster_busy', `${this.#queue.length} pictures wait to be drawn already.`, { retryAfterMs });
    const answer = await new Promise<FromThread>((resolve, reject) => {
      this.#queue.push({ order, limitMs, resolve, reject });
      this.#next();
    });
    if (answer.ok) return answer;
    if (answer.why === 'empty')
      throw invalid('upload_broken', 'The picture cannot be decoded, or nothing of it can be seen.');
    throw failed('The picture could not be drawn.', new Error(answer.detail));
  }

  #next(): void {
    while (this.#queue.length > 0) {
      const thread = this.#idle.pop() ?? this.#another();
      if (!thread) return;
      if (thread.gone) continue;
      const waiting = this.#queue.shift();
      if (!waiting) {
        this.#idle.push(thread);
        return;
      }
      void this.#work(thread, waiting);
    }
  }

  /**
   * A thread that is late may still be inside one native call, which nothing can interrupt. So many such are let be as
   * there are threads; past that, the queue waits until one of them is really gone.
   */
  #another(): Thread | undefined {
    const { threads, threadFile } = this.#options;
    if (this.#running + this.#idle.length >= threads || this.#all.size >= 2 * threads) return undefined;
    const thread = new Thread(threadFile);
    this.#all.add(thread);
    void thread.ended.then(() => {
      this.#all.delete(thread);
      const at = this.#idle.indexOf(thread);
      if (at !== -1) this.#idle.splice(at, 1);
      this.#next();
    });
    return thread;
  }

  async #work(thread: Thread, { order, limitMs, resolve, reject }: Waiting): Promise<void> {
    this.#running++;
    const ended = await thread.run({ ...order, id: this.#nextId++ }, this.#options.clock, limitMs);
    this.#running--;
    if (ended.kind === 'answer') {
      this.#idle.push(thread);
      resolve(ended.answer);
    } else {
      const late = ended.kind === 'late';
      if (!this.#stopped) this.#options.onFault?.(ended.kind, late ? `longer than ${limitMs} ms` : ended.error.message);
      reject(
        failed(
          late ? `The picture took longer than ${limitMs} ms.` : 'The thread that drew the picture ended.',
          late ? undefined : ended.error,
        ),
      );
    }
    this.#next();
  }
}

const failed = (detail: string, cause?: Error): Error =>
  unavailable('raster_failed', detail, { retryAfterMs, ...(cause ? { cause } : undefined) });
