import type { ServerResponse } from 'node:http';
import type { Clock } from '#kernel/base';
import type { EdgeLimits } from './limits.ts';

type SseEvent = { id?: string; event?: string; data: string };

/** An open event stream. Comments every 15 s keep proxies from closing it. */
export interface SseStream {
  /** Bytes that wait in the socket after this write; above 1 MiB for 30 s the stream ends with `slow`. */
  send(event: SseEvent): number;
  /** Bytes already framed, shared between followers. */
  write(bytes: Uint8Array): number;
  readonly waitingBytes: number;
  /** Resolves when the socket took what waited. */
  drained(): Promise<void>;
  end(): void;
  /** Aborted when it is over: `gone`, `slow`, `draining` or `ended`. */
  readonly closed: AbortSignal;
}

const frameSse = ({ id, event, data }: SseEvent): string =>
  `${id === undefined ? '' : `id: ${oneLine(id)}\n`}${event === undefined ? '' : `event: ${oneLine(event)}\n`}${data
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join('')}\n`;

const oneLine = (text: string): string => text.replaceAll(/[\r\n\0]/g, ' ');

export function openSse(
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
  deps: { clock: Clock; limits: EdgeLimits; draining: AbortSignal },
): SseStream {
  const { clock, limits } = deps;
  const over = new AbortController();
  let heartbeat: Disposable | undefined;
  let stuck: Disposable | undefined;

  response.writeHead(200, {
    ...headers,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    // nginx holds event streams back unless told.
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  if (response.req.method === 'HEAD') response.end();

  function end(why: 'gone' | 'slow' | 'draining' | 'ended'): void {
    if (over.signal.aborted) return;
    heartbeat?.[Symbol.dispose]();
    stuck?.[Symbol.dispose]();
    deps.draining.removeEventListener('abort', onDraining);
    over.abort(why);
    if (why === 'slow') response.destroy();
    else response.end();
  }
  const onDraining = (): void => end('draining');
  deps.draining.addEventListener('abort', onDraining, { once: true });
  response.on('close', () => end('gone'));
  response.on('error', () => end('gone'));
  response.on('drain', () => {
    stuck?.[Symbol.dispose]();
    stuck = undefined;
  });

  function write(bytes: Uint8Array | string): number {
    if (over.signal.aborted) return 0;
    response.write(bytes);
    beatLater();
    if (response.writableLength > limits.sseWaitingBytesMax)
      stuck ??= clock.after(limits.sseStuckMs, () => end('slow'));
    return response.writableLength;
  }
  function beatLater(): void {
    heartbeat?.[Symbol.dispose]();
    heartbeat = clock.after(limits.sseHeartbeatMs, () => write(':\n\n'));
  }
  beatLater();
  if (deps.draining.aborted) end('draining');

  return {
    closed: over.signal,
    get waitingBytes() {
      return response.writableLength;
    },
    send: (event) => write(frameSse(event)),
    write,
    end: () => end('ended'),
    drained: () =>
      new Promise((resolve) => {
        if (over.signal.aborted || !response.writableNeedDrain) return resolve();
        const done = (): void => {
          response.off('drain', done);
          over.signal.removeEventListener('abort', done);
          resolve();
        };
        response.on('drain', done);
        over.signal.addEventListener('abort', done);
      }),
  };
}
