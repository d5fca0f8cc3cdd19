import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { systemClock } from '../../apps/server/src/kernel/base/index.ts';
import { createDb, migrate } from '../../apps/server/src/kernel/db/index.ts';
import { createLog, type Log, type LogEvents, type LogLimits } from '../../apps/server/src/kernel/log/index.ts';
import { benchFolder } from './bench-folder.ts';
import { type DurablePostgres, durablePostgres } from './stores.ts';

export const segmentBytes = 128 * 1024 * 1024;

/** Limits under which nothing goes to Postgres: what the log alone costs. */
export const withoutFlusher: Partial<LogLimits> = { flushEveryMs: 3_600_000, flushBytes: 2 ** 40, stopFlushMs: 1 };

export type DurableLog = AsyncDisposable & {
  log: Log;
  folder: string;
  stop(): Promise<void>;
  /** On the same folder as before: what recovery does. */
  start(): Promise<void>;
  postgres: DurablePostgres;
};

/**
 * The log on this disk as a server has it, with its own durable Postgres, in a folder of the working directory that goes
 * away. `prepared`: that many segment files are ready, as in a server that has run for a while, and no more are filled
 * while it is measured.
 */
export async function durableLog(
  options: { prepared?: number; limits?: Partial<LogLimits>; events?: Partial<LogEvents> } = {},
): Promise<DurableLog> {
  const { prepared = 0 } = options;
  const postgres = await durablePostgres(5);
  await migrate({ connection: postgres.connection, clock: systemClock, serverVersion: 'bench' });
  const db = createDb({
    ...postgres.connection,
    poolMax: 5,
    statementTimeoutMs: 60_000,
    applicationName: 'bench',
    clock: systemClock,
  });
  await db.start();
  const folder = await benchFolder(process.cwd(), '.bench-log-');
  const dir = path.join(folder, 'log');
  mkdirSync(dir);
  for (let i = 0; i < prepared; i++) zeroFilled(path.join(dir, `${i}.spare`));
  const preparedLimits = prepared > 0 ? { sparesMax: prepared, spareFillBytesPerSecond: 4096 } : {};
  const make = async (): Promise<Log> => {
    const log = createLog({
      driver: 'disk',
      dir,
      db,
      limits: { segmentBytes, ...preparedLimits, ...options.limits },
      events: options.events ?? {},
      fatal: (error) => {
        throw error;
      },
    });
    await log.start();
    return log;
  };
  let log = await make();
  return {
    folder,
    postgres,
    get log() {
      return log;
    },
    stop: async () => log[Symbol.asyncDispose](),
    async start() {
      log = await make();
    },
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
      await postgres[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A file of a segment's size whose blocks exist. */
export function zeroFilled(file: string): void {
  const fd = openSync(file, 'w');
  const zeros = Buffer.alloc(4 * 1024 * 1024);
  for (let at = 0; at < segmentBytes; at += zeros.length) writeSync(fd, zeros);
  fsyncSync(fd);
  closeSync(fd);
}
