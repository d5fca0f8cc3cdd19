import { statfs } from 'node:fs/promises';
import type { Clock } from '#kernel/base';
import type { BlobStore } from '#kernel/blobs';
import type { DatabaseServer, PoolDb } from '#kernel/db';
import type { Http } from '#kernel/http';
import type { Log } from '#kernel/log';
import type { Metrics } from '#kernel/telemetry';

/** Told after each statement: feeds `muster_db_query_seconds`. */
export function measureQueries(metrics: Metrics): (label: string, tookMs: number) => void {
  const seconds = metrics.histogram({
    name: 'muster_db_query_seconds',
    help: 'Time of statements by query, waiting for a connection not counted.',
    labels: { query: { max: 500 } },
  });
  return (query, tookMs) => seconds.observe({ query }, tookMs / 1000);
}

export function measurePool(metrics: Metrics, db: PoolDb): void {
  metrics.gauge({
    name: 'muster_db_pool',
    help: 'Database connections of this process by what they do, and callers that wait for one.',
    labels: { state: ['busy', 'idle', 'waiting'] },
    collect(gauge) {
      const { busy, idle, waiting } = db.pool();
      gauge.set({ state: 'busy' }, busy);
      gauge.set({ state: 'idle' }, idle);
      gauge.set({ state: 'waiting' }, waiting);
    },
  });
}

export function measureDisk(metrics: Metrics, folder: string): void {
  metrics.gauge({
    name: 'muster_disk_free_bytes',
    help: 'Free bytes of the disk that holds the data folder.',
    async collect(gauge) {
      const { bavail, bsize } = await statfs(folder);
      gauge.set({}, bavail * bsize);
    },
  });
}

const lookEveryMs = 1000;
/** Never a blob; only asked whether the store answers. */
const probeKey = 'health/probe';

/** What `/health` and `/ready` say of the base. The store is asked once a second; `path` is its kind, never a place. */
export function reportHealth(
  http: Http,
  parts: { server: DatabaseServer; db: PoolDb; log: Log; clock: Clock; blobs: BlobStore; secret: 'same' | 'other' },
): AsyncDisposable {
  const { server, db, log, clock, blobs, secret } = parts;
  let exists = true;
  let timer: Disposable;
  let stopped = false;
  const look = async (): Promise<void> => {
    exists = await blobs.stat(probeKey).then(
      () => true,
      () => false,
    );
    if (!stopped) timer = clock.after(lookEveryMs, () => void look());
  };
  timer = clock.after(lookEveryMs, () => void look());

  http.health(() => {
    const state = server.state();
    const promised = log.promises();
    const fields = {
      database: db.healthy() ? 'healthy' : 'unavailable',
      storage: { path: blobs.kind, exists },
      log: promised,
      ...(secret === 'same' ? {} : { secrets: 'unreadable' }),
      ...(server.kind === 'embedded' && state.phase === 'restarting' ? { postgres: state } : {}),
    };
    return { ok: db.healthy() && exists && secret === 'same' && !promised.degraded, fields };
  });
  http.readiness(() => (db.healthy() ? undefined : 'database_unavailable'));
  return {
    [Symbol.asyncDispose]: async () => {
      stopped = true;
      timer[Symbol.dispose]();
    },
  };
}

/** How the parts of this node are, in words, for `/v1/system`. */
export function partsOf(parts: {
  db: Pick<PoolDb, 'healthy'>;
  log: Pick<Log, 'promises'>;
  builds: { health(): { parked: number; connected: number } };
  gallery: { health(): { fields: Readonly<Record<string, unknown>> } };
  secret: 'same' | 'other';
}): { name: string; state: 'ok' | 'warning' | 'bad'; detail: string; whatToDo: string | null }[] {
  const { db, log, builds, gallery, secret } = parts;
  const promises = log.promises();
  const workers = builds.health();
  const { mind } = galleryOf(gallery.health().fields);
  const healthy = db.healthy();
  return [
    {
      name: 'database',
      state: healthy ? 'ok' : 'bad',
      detail: healthy ? 'It answers.' : 'It did not answer the last look.',
      whatToDo: healthy ? null : 'Look whether it runs and takes connections; nothing acknowledged is lost meanwhile.',
    },
    {
      name: 'log',
      state: promises.degraded ? 'bad' : 'ok',
      detail: `An acknowledgement means ${promises.ackMeans}; ${Math.round(promises.flushLagMs)} ms behind in the database.`,
      whatToDo: promises.degraded
        ? 'See the troubleshooting page: a budget is nearly used, or files are in quarantine.'
        : null,
    },
    {
      name: 'builds',
      state: 'ok',
      detail: `${workers.connected} workers are connected, ${workers.parked} wait for work.`,
      whatToDo: null,
    },
    {
      name: 'gallery',
      state: mind === undefined ? 'ok' : 'warning',
      detail: mind === undefined ? 'Minds answer.' : `The mind is replaced for now: ${mind}.`,
      whatToDo: mind === undefined ? null : 'Look at the minds page; it goes back by itself once the mind answers.',
    },
    ...(secret === 'same'
      ? []
      : [
          {
            name: 'secrets',
            state: 'bad' as const,
            detail: 'MUSTER_SECRET is not the one this database was used with.',
            whatToDo: 'Set the former one, also as MUSTER_SECRET_PREVIOUS.',
          },
        ]),
  ];
}

/** What the gallery says of its mind when it is not well. */
function galleryOf(fields: Readonly<Record<string, unknown>>): { mind: string | undefined } {
  const { gallery } = fields as { gallery?: { mind?: string | { degraded?: string } } }; // oxlint-disable-line typescript/no-unsafe-type-assertion -- written by the gallery's own health
  return { mind: typeof gallery?.mind === 'object' ? gallery.mind.degraded : undefined };
}
