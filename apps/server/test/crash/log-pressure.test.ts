/**
 * Faults of the log that need more than one thing to go wrong, or a crowd: what recovery touches and when, cursors that lie, a
 * slow or moved-back database, segments that are read while they go, followers by the thousand. Beside `log-faults.test.ts`.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { arm, MusterError } from '#kernel/base';
import { type Db, sql } from '#kernel/db';
import { type Appended, createLog, type Log, type Offset, type Sink, type StreamKey, type Tail } from '#kernel/log';
import { testDatabase } from '#test/database';
import { until } from '#test/until';
import { dir, type Life, World } from './support/log-lives.ts';
import { SimDisk, seeded } from './support/sim-disk.ts';

const database = await testDatabase();
afterAll(() => database[Symbol.asyncDispose]());

const limits = {
  segmentBytes: 64 * 1024,
  spareFillBytesPerSecond: 2 ** 40,
  spareDelayMs: 0,
  diskFreeBytesMin: 1,
  keepBytes: 2 ** 40,
  keepMs: 2 ** 40,
  tapeBytes: 64 * 1024,
  tapeChunkBytes: 32 * 1024,
};
const all = { bytes: 1024 * 1024, messages: 1000 };
const key: StreamKey = { projectId: 'prj_sim', path: 's' };

let world: World;
let disk: SimDisk;
const open: Life[] = [];

beforeEach(async () => {
  await database.wipe();
  disk = new SimDisk(seeded(1));
  world = new World(1, disk, seeded(1), database.db, limits);
});
afterEach(async () => {
  for (const life of open.splice(0)) if (!life.dead) await life.end('kill');
});

async function born(accept?: 'loss' | 'restored'): Promise<Life> {
  const life = world.born(accept);
  open.push(life);
  await life.log.start();
  return life;
}
async function refusal(): Promise<MusterError> {
  const life = world.born();
  open.push(life);
  const error: unknown = await life.log.start().then(
    () => new Error('it started'),
    (thrown: unknown) => thrown,
  );
  await life.end('kill');
  if (error instanceof MusterError) return error;
  throw error;
}
const put = (log: Log, text: string, of = key): Promise<Appended> =>
  log.append({ key: of, messages: [Buffer.from(text)] });
const create = (log: Log, of = key): Promise<unknown> => log.create({ key: of, contentType: 'text/plain' });
async function texts(log: Log, from: Offset | 'start' = 'start', of = key): Promise<string[]> {
  const got: string[] = [];
  for (let at = from; ; ) {
    const page = await log.read(of, at, all);
    got.push(...page.messages.map(({ bytes }) => Buffer.from(bytes).toString()));
    if (page.upToDate) return got;
    at = page.next;
  }
}
async function flushed(life: Life): Promise<void> {
  await until(
    async () => {
      await life.pass(400);
      const { flushedTo, tip } = await life.log.barrier();
      return flushedTo === tip;
    },
    { everyMs: 1 },
  );
}
const segmentPath = (no: number): string => `${dir}/${String(no).padStart(16, '0')}.wal`;
const rows = <R extends object>(statement: Parameters<Db['query']>[0]): Promise<R[]> => database.db.query<R>(statement);
const change = (statement: Parameters<Db['query']>[0]): Promise<unknown> =>
  database.db.transaction((tx) => tx.query(statement));
const long = (i: number): string => `${i}:`.padEnd(3000, '.');

describe('files and their names', () => {
  test('a start reads every segment before it makes, renames or removes a file', async () => {
    const life = await born();
    await create(life.log);
    for (let i = 0; i < 60; i++) await put(life.log, long(i));
    await life.end('power');
    expect(disk.names(dir).filter((name) => name.endsWith('.wal')).length).toBeGreaterThan(3);
    const next = world.born();
    open.push(next);
    const calls: string[] = [];
    const before = {
      open: next.process.open.bind(next.process),
      rename: next.process.rename.bind(next.process),
      remove: next.process.remove.bind(next.process),
      link: next.process.link.bind(next.process),
    };
    next.process.open = (path, mode, more) => {
      calls.push(`${mode} ${path}`);
      return before.open(path, mode, more);
    };
    for (const call of ['rename', 'link'] as const)
      next.process[call] = (from, to) => {
        calls.push(`${call} ${from}`);
        return before[call](from, to);
      };
    next.process.remove = (path) => {
      calls.push(`remove ${path}`);
      return before.remove(path);
    };
    await next.log.start();
    const firstChange = calls.findIndex((call) => !call.startsWith('read '));
    const lastRead = calls.findLastIndex((call) => /^read .*\.wal$/.test(call));
    expect(firstChange).toBeGreaterThan(0);
    expect(calls.slice(firstChange).filter((call) => /^read .*\.wal$/.test(call))).toEqual([]);
    expect(lastRead).toBeLessThan(firstChange);
    expect((await texts(next.log)).length).toBe(60);
  });

  for (const point of ['log.beforeRename', 'log.beforeDirSync', 'log.beforeSeal', 'log.afterSeal']) {
    test(`power goes at ${point}: the disk forgets names, nothing acknowledged is lost`, async () => {
      for (let seed = 1; seed <= 8; seed++) {
        await database.wipe();
        disk = new SimDisk(seeded(seed));
        world = new World(seed, disk, seeded(seed), database.db, limits);
        const life = await born();
        await create(life.log);
        const acknowledged: string[] = [];
        const armed = arm(point, () => life.die());
        for (let i = 0; i < 40 && !life.dead; i++) {
          const done = put(life.log, long(i)).then(() => void acknowledged.push(long(i)));
          await Promise.race([done, life.ended.promise]).catch(() => undefined);
        }
        armed[Symbol.dispose]();
        expect(life.dead).toBe(true);
        await life.end('power');
        const got = await texts((await born()).log);
        expect(got.slice(0, acknowledged.length)).toEqual(acknowledged);
        expect(got.length).toBeLessThanOrEqual(acknowledged.length + 1);
        await open.at(-1)?.end('kill');
      }
    });
  }

  test('a segment is not given back before Postgres holds it, and not while somebody reads in it', async () => {
    world = new World(1, disk, seeded(1), database.db, { ...limits, keepBytes: 1, keepMs: 1 });
    const life = world.born();
    open.push(life);
    // The next read of the first segment waits behind the gate.
    const gate = Promise.withResolvers<void>();
    let gated = false;
    let reading = false;
    const openFile = life.process.open.bind(life.process);
    life.process.open = async (path, mode, more) => {
      const file = await openFile(path, mode, more);
      if (path !== segmentPath(1) || mode !== 'read') return file;
      return {
        ...file,
        read: async (into, position) => {
          if (gated && !reading) {
            reading = true;
            await gate.promise;
          }
          return file.read(into, position);
        },
      };
    };
    await life.log.start();
    await create(life.log);
    using away = arm('log.beforeFlush', () => {
      throw new Error('the database is away');
    });
    for (let i = 0; i < 60; i++) await put(life.log, long(i));
    await life.pass(60_000);
    expect(disk.inode(segmentPath(1))).toBeDefined();
    gated = true;
    const page = life.log.read(key, 'start', { bytes: 1, messages: 1 });
    await until(() => reading);
    away[Symbol.dispose]();
    await until(async () => {
      await life.pass(1000);
      const { flushedTo, tip } = await life.log.barrier();
      return flushedTo === tip;
    });
    await life.pass(5000);
    expect(disk.inode(segmentPath(1)), 'it is being read').toBeDefined();
    gate.resolve();
    expect(Buffer.from((await page).messages[0]!.bytes).toString()).toBe(long(0));
    await until(async () => {
      await put(life.log, 'more');
      await life.pass(1000);
      return disk.inode(segmentPath(1)) === undefined;
    });
    expect((await texts(life.log))[0]).toBe(long(0));
  });
});

describe('a cursor that lies', () => {
  /** Two streams, of which Postgres holds the first half. */
  async function half(): Promise<number> {
    const life = await born();
    await create(life.log);
    for (let i = 0; i < 5; i++) await put(life.log, `${i}`);
    await flushed(life);
    for (let i = 5; i < 10; i++) await put(life.log, `${i}`);
    const { tip } = await life.log.barrier();
    await life.end('kill');
    return tip;
  }

  test('moved forward over what rows do not hold: refused by name, not taken for flushed', async () => {
    const tip = await half();
    const files = disk.names(dir);
    for (const lsn of [tip - 512, tip, tip + 4096, tip + 2 ** 28]) {
      // With something behind it, the next frame does not fit the rows; else the rows are looked into.
      const reason = lsn < tip ? 'log_inconsistent' : 'log_cursor_wrong';
      await change(sql`update log_cursors set lsn = ${lsn}`);
      const error = await refusal();
      expect(error, `cursor ${lsn - tip} behind the tip`).toMatchObject({ code: 'unavailable', reason });
      expect(error.message).toContain('muster log inspect');
      expect(disk.names(dir)).toEqual(expect.arrayContaining(files));
    }
  });

  test('moved back behind what rows hold: refused by name, no position is given twice', async () => {
    await half();
    await change(sql`update log_cursors set lsn = 268435456 + 512`);
    const error = await refusal();
    expect(error).toMatchObject({ code: 'unavailable', reason: 'log_inconsistent' });
    expect(error.message).toContain('muster log inspect');
  });
});

