import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { randomToken, systemClock } from '../../apps/server/src/kernel/base/index.ts';
import { createDb, type PoolDb, sql } from '../../apps/server/src/kernel/db/index.ts';
import { benchFolder } from './bench-folder.ts';
import { cpuMsOf } from './process-cpu.ts';
import { durablePostgres } from './stores.ts';

const mainFile = path.join(import.meta.dirname, '../../apps/server/src/main.ts');

/** A server of several lives on one data folder and one Postgres that outlives it, with a connection of our own to look with. */
export type GalleryServer = AsyncDisposable & {
  readonly db: PoolDb;
  readonly about: string;
  /** Starts the next life; resolves when it says ready, with how long that took. */
  begin(): Promise<number>;
  kill(): Promise<void>;
  /** How long the loop of this life took to have all its bots back, by its own log; `undefined` while it has not said. */
  restoreMs(): number | undefined;
  ask<T>(method: string, route: string, body?: unknown): Promise<T>;
  cpuMs(): number;
  /** Sum of one metric over its labels, or of one bucket of it. */
  metric(name: string, label?: string): Promise<number>;
};

export async function galleryServer({ core }: { core?: number } = {}): Promise<GalleryServer> {
  const postgres = await durablePostgres(40);
  const { host, port, user, password, database } = postgres.connection;
  const databaseUrl = `postgresql://${user}:${password}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`;
  const dataDir = await benchFolder(tmpdir(), 'muster-bench-');
  const key = randomToken(30);
  const db = createDb({
    ...postgres.connection,
    poolMax: 3,
    statementTimeoutMs: 600_000,
    applicationName: 'bench',
    clock: systemClock,
  });
  await db.start();
  let child: ChildProcess | undefined;
  let url = '';
  let restoredIn: number | undefined;
  const end = async (by: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(by);
    await gone;
  };
  const kill = (): Promise<void> => end('SIGKILL');
  const text = async (route: string): Promise<string> =>
    (await fetch(url + route, { headers: { authorization: `Bearer ${key}` } })).text();
  return {
    db,
    about: postgres.about,
    kill,
    cpuMs: () => cpuMsOf([child?.pid ?? 0]),
    restoreMs: () => restoredIn,
    async begin() {
      const began = performance.now();
      child = spawn(process.execPath, [...process.execArgv, mainFile], {
        env: {
          PATH: process.env['PATH'],
          HOME: process.env['HOME'],
          UV_THREADPOOL_SIZE: process.env['UV_THREADPOOL_SIZE'],
          MUSTER_DATA_DIR: dataDir,
          MUSTER_PORT: '0',
          MUSTER_API_KEY: key,
          DATABASE_URL: databaseUrl,
          MUSTER_LOG_FORMAT: 'json',
          NODE_NO_WARNINGS: '1',
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      restoredIn = undefined;
      url = await readyUrl(child, (line) => {
        if (line.includes('"bots of the gallery are back"'))
          restoredIn = (JSON.parse(line) as { tookMs: number }).tookMs;
      });
      if (core !== undefined) execFileSync('taskset', ['-acp', String(core), String(child.pid)], { stdio: 'ignore' });
      return performance.now() - began;
    },
    async ask<T>(method: string, route: string, body?: unknown) {
      const answer = await fetch(url + route, {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (!answer.ok) throw new Error(`${method} ${route}: ${answer.status} ${await answer.text()}`);
      return (await answer.json()) as T;
    },
    async metric(name, label) {
      const lines = (await text('/metrics'))
        .split('\n')
        .filter((line) => line.startsWith(name) && !line.startsWith('#'));
      return lines
        .filter((line) => /^[{ ]/.test(line.slice(name.length)) && (label === undefined || line.includes(label)))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
    },
    async [Symbol.asyncDispose]() {
      // Profilers write what they saw when a process ends by itself.
      await end(process.execArgv.length > 0 ? 'SIGTERM' : 'SIGKILL');
      await db[Symbol.asyncDispose]();
      await postgres[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function readyUrl(child: ChildProcess, heard: (line: string) => void): Promise<string> {
  if (!child.stdout) throw new Error('the server has no output');
  const lines = createInterface({ input: child.stdout });
  const seen: string[] = [];
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      heard(line);
      if (seen.length < 200) seen.push(line);
      if (line.includes('"msg":"ready"')) resolve((JSON.parse(line) as { url: string }).url);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}:\n${seen.join('\n')}`)));
  });
}

/** Draws bots into the sandbox, gives them traits by their number, and starts them; resolves when all run. */
export async function runningFleet(
  server: GalleryServer,
  bots: number,
  traitsOf: (tenth: number) => object,
): Promise<void> {
  await server.ask('POST', '/v1/gallery/seed', { count: bots, targetId: 'sandbox' });
  await settle(async () => (await one(server.db, sql`select count(*)::int as n from gallery_bots`)) >= bots);
  for (let tenth = 0; tenth < 10; tenth++) {
    await server.db.query(sql`
      update gallery_bots set traits = traits || ${JSON.stringify(traitsOf(tenth))}::jsonb where seed_index % 10 = ${tenth}`);
  }
  await server.ask('POST', '/v1/gallery/bots/bulk', { action: 'start', all: true });
  await settle(
    async () =>
      (await one(server.db, sql`select count(*)::int as n from gallery_bots where state = 'running'`)) >= bots,
  );
}

export async function one(db: PoolDb, statement: Parameters<PoolDb['query']>[0]): Promise<number> {
  return (await db.query<{ n: number }>(statement))[0]?.n ?? 0;
}

export async function settle(holds: () => Promise<boolean>, everyMs = 100): Promise<void> {
  while (!(await holds())) await systemClock.sleep(everyMs);
}

/** Acts that the gallery holds of bots. */
export const actsInGallery = sql`
  select ((select count(*) from sandbox_items where by_agent) + (select count(*) from sandbox_comments where by_agent)
    + (select count(*) from sandbox_likes l join sandbox_accounts a on a.id = l.account_id where a.is_agent))::int as n`;

/** The same speed at all hours of all days. */
export const flat = (speed: number): { timezone: string; curve: number[][] } => ({
  timezone: 'UTC',
  curve: Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => speed)),
});
