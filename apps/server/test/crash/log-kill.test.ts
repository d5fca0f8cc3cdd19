/**
 * Real ends: a child process appends under load on a real disk and is killed with SIGKILL, `TEST_KILLS` times (8 here). After each, a
 * log opened on the same folder must hold every append the child was seen to acknowledge, at its position, once.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { type Db, sql } from '#kernel/db';
import { createLog, type Log, type Offset } from '#kernel/log';
import { testDatabase } from '#test/database';
import { until } from '#test/until';
import { seeded } from './support/sim-disk.ts';

const database = await testDatabase();
afterAll(() => database[Symbol.asyncDispose]());

const kills = Number(process.env['TEST_KILLS'] ?? 8);
const seed = Number(process.env['TEST_SEED'] ?? Math.floor(performance.timeOrigin % 1e6));
const random = seeded(seed);
const all = { bytes: 1024 * 1024, messages: 1000 };

/** Runs a child for a while under load, kills it, and answers with what it acknowledged. */
async function liveAndDie(dir: string, life: number): Promise<string[]> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'support/log-child.ts'), dir, database.url, String(life)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  const ready = Promise.withResolvers<void>();
  reader.on('line', (line) => {
    if (line === 'ready') ready.resolve();
    else lines.push(line);
  });
  // Also when it happened already: both the process and its last line are waited for.
  const closed = once(reader, 'close');
  const exited = once(child, 'exit');
  await Promise.race([ready.promise, exited]);
  expect(child.exitCode).toBeNull();
  await until(() => lines.length > 0, { withinMs: 20_000 });
  await pause(random() * 300);
  child.kill('SIGKILL');
  await exited;
  await closed;
  // The last line may have been cut in the middle.
  return lines.filter((line) => /^s\/\d+ \d+ \d+\.\d+\.\d+\.*$/.test(line));
}

async function contents(log: Log): Promise<Map<string, string[]>> {
  const got = new Map<string, string[]>();
  for (const head of (await log.list('prj_kill', 's/', { limit: 100 })).items) {
    const texts: string[] = [];
    for (let at: Offset | 'start' = 'start'; ; ) {
      const page = await log.read(head.key, at, all);
      for (const { seq, bytes } of page.messages) {
        expect(seq).toBe(texts.length + 1);
        texts.push(Buffer.from(bytes).toString());
      }
      if (page.upToDate) break;
      at = page.next;
    }
    got.set(head.key.path, texts);
  }
  return got;
}

async function checkRows(db: Db, got: Map<string, string[]>): Promise<void> {
  for (const [path, texts] of got) {
    const rows = await db.query<{ payload: Buffer }>(sql`
      select m.payload from stream_messages m join streams s using (stream_no) where s.path = ${path} order by m.seq`);
    expect(rows.length).toBe(texts.length);
    expect(rows.map(({ payload }) => payload.toString()).join('')).toBe(texts.join(''));
  }
}

test(`${kills} kills under load (seed ${seed})`, { timeout: 60_000 + kills * 20_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-log-kill-'));
  const acknowledged = new Map<string, string>();
  let seen = 0;
  for (let life = 0; life < kills; life++) {
    for (const line of await liveAndDie(join(folder, 'log'), life)) {
      const [path, seq, text] = line.split(' ') as [string, string, string];
      expect(acknowledged.has(`${path} ${seq}`), `${path} ${seq} was given twice`).toBe(false);
      acknowledged.set(`${path} ${seq}`, text);
    }
    const fatal: Error[] = [];
    const log = createLog({
      driver: 'disk',
      dir: join(folder, 'log'),
      db: database.db,
      limits: { segmentBytes: 512 * 1024, flushEveryMs: 30, keepBytes: 1024 * 1024, keepMs: 500, diskFreeBytesMin: 1 },
      fatal: (error) => fatal.push(error),
    });
    await log.start();
    const got = await contents(log);
    for (const [place, text] of acknowledged) {
      const [path, seq] = place.split(' ') as [string, string];
      expect(got.get(path)?.[Number(seq) - 1], place).toBe(text);
    }
    const flat = [...got.values()].flat();
    expect(new Set(flat).size, 'nothing twice').toBe(flat.length);
    seen = flat.length;
    if (life % 4 === 3) {
      await until(
        async () => {
          const { flushedTo, tip } = await log.barrier();
          return flushedTo === tip;
        },
        { withinMs: 30_000 },
      );
      await checkRows(database.db, got);
    }
    await log[Symbol.asyncDispose]();
    expect(fatal).toEqual([]);
  }
  console.log(`${kills} kills, ${acknowledged.size} acknowledged appends, ${seen} stored`);
  await rm(folder, { recursive: true, force: true });
});
