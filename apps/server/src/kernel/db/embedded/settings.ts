import { createHash } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';

export type PostgresSettings = Readonly<Record<string, string>>;

const gibibyte = 1024 ** 3;
const sharedMemoryBytesMin = 256 * 1024 ** 2;
/** Connections beside the pool: listener, migration, admin tools, vacuum, a second server while upgrading. */
const spareConnections = 20;

export type Machine = { memoryBytes: number; sharedMemoryBytes: number };

export async function thisMachine(): Promise<Machine> {
  if (process.platform !== 'linux') return { memoryBytes: totalmem(), sharedMemoryBytes: Number.MAX_SAFE_INTEGER };
  const shm = await statfs('/dev/shm').catch(() => undefined);
  return { memoryBytes: totalmem(), sharedMemoryBytes: shm ? shm.bsize * shm.blocks : 0 };
}

/** A container often has 64 MB at /dev/shm, or none: then Postgres keeps what its processes share in files of its own. */
export const hasLittleSharedMemory = ({ sharedMemoryBytes }: Machine): boolean =>
  sharedMemoryBytes < sharedMemoryBytesMin;

/** What Postgres runs with. All of it goes on the command line, where a look at the process shows it. */
export function postgresSettings(poolMax: number, machine: Machine): PostgresSettings {
  const tight = hasLittleSharedMemory(machine);
  return {
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    max_connections: String(poolMax + spareConnections),
    shared_buffers: machine.memoryBytes < gibibyte ? '64MB' : '128MB',
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    idle_in_transaction_session_timeout: '60s',
    // A server that was killed leaves statements behind that hold locks: they end when their client is gone.
    ...(process.platform === 'linux' ? { client_connection_check_interval: '2s' } : {}),
    // Queue tables churn: dead rows must go soon, or claims slow down. The hottest have settings of their own.
    autovacuum_naptime: '15s',
    wal_compression: 'on',
    max_wal_size: '1GB',
    log_min_duration_statement: '2s',
    log_checkpoints: 'off',
    ...(tight
      ? { dynamic_shared_memory_type: 'mmap', max_parallel_workers: '0', max_parallel_workers_per_gather: '0' }
      : {}),
  };
}

/** Settings under which tests run: nothing needs to survive a power cut. */
export const testSettings = (maxConnections: number): PostgresSettings => ({
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  max_connections: String(maxConnections),
  shared_buffers: '64MB',
  jit: 'off',
  timezone: 'UTC',
  autovacuum_naptime: '15s',
  max_wal_size: '2GB',
  checkpoint_timeout: '1h',
});

/** A server that outlived us carries this mark; when it differs, it runs with other settings than we would give it. */
export const settingsMark = (settings: PostgresSettings): string =>
  createHash('sha256')
    .update(JSON.stringify(Object.entries(settings).toSorted(([a], [b]) => (a < b ? -1 : 1))))
    .digest('hex')
    .slice(0, 16);

export const settingsArguments = (settings: PostgresSettings): string[] =>
  Object.entries({ ...settings, 'muster.settings': settingsMark(settings) }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
