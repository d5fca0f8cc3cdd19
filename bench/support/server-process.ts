import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { randomToken } from '../../apps/server/src/kernel/base/index.ts';
import { benchFolder } from './bench-folder.ts';
import { cpuMsOf, familyOf, postmasterOf } from './process-cpu.ts';

export type ServerProcess = AsyncDisposable & {
  readonly url: string;
  readonly key: string;
  readonly database: string;
  readonly pid: number;
  readonly residentBytes: () => number;
  /** CPU time so far of the server and of its Postgres, user and system; where the machine tells (Linux). */
  readonly cpuMs: () => { server: number; postgres: number };
};

const mainFile = path.join(import.meta.dirname, '../../apps/server/src/main.ts');

/** The server as people run it: a process of its own with its own durable Postgres, on a folder that goes away. */
export async function serverProcess(settings: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
  const dataDir = await benchFolder(tmpdir(), 'muster-bench-');
  const key = randomToken(30);
  const child = spawn(process.execPath, [...process.execArgv, mainFile], {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      // As bin/start.mjs sets them.
      UV_THREADPOOL_SIZE: process.env['UV_THREADPOOL_SIZE'],
      MALLOC_ARENA_MAX: process.env['MALLOC_ARENA_MAX'],
      MUSTER_DATA_DIR: dataDir,
      MUSTER_PORT: '0',
      MUSTER_API_KEY: key,
      LOG_LEVEL: 'info',
      MUSTER_LOG_FORMAT: 'json',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ready = await untilReady(child);
  return {
    url: ready.url,
    database: ready.database,
    key,
    pid: child.pid ?? 0,
    residentBytes: () =>
      Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) * 1024,
    cpuMs: () => ({ server: cpuMsOf([child.pid ?? 0]), postgres: cpuMsOf(familyOf(postmasterOf(dataDir))) }),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function untilReady(child: ChildProcess): Promise<{ url: string; database: string }> {
  if (!child.stdout) throw new Error('the server has no output');
  const lines = createInterface({ input: child.stdout });
  const seen: string[] = [];
  return await new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      if (seen.length < 200) seen.push(line);
      if (!line.includes('"msg":"ready"')) return;
      resolve(JSON.parse(line) as { url: string; database: string });
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}:\n${seen.join('\n')}`)));
  });
}