describe('a database that is slow, moved back, or at odds', () => {
  test('so slow that the backlog is full: refused clearly, then everything is caught up', async () => {
    world = new World(1, disk, seeded(1), database.db, {
      ...limits,
      backlogBytesMax: 60 * 1024,
      flushBytes: 4096,
      flushRows: 1,
    });
    const life = await born();
    await create(life.log);
    await flushed(life);
    // One row a second.
    using slow = arm('log.beforeFlush', () => life.clock.sleep(1000));
    let refused: MusterError | undefined;
    let stored = 0;
    for (let i = 0; i < 300; i++) {
      if (refused) break;
      await life.pass(50);
      await put(life.log, `${i}`).then(
        () => void stored++,
        (error: MusterError) => {
          refused = error;
        },
      );
    }
    expect(refused).toMatchObject({ code: 'exhausted', reason: 'log_backlog' });
    expect(refused!.retryAfterMs).toBeGreaterThan(0);
    expect(life.log.promises()).toMatchObject({ degraded: true });
    expect(life.log.promises().flushLagMs).toBeGreaterThan(0);
    expect((await texts(life.log)).length).toBe(stored);
    // Room again as soon as it has moved on a little, although it is as slow as before.
    await until(async () => {
      await life.pass(1000);
      return put(life.log, 'again').then(
        () => true,
        () => false,
      );
    });
    slow[Symbol.dispose]();
    await until(async () => {
      await life.pass(2000);
      const { flushedTo, tip } = await life.log.barrier();
      return flushedTo === tip;
    });
    expect(await rows(sql`select count(*)::int as n from stream_messages`)).toEqual([{ n: stored + 1 }]);
    expect(life.log.promises()).toMatchObject({ degraded: false, flushLagMs: 0 });
  });

  test('a deadlock ends a flush: it is done again, whole, and nothing is doubled', async () => {
    const life = await born();
    await create(life.log);
    for (let i = 0; i < 5; i++) await put(life.log, `${i}`);
    let times = 0;
    using armed = arm('log.beforeCursor', () => {
      times += 1;
      if (times <= 3) throw Object.assign(new Error('deadlock detected'), { code: '40P01' });
    });
    await flushed(life);
    armed[Symbol.dispose]();
    expect(times).toBeGreaterThan(3);
    expect(await rows(sql`select tail_seq, bytes from streams`)).toEqual([{ tail_seq: 5, bytes: 5 }]);
    expect(await rows(sql`select seq from stream_messages order by seq`)).toHaveLength(5);
    expect(life.mismatches).toEqual([]);
  });

  const tables = ['streams', 'stream_messages', 'stream_producers', 'log_cursors'];
  /** Postgres as it was before: a failover to a replica that had not everything. */
  async function replica(): Promise<() => Promise<void>> {
    for (const table of tables) await change({ text: `create table replica_${table} as table ${table}`, values: [] });
    return async () => {
      for (const table of tables) {
        await change({ text: `delete from ${table}`, values: [] });
        await change({ text: `insert into ${table} select * from replica_${table}`, values: [] });
        await change({ text: `drop table replica_${table}`, values: [] });
      }
    };
  }

  test('a failover to a replica behind the cursor: the server ends, and the next one brings the rest in again', async () => {
    const life = await born();
    await create(life.log);
    for (let i = 0; i < 5; i++) await put(life.log, `${i}`);
    await flushed(life);
    const failOver = await replica();
    for (let i = 5; i < 10; i++) await put(life.log, `${i}`);
    await flushed(life);
    await failOver();
    await put(life.log, '10');
    await until(async () => {
      await life.pass(1000);
      return life.fatal.length > 0;
    });
    expect(life.fatal).toMatchObject([{ code: 70, error: { reason: 'log_owner_changed' } }]);
    await life.end('kill');
    const next = await born();
    expect(await texts(next.log)).toEqual(Array.from({ length: 11 }, (_, i) => `${i}`));
    await flushed(next);
    expect(await rows(sql`select count(*)::int as n from stream_messages`)).toEqual([{ n: 11 }]);
    expect((await put(next.log, '11')).firstSeq).toBe(12);
  });

  test('a stop whose flush fails leaves everything to the log, and the next start has it', async () => {
    const life = await born();
    await create(life.log);
    for (let i = 0; i < 5; i++) await put(life.log, `${i}`);
    using away = arm('log.beforeFlush', () => {
      throw new Error('the database is away');
    });
    const stopping = life.log[Symbol.asyncDispose]();
    let stopped = false;
    void stopping.then(() => {
      stopped = true;
    });
    await until(async () => {
      await life.pass(500);
      return stopped;
    });
    away[Symbol.dispose]();
    expect(await rows(sql`select 1 from stream_messages`)).toEqual([]);
    await life.end('power');
    const next = await born();
    expect(await texts(next.log)).toEqual(['0', '1', '2', '3', '4']);
  });

  test('the clock jumps an hour forward and back: positions and eras go on, nothing is flushed twice', async () => {
    const life = await born();
    await create(life.log);
    await put(life.log, '0');
    const now = life.clock.now.bind(life.clock);
    for (const jump of [3_600_000, -3_600_000, 0]) {
      life.clock.now = () => now() + jump;
      const other = { ...key, path: `jump/${jump}` };
      await create(life.log, other);
      await put(life.log, 'x', other);
      await life.log.remove(other, 'deleted');
      await create(life.log, other);
      expect((await put(life.log, 'y', other)).firstSeq).toBe(1);
      await put(life.log, `${jump}`);
      await flushed(life);
    }
    life.clock.now = now;
    expect(await texts(life.log)).toEqual(['0', '3600000', '-3600000', '0']);
    expect([life.mismatches, life.fatal]).toEqual([[], []]);
    await life.end('power');
    const next = await born();
    expect(await texts(next.log)).toEqual(['0', '3600000', '-3600000', '0']);
    expect((await put(next.log, 'on')).firstSeq).toBe(5);
  });
});

