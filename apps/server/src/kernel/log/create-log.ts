import { type Clock, type FatalHandler, systemClock } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { Accept } from './claim.ts';
import { checkMachine } from './crc32c.ts';
import { type Disk, realDisk } from './disk.ts';
import { DiskDriver } from './disk-driver.ts';
import { DurableLog } from './durable-log.ts';
import { type LogEvents, silentEvents } from './events.ts';
import { type LogLimits, shapeLimits } from './limits.ts';
import type { Log } from './log.ts';
import { MemoryDriver } from './memory-driver.ts';
import type { NodeIdentity } from './ownership.ts';
import type { Homes } from './shard.ts';

type Shared = {
  clock?: Clock;
  limits?: Partial<LogLimits>;
  /** Hooks for metrics and records; only those that are given are called. */
  events?: Partial<LogEvents>;
  /** First segment of a path → how many segments name the object there, so that all its streams share a shard. */
  homes?: Homes;
  /** The process cannot go on truthfully and must end with this code. */
  fatal?: FatalHandler;
};

export type LogOptions =
  | (Shared & { driver: 'memory' })
  | (Shared & {
      driver: 'disk';
      /** Folder of the segments; made when missing, locked while open. */
      dir: string;
      db: Db;
      /** False for the demo only: nothing waits for the device, and `promises()` says so. */
      fsync?: boolean;
      /** Named to others that want this database. Default: this machine and folder. */
      node?: NodeIdentity;
      /** What an operator accepts: `loss` of damaged acknowledged bytes, or a database from another time (`restored`). */
      accept?: Accept;
      /** The file system; tests bring their own. */
      disk?: Disk;
      fatal: FatalHandler;
    });

/**
 * Makes a log. `start` recovers it; nothing is answered before. The memory driver is for tests: no disk, no database,
 * nothing survives.
 *
 * @example
 * const log = createLog({ driver: 'disk', dir: './data/log', db, fatal: lifecycle.fatal });
 * await log.start();
 * await log.create({ key: { projectId, path: 'demo/log' }, contentType: 'text/plain' });
 * const { next } = await log.append({ key: { projectId, path: 'demo/log' }, messages: [Buffer.from('hello')] });
 */
export function createLog(options: LogOptions): Log {
  checkMachine();
  const shared = {
    clock: options.clock ?? systemClock,
    limits: shapeLimits(options.limits),
    events: { ...silentEvents, ...options.events },
    homes: options.homes ?? {},
  };
  const fatal: FatalHandler =
    options.fatal ??
    ((error) => {
      throw error;
    });
  if (options.driver === 'memory')
    return new DurableLog(new MemoryDriver({ ...shared, failed: (error) => fatal(error, 70) }));
  const { dir, db, fsync = true, node, accept, disk = realDisk({ sync: fsync }) } = options;
  return new DurableLog(new DiskDriver({ ...shared, dir, db, fsync, node, accept, disk, fatal }));
}
