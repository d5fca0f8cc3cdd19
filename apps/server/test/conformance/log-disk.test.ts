import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { testDatabase } from '#test/database';
import { logContract } from './log.ts';

const database = await testDatabase();
const folder = await mkdtemp(join(tmpdir(), 'muster-log-'));
let made = 0;

afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

logContract(
  'disk',
  {
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
  },
  { skip: {} },
);