describe('one folder', () => {
  test('two logs on one folder: the second is refused by name, and the first goes on', async () => {
    const life = await born();
    await create(life.log);
    const { mkdtemp, rm } = await import('node:fs/promises');
    const { tmpdir } = await import('node:os');
    const folder = await mkdtemp(`${tmpdir()}/muster-two-`);
    const options = {
      driver: 'disk' as const,
      dir: folder,
      db: database.db,
      limits: { segmentBytes: 1024 * 1024, diskFreeBytesMin: 1 },
      node: { id: 'sim', url: '' },
      fatal: (error: Error) => {
        throw error;
      },
    };
    await life.stop();
    await database.wipe();
    const first = createLog(options);
    await first.start();
    await create(first);
    await expect(createLog(options).start()).rejects.toMatchObject({
      code: 'conflict',
      reason: 'log_folder_in_use',
      extra: { holder: expect.stringContaining(`process ${process.pid}`) as unknown },
    });
    expect((await put(first, 'on')).firstSeq).toBe(1);
    await first[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
});

describe('followers', () => {
  class Follower implements Sink {
    readonly form = 'raw';
    got = 0;
    bytes = 0;
    waiting = 0;
    ended: string | undefined;
    last = '';
    cut = Number.POSITIVE_INFINITY;
    write(shared: readonly Uint8Array[]): number {
      for (const part of shared) {
        if (this.got >= this.cut) throw new Error('cut in the middle of a frame');
        this.got += 1;
        this.bytes += part.length;
        this.last = Buffer.from(part).toString('utf8', 0, 10);
      }
      if (this.waiting > 0) this.waiting += shared.reduce((sum, { length }) => sum + length, 0);
      return this.waiting;
    }
    gap(): 'stop' {
      return 'stop';
    }
    end(why: string): void {
      this.ended = why;
    }
  }

  test('10 000 of one stream, one never reads: it gets no more than its buffer, all others get everything', {
    timeout: 120_000,
  }, async () => {
    const log = createLog({ driver: 'memory', limits: { followerBufferBytes: 64 * 1024 } });
    await log.start();
    await create(log);
    const crowd = Array.from({ length: 10_000 }, () => new Follower());
    const stuck = crowd[5000] as Follower;
    stuck.waiting = 1;
    for (const follower of crowd) await log.tail(key, 'now', follower);
    await expect(log.tail(key, 'now', new Follower())).rejects.toMatchObject({
      code: 'exhausted',
      reason: 'followers_max',
    });
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 200; i++) {
      await put(log, `${i}`.padEnd(1024, '.'));
      await turn();
    }
    const others = crowd.filter((follower) => follower !== stuck);
    await until(() => others.every(({ got }) => got === 200), { withinMs: 60_000 });
    expect(stuck.bytes).toBeLessThanOrEqual(64 * 1024 + 2 * 1024);
    expect(stuck.got).toBeLessThan(200);
    expect(others.every(({ ended, last }) => ended === undefined && last.startsWith('199'))).toBe(true);
    // What is written is shared: a copy for each would be 2 GB.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200 * 1024 * 1024);
    await log[Symbol.asyncDispose]();
  });

  test('cut in the middle of a frame: gone at once, the others go on, and it resumes without a hole or a repeat', async () => {
    const log = createLog({ driver: 'memory' });
    await log.start();
    await create(log);
    const cut = new Follower();
    cut.cut = 2;
    const healthy = new Follower();
    const tail: Tail = await log.tail(key, 'start', cut);
    await log.tail(key, 'start', healthy);
    for (let i = 0; i < 5; i++) {
      await put(log, `${i}`);
      await turn();
    }
    await until(() => healthy.got === 5);
    expect([cut.got, tail.mode]).toEqual([2, 'ended']);
    const again = new Follower();
    const page = await log.read(key, 'start', { bytes: 1024, messages: 2 });
    await log.tail(key, page.next, again);
    await until(() => again.got === 3);
    expect(again.last).toBe('4');
    await log[Symbol.asyncDispose]();
  });

  test('a rule that trims far is done in one go, over rows, files and memory', async () => {
    const life = await born();
    await create(life.log);
    for (let i = 0; i < 30; i++) await put(life.log, long(i));
    await flushed(life);
    for (let i = 30; i < 60; i++) await put(life.log, long(i));
    await life.log.configure(key, { retention: { maxMessages: 2 } });
    await until(async () => (await life.log.head(key))!.messages === 2);
    expect(await texts(life.log)).toEqual([long(58), long(59)]);
  });
});
