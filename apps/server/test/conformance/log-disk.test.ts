import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { testDatabase } from '#test/database';
import { type LogMaker, logContract } from './log.ts';
import { logContentContract } from './log-content.ts';
import { logLifeContract } from './log-life.ts';

const database = await testDatabase();
const folder = await mkdtemp(join(tmpdir(), 'muster-log-'));
let made = 0;

afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const maker: LogMaker = {
  keeps: true,
  async options({ clock, limits }) {
    await database.wipe();
    return {
      driver: 'disk',
      dir: join(folder, String(made++)),
      db: database.db,
      ...(clock ? { clock } : {}),
      limits: { segmentBytes: 1024 * 1024 * 16, diskFreeBytesMin: 1, flushEveryMs: 20, ...limits },
      fatal: (error) => {
        throw error;
      },
    };
  },
};

logContract('disk', maker, { skip: {} });
logContentContract('disk', maker);
logLifeContract('disk', maker);
