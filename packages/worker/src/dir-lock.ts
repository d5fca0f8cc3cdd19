import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from './build-failure.ts';
import { startTimeOf } from './process-table.ts';

const fileName = 'worker.lock';

/**
 * One worker process per folder: a second one would take the first one's builds for leftovers and remove them. The file
 * names the holder and its start time, so what a killed process left is recognised.
 */
export async function lockDir(dir: string): Promise<AsyncDisposable> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, fileName);
  const mine = JSON.stringify({ pid: process.pid, startedAt: await startTimeOf(process.pid) });
  for (let tries = 0; ; tries += 1) {
    try {
      await writeFile(path, mine, { flag: 'wx', mode: 0o600 });
      return { [Symbol.asyncDispose]: () => unlock(path, mine) };
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST' || tries >= 3) throw error;
      const holder = await readHolder(path);
      if (holder && (await startTimeOf(holder.pid)) === holder.startedAt) {
        throw new Error(`another worker (process ${holder.pid}) is using ${dir}; give each its own --dir`, {
          cause: error,
        });
      }
      await rm(path, { force: true });
    }
  }
}

async function unlock(path: string, mine: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => '')) === mine) await rm(path, { force: true });
}

async function readHolder(path: string): Promise<{ pid: number; startedAt: string } | undefined> {
  try {
    const holder = JSON.parse(await readFile(path, 'utf8')) as { pid?: unknown; startedAt?: unknown };
    return typeof holder.pid === 'number' && typeof holder.startedAt === 'string'
      ? { pid: holder.pid, startedAt: holder.startedAt }
      : undefined;
  } catch {
    return undefined;
  }
}
