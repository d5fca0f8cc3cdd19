import type { IncomingMessage, ServerResponse } from 'node:http';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { type Clock, invalid, MusterError } from '#kernel/base';
import type { BodyLimit } from './http.ts';
import type { EdgeLimits } from './limits.ts';

export type BodyDeps = { clock: Clock; limits: EdgeLimits };
/** A request whose body has not been asked for yet; `unasked` holds the `100 Continue` a patient client waits for. */
export type BodySource = { request: IncomingMessage; response: ServerResponse; unasked: { continue: boolean } };

export const tooLarge = (bytesMax: number): MusterError =>
  invalid('body_too_large', `The body is larger than the ${bytesMax} bytes allowed here.`, {
    status: 413,
    extra: { bytesMax },
  });
const clientGone = (cause?: unknown): MusterError =>
  invalid('client_gone', 'The connection ended before the body was complete.', { cause });

/**
 * The body as it comes, counted: a declared size over the limit is refused before reading, an undeclared one at that
 * byte. A sender slower than 1 KiB/s over the whole stall time is given up; time the reader takes does not count.
 * `enough` ends the waiting for a sender nobody listens to any more.
 */
export async function* readBody(
  source: BodySource,
  limit: BodyLimit,
  deps: BodyDeps,
  stall: 'upload' | 'json',
  enough?: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const { request } = source;
  begin(source, limit);
  using watch = new StallWatch(deps, stall, enough);
  const chunks = request.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]() as AsyncIterator<
    Buffer,
    undefined
  >;
  let bytes = 0;
  try {
    for (;;) {
      const step = await watch.waitFor(chunks.next());
      if (step.done) break;
      bytes += step.value.length;
      if (bytes > limit.bytesMax) throw limit.tooLarge?.() ?? tooLarge(limit.bytesMax);
      yield step.value;
    }
  } finally {
    // Gives the stream back undestroyed; what is left is drained when the answer is written. Not awaited: behind a stalled
    // read it would wait for the very bytes that do not come.
    if (!request.readableEnded) void chunks.return?.().catch(() => undefined);
  }
  if (!request.complete) throw clientGone();
}

/** The whole body in memory, unpacked when it says it is packed; the limit holds after unpacking. */
export async function readWhole(source: BodySource, limit: BodyLimit, deps: BodyDeps): Promise<Buffer> {
  const packed = unpacker(source.request.headers['content-encoding']);
  const body = await collect(source, limit, deps);
  if (!packed) return body;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of packed.end(body) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > limit.bytesMax) throw limit.tooLarge?.() ?? tooLarge(limit.bytesMax);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof MusterError) throw error;
    throw invalid('bad_content_encoding', 'The packed body cannot be unpacked.', { cause: error });
  }
  return Buffer.concat(chunks, bytes);
}

/** Nobody here makes the sender wait, so too few bytes within the stall time are the sender's doing. */
function collect(source: BodySource, limit: BodyLimit, { clock, limits }: BodyDeps): Promise<Buffer> {
  const { request } = source;
  const declared = begin(source, limit);
  // Nothing is announced, so nothing comes: most GETs and empty POSTs.
  if (declared === 0 && request.headers['transfer-encoding'] === undefined) return Promise.resolve(Buffer.alloc(0));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let inWindow = 0;
    let timer: Disposable;
    const look = (): void => {
      if (inWindow < (limits.bodyBytesPerSecondMin * limits.jsonStallMs) / 1000) return done(stalled('json', limits));
      inWindow = 0;
      timer = clock.after(limits.jsonStallMs, look);
    };
    timer = clock.after(limits.jsonStallMs, look);
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      inWindow += chunk.length;
      if (bytes > limit.bytesMax) return done(limit.tooLarge?.() ?? tooLarge(limit.bytesMax));
      chunks.push(chunk);
    };
    const onEnd = (): void => done();
    const onCut = (): void => done(clientGone());
    function done(error?: Error): void {
      timer[Symbol.dispose]();
      request.off('data', onData).off('end', onEnd).off('close', onCut).off('error', onCut);
      if (error) {
        request.pause();
        reject(error);
      } else resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, bytes));
    }
    if (request.destroyed) return onCut();
    request.on('data', onData).on('end', onEnd).on('close', onCut).on('error', onCut);
  });
}

