import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { arch, availableParallelism, platform, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { MusterError } from '@muster/protocol';
import { registerWorker, WorkerApi } from './api.ts';
import { errnoOf } from './build-failure.ts';
import type { WorkerConfig } from './config.ts';
import { Http } from './http.ts';
import { untilAnswered } from './retrying.ts';
import { workerVersion } from './version.ts';
import type { Log } from './worker-log.ts';

type Kept = { url: string; workerId: string; token: string };

/**
 * The worker's credential: given, or kept in `<dir>/worker-token` by an earlier start, or got by registering with an API
 * key. Labels and seats of an existing worker are brought up to date. Waits while the server is away.
 */
export async function connectApi(config: WorkerConfig, log: Log, signal: AbortSignal): Promise<WorkerApi> {
  const http = new Http(config.url);
  const given = await givenToken(config);
  const token = given ?? (await keptToken(config));
  if (token !== undefined) {
    const api = new WorkerApi(http, token);
    try {
      await untilAnswered('connecting', log, signal, () =>
        api.change({ labels: config.labels, seats: config.seats }, signal),
      );
      return api;
    } catch (error) {
      const forgotten = error instanceof MusterError && (error.status === 401 || error.status === 404);
      if (given !== undefined || config.join === undefined || !forgotten) throw error;
      log.warn('the server no longer knows this worker; registering it again');
    }
  }
  if (config.join === undefined)
    throw new Error(
      'no credential: give --token (a worker token, wkt_…) or --join (an API key that may register workers)',
    );
  const key = config.join;
  const idempotencyKey = randomUUID();
  const { worker, token: fresh } = await untilAnswered('registering', log, signal, () =>
    registerWorker(http, key, description(config), idempotencyKey, signal),
  );
  await keep(keptPath(config), { url: http.base, workerId: worker.id, token: fresh });
  log.info('registered', { worker: worker.id, name: worker.name });
  return new WorkerApi(http, fresh);
}

const description = (config: WorkerConfig): Parameters<typeof registerWorker>[2] => ({
  name: config.name.slice(0, 200),
  platforms: config.platforms,
  labels: config.labels,
  seats: config.seats,
  version: workerVersion,
  host: { os: platform(), arch: arch(), cpus: availableParallelism(), memoryBytes: totalmem() },
});

/** The token a start would use without registering; undefined when there is none yet. */
export const presentToken = async (config: WorkerConfig): Promise<string | undefined> =>
  (await givenToken(config)) ?? (await keptToken(config));

const keptPath = (config: WorkerConfig): string => join(config.dir, 'worker-token');

const givenToken = async (config: WorkerConfig): Promise<string | undefined> =>
  config.token ?? (config.tokenFile === undefined ? undefined : (await readFile(config.tokenFile, 'utf8')).trim());

/** A token of another server is as good as none. */
async function keptToken(config: WorkerConfig): Promise<string | undefined> {
  try {
    const kept = JSON.parse(await readFile(keptPath(config), 'utf8')) as Partial<Kept>;
    return kept.url === new Http(config.url).base && typeof kept.token === 'string' ? kept.token : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function keep(path: string, kept: Kept): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(`${path}.new`, JSON.stringify(kept), { mode: 0o600 });
  // An older file may have been made with more rights.
  await chmod(`${path}.new`, 0o600);
  await rename(`${path}.new`, path);
}
