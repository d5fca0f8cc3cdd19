import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { MusterError } from '@muster/protocol';
import { BuildFailure, errnoOf } from './build-failure.ts';
import { after, Backoff, pause } from './clock.ts';
import { type Http, isAway } from './http.ts';
import type { Log } from './worker-log.ts';

export type Download = { url: string; token: string; sha256: string; sizeBytes: number; to: string };

/** A connection that brings nothing for so long is cut and resumed. */
const stallMs = 60_000;
/** Breaks in a row without a single new byte while the server does answer: then its copy is what is broken. */
const barrenMax = 8;
/** Whole downloads whose digest is wrong. */
const corruptMax = 3;

/**
 * Streams the source to a file and checks its digest. A cut connection goes on where it broke (`Range` with `If-Range`);
 * while the server is away it waits. Throws `BuildFailure`: `source_gone`, `storage_error`, `source_corrupt`.
 */
export async function download(http: Http, what: Download, log: Log, signal: AbortSignal): Promise<void> {
  const backoff = new Backoff();
  let barren = 0;
  let corrupt = 0;
  for (;;) {
    signal.throwIfAborted();
    const had = await sizeOf(what.to);
    try {
      if (had < what.sizeBytes) await fetchRest(http, what, had, signal);
      if ((await sizeOf(what.to)) === what.sizeBytes) {
        if ((await digestOf(what.to)) === what.sha256) return;
        corrupt += 1;
        await rm(what.to, { force: true });
        log.warn('the source arrived with a wrong digest', { tries: corrupt });
        if (corrupt >= corruptMax)
          throw new BuildFailure(
            'source_corrupt',
            `the source does not have the digest it was stored under, ${corrupt} times in a row`,
            { attribution: 'system' },
          );
        continue;
      }
      // A body that ended early without an error.
      barren = (await sizeOf(what.to)) > had ? 0 : barren + 1;
    } catch (error) {
      signal.throwIfAborted();
      const failure = finalFailure(error);
      if (failure) throw failure;
      const answered = error instanceof MusterError && error.reason !== 'server_away';
      if ((await sizeOf(what.to)) > had) {
        barren = 0;
        backoff.reset();
      } else if (!(error instanceof MusterError) || answered) barren += 1;
      log.warn('fetching the source broke off, going on', { error, bytes: await sizeOf(what.to) });
    }
    if (barren >= barrenMax)
      throw new BuildFailure(
        'storage_error',
        `the server breaks off the source at byte ${await sizeOf(what.to)} of ${what.sizeBytes}, ${barren} times in a row`,
      );
    await pause(backoff.next(), signal);
  }
}

async function fetchRest(http: Http, what: Download, had: number, signal: AbortSignal): Promise<void> {
  const stall = new AbortController();
  const both = AbortSignal.any([signal, stall.signal]);
  let timer = after(stallMs, () => stall.abort(new Error(`nothing came for ${stallMs / 1000} s`)));
  const headers: Record<string, string> = { accept: '*/*', 'accept-encoding': 'identity' };
  if (had > 0) {
    headers['range'] = `bytes=${had}-`;
    headers['if-range'] = `"sha256-${what.sha256}"`;
  }
  let file: FileHandle | undefined;
  try {
    const response = await http.open('GET', what.url, { token: what.token, headers, signal: both });
    const goesOn = response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${had}-`);
    // 200 to a range request: the server starts over, so do we.
    file = await open(what.to, goesOn ? 'a' : 'w', 0o600);
    let bytes = goesOn ? had : 0;
    if (!response.body) return;
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      timer[Symbol.dispose]();
      timer = after(stallMs, () => stall.abort(new Error(`nothing came for ${stallMs / 1000} s`)));
      bytes += chunk.length;
      if (bytes > what.sizeBytes) {
        await file.truncate(0);
        throw new BuildFailure('storage_error', `the server sends more than the ${what.sizeBytes} bytes of the source`);
      }
      await file.writeFile(chunk);
    }
  } finally {
    timer[Symbol.dispose]();
    await file?.close();
  }
}

/** What asking again cannot mend. */
function finalFailure(error: unknown): Error | undefined {
  if (error instanceof BuildFailure) return error;
  if (error instanceof MusterError && !isAway(error)) {
    if (error.status === 404 || error.status === 410)
      return new BuildFailure('source_gone', `the source is gone: ${error.message}`, { cause: error });
    if (error.status === 416) return undefined;
    return error;
  }
  const code = errnoOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EACCES' || code === 'EROFS' ? (error as Error) : undefined;
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 0;
    throw error;
  }
}

/** SHA-256 of a file as hex. */
async function digestOf(path: string): Promise<string> {
  const hash: Hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>)
    hash.update(chunk);
  return hash.digest('hex');
}
