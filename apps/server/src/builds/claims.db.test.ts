import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { buildsRoom } from '#test/builds-room';
import { seedBuilds, seedWorker } from '#test/builds-seed';
import type { ClaimCommand, ClaimReply } from '#test/claims-child';
import { testDatabase } from '#test/database';

/* Several server processes on one database: the rows decide, whoever asks. */

const database = await testDatabase();
const rooms = await buildsRoom(database.db);
const { room } = rooms;
const children = await Promise.all([1, 2, 3].map(() => startChild()));
afterAll(async () => {
  for (const { child } of children) child.stdin?.end();
  await Promise.all(children.filter(({ child }) => child.exitCode === null).map(({ child }) => once(child, 'exit')));
  await rooms[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(() => database.wipe());

const rounds = 100;

test.each([
  { workers: 20, builds: 10 },
  { workers: 10, builds: 1 },
])(
  `$workers workers, $builds builds, three processes, ${rounds} rounds: nothing twice, nothing left`,
  { timeout: 120_000 },
  async ({ workers, builds }) => {
    const workerIds = await fleet(workers);
    let retries = 0;
    for (let round = 0; round < rounds; round++) {
      const ids = await seedBuilds(room, builds);
      const replies = await Promise.all(
        children.map((child, n) =>
          child.ask({ workerIds: rotate(workerIds, n * 7 + round), batch: [32, 1, 5][(n + round) % 3] ?? 1 }),
        ),
      );
      retries += replies.reduce((sum, reply) => sum + reply.retries, 0);
      const pairs = replies.flatMap((reply) => reply.pairs);
      expect(pairs.map((pair) => pair.buildId).sort()).toEqual([...ids].sort());
      expect(new Set(pairs.map((pair) => pair.workerId)).size).toBe(builds);
      expect(pairs.every((pair) => pair.term === 1)).toBe(true);
      const rows = await database.db.query<{ id: string; workerId: string }>(
        sql`select id, worker_id as "workerId" from builds where state = 'assigned'`,
      );
      expect(new Map(rows.map((row) => [row.id, row.workerId]))).toEqual(
        new Map(pairs.map((pair) => [pair.buildId, pair.workerId])),
      );
      await clear();
    }
    // The processes did meet: otherwise this proves nothing.
    expect(retries).toBeGreaterThan(0);
  },
);

test('keys: never more of one key than it allows, whoever claims', { timeout: 60_000 }, async () => {
  const workerIds = await fleet(20);
  for (let round = 0; round < 20; round++) {
    await seedBuilds(room, 10, { key: 'deploy', keyLimit: 3 });
    await seedBuilds(room, 5);
    const replies = await Promise.all(children.map((child) => child.ask({ workerIds, batch: 32 })));
    expect(replies.flatMap((reply) => reply.pairs)).toHaveLength(8);
    const seats = await database.db.query<{ seat: number }>(
      sql`select key_seat as seat from builds where ckey = 'deploy' and state = 'assigned' order by 1`,
    );
    expect(seats).toEqual([{ seat: 0 }, { seat: 1 }, { seat: 2 }]);
    await clear();
  }
});

async function fleet(count: number): Promise<string[]> {
  const workerIds: string[] = [];
  for (let n = 0; n < count; n++)
    workerIds.push((await seedWorker(room, { name: `w${n}`, labels: labelsOf(n) })).workerId);
  return workerIds;
}
/** Every other worker has a label of its own: claims serve equal and different ones alike. */
const labelsOf = (n: number): Record<string, string> => (n % 2 === 0 ? {} : { host: `h${n}` });

const clear = () => database.db.query(sql`delete from builds`);
const rotate = <T>(list: readonly T[], by: number): T[] => list.map((_, n) => list[(n + by) % list.length]!);

type Child = { child: ChildProcess; ask(command: ClaimCommand): Promise<ClaimReply> };

async function startChild(): Promise<Child> {
  const script = fileURLToPath(new URL('../../test/support/claims-child.ts', import.meta.url));
  const child = spawn(process.execPath, [script, database.url], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  return {
    child,
    async ask(command) {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error('a claiming process ended');
      return JSON.parse(value) as ClaimReply;
    },
  };
}