/** Refuses by the declared size before anything is read; tells a patient client to go on. */
function begin({ request, response, unasked }: BodySource, limit: BodyLimit): number {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limit.bytesMax) throw limit.tooLarge?.() ?? tooLarge(limit.bytesMax);
  if (unasked.continue) {
    unasked.continue = false;
    response.writeContinue();
  }
  return declared;
}

type Unpacker =
  | ReturnType<typeof createGunzip>
  | ReturnType<typeof createBrotliDecompress>
  | ReturnType<typeof createInflate>;

function unpacker(encoding: string | undefined): Unpacker | undefined {
  switch (encoding?.trim().toLowerCase() ?? 'identity') {
    case 'identity':
    case '':
      return undefined;
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      throw invalid(
        'wrong_content_encoding',
        `Content-Encoding ${encoding} is not understood; use gzip, deflate, br or none.`,
        { status: 415 },
      );
  }
}

/** Uploads are stored as sent, so a packed transfer would be stored packed: refused instead. */
export function refusePacked(request: IncomingMessage): void {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase();
  if (encoding && encoding !== 'identity') {
    throw invalid('wrong_content_encoding', 'Uploads are taken as they are; send them without Content-Encoding.', {
      status: 415,
    });
  }
}

const stallMs = { json: 'jsonStallMs', upload: 'uploadStallMs' } as const;

/**
 * Watches how long the sender makes us wait. Every twelfth of the stall time it closes one slice; when the last twelve
 * slices were nearly all waiting and brought too little, the wait is broken off.
 */
class StallWatch implements Disposable {
  readonly #slices: { waitedMs: number; bytes: number }[] = [];
  readonly #deps: BodyDeps;
  readonly #kind: 'upload' | 'json';
  readonly #sliceMs: number;
  #timer: Disposable | undefined;
  #waitingSince: number | undefined;
  #waitedMs = 0;
  #bytes = 0;
  #giveUp: ((error: MusterError) => void) | undefined;

  constructor(deps: BodyDeps, kind: 'upload' | 'json', enough: AbortSignal | undefined) {
    this.#deps = deps;
    this.#kind = kind;
    this.#sliceMs = deps.limits[stallMs[kind]] / 12;
    this.#arm();
    enough?.addEventListener('abort', () => this.#giveUp?.(clientGone()), { once: true });
  }

  async waitFor(next: Promise<IteratorResult<Buffer, undefined>>): Promise<IteratorResult<Buffer, undefined>> {
    this.#waitingSince = this.#deps.clock.monotonic();
    const stalled = new Promise<never>((_, reject) => {
      this.#giveUp = reject;
    });
    try {
      const step = await Promise.race([next, stalled]);
      this.#bytes += step.value?.length ?? 0;
      return step;
    } catch (error) {
      throw error instanceof Error && 'code' in error && error.code === 'ECONNRESET' ? clientGone(error) : error;
    } finally {
      this.#waitedMs += this.#deps.clock.monotonic() - this.#waitingSince;
      this.#waitingSince = undefined;
      this.#giveUp = undefined;
    }
  }

  #arm(): void {
    this.#timer = this.#deps.clock.after(this.#sliceMs, () => {
      this.#closeSlice();
      this.#arm();
    });
  }

  #closeSlice(): void {
    const now = this.#deps.clock.monotonic();
    const open = this.#waitingSince === undefined ? 0 : now - this.#waitingSince;
    if (this.#waitingSince !== undefined) this.#waitingSince = now;
    this.#slices.push({ waitedMs: this.#waitedMs + open, bytes: this.#bytes });
    this.#waitedMs = 0;
    this.#bytes = 0;
    if (this.#slices.length < 12) return;
    const waitedMs = this.#slices.reduce((sum, slice) => sum + slice.waitedMs, 0);
    const bytes = this.#slices.reduce((sum, slice) => sum + slice.bytes, 0);
    const windowMs = this.#sliceMs * 12;
    if (waitedMs >= windowMs * 0.9 && bytes < (this.#deps.limits.bodyBytesPerSecondMin * windowMs) / 1000)
      this.#giveUp?.(stalled(this.#kind, this.#deps.limits));
    this.#slices.shift();
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }
}

export function stalled(kind: 'upload' | 'json', limits: EdgeLimits): MusterError {
  const seconds = Math.round(limits[stallMs[kind]] / 1000);
  const detail = `The body came slower than ${limits.bodyBytesPerSecondMin} bytes per second for ${seconds} s.`;
  return kind === 'upload' ? invalid('upload_stalled', detail) : invalid('body_stalled', detail, { status: 408 });
}
