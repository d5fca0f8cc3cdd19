import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MusterError } from '@muster/protocol';
import { WorkerApi } from './api.ts';
import { graceMsDefault, type RunBuild } from './build-context.ts';
import { BuildFailure, errnoOf, hostFailure } from './build-failure.ts';
import { BuildWorker, type WorkerEnd } from './build-worker.ts';
import { Http } from './http.ts';
import { type Log, workerLog } from './worker-log.ts';

export type StartWorkerOptions = {
  /** The server's address. */
  url: string;
  /** `wkt_…`, given once by `POST /v1/workers`. */
  token: string;
  /** Replaces the worker's labels; builds are matched against them. */
  labels?: Readonly<Record<string, string>>;
  /** How many builds at once; 1 when the server does not know better. */
  seats?: number;
  run: RunBuild;
  /** Where attempts live, one worker per folder; a folder of this token below the system's temporary one by default. */
  dir?: string;
  /** Gives held builds back and closes the worker. */
  signal?: AbortSignal;
  once?: boolean;
  idleExitMs?: number;
  /** Time a `run` gets to end after its signal aborted. */
  graceMs?: number;
  transport?: 'auto' | 'poll';
  log?: Log;
};
export type RunningWorker = {
  /** Takes nothing new; resolves when the last build is reported and the worker has left. */
  drain(reason?: string): Promise<WorkerEnd>;
  /** Gives held builds back at once and leaves. */
  stop(reason?: string): Promise<WorkerEnd>;
  readonly closed: Promise<WorkerEnd>;
};

/**
 * Takes builds from a Muster server and hands each to `run`. Lease, log, cancel, artifacts and the result are taken care
 * of. Throws `MusterError` (`unauthenticated`: the token is not good) and `Error` when the folder is in use.
 *
 * @example
 * const worker = await startWorker({ url, token, labels: { arch: 'arm64' }, run: async (job, { exec, source, putArtifact, signal }) => {
 *   await source();
 *   const { exitCode } = await exec('npm ci && npm run build');
 *   if (exitCode !== 0) throw new BuildFailure('command_failed', 'npm failed', { exitCode });
 *   await putArtifact('dist/app.tgz');
 * } });
 * await worker.closed;
 */
export async function startWorker(options: StartWorkerOptions): Promise<RunningWorker> {
  const log = options.log ?? workerLog((line) => process.stderr.write(line));
  const api = new WorkerApi(new Http(options.url), options.token);
  const wanted = {
    ...(options.labels && { labels: { ...options.labels } }),
    ...(options.seats !== undefined && { seats: options.seats }),
  };
  const known = await api.change(wanted, options.signal);
  const worker = new BuildWorker({
    api,
    dir:
      options.dir ??
      join(tmpdir(), `muster-worker-${createHash('sha256').update(options.token).digest('hex').slice(0, 16)}`),
    seats: options.seats ?? known.seats,
    run: asBuild(options.run),
    log,
    once: options.once,
    idleExitMs: options.idleExitMs,
    stopMsMax: options.graceMs ?? graceMsDefault,
    transport: options.transport,
  });
  await worker.start();
  const stop = (reason = 'stopped'): Promise<WorkerEnd> => {
    worker.abandon(reason);
    return worker.closed;
  };
  if (options.signal?.aborted) void stop();
  options.signal?.addEventListener('abort', () => void stop(), { once: true });
  return {
    closed: worker.closed,
    stop,
    drain: (reason = 'draining') => {
      worker.drain(reason);
      return worker.closed;
    },
  };
}

/** A plain error thrown by `run` is the build's own failure; only a full disk is known to be the machine's. */
function asBuild(run: RunBuild): RunBuild {
  return async (job, context) => {
    try {
      return await run(job, context);
    } catch (error) {
      if (error instanceof BuildFailure || error instanceof MusterError || context.signal.aborted) throw error;
      const failure = hostFailure(error, 'the build failed');
      if (failure.code === 'worker_disk_full' || errnoOf(error) === 'EMFILE') throw failure;
      throw new BuildFailure('command_failed', error instanceof Error ? error.message : String(error), {
        cause: error,
      });
    }
  };
}
