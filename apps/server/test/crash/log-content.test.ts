/**
 * Erased bodies and superseded ranges over ends of the process: what was erased is found nowhere within the bound, whatever
 * file it had got into, and what was dropped stays passed over.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { arm, FakeClock } from '#kernel/base';
import { type Db, sql } from '#kernel/db';
import { type Appended, type Committed, createLog, type Log, type StreamKey } from '#kernel/log';
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
  supersededKeepMs: 600_000,
};
const all = { bytes: 1024 * 1024, messages: 1000 };
const key: StreamKey = { projectId: 'prj_sim', path: 's' };
const secret = 'the-SECRET-of-somebody';
const minute = 60_000;

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

async function born(): Promise<Life> {
  const life = world.born();
  open.push(life);
  await life.log.start();
  return life;
}
const rows = <R extends object>(statement: Parameters<Db['query']>[0]): Promise<R[]> => database.db.query<R>(statement);
const put = (log: Log, text: string, of = key): Promise<Appended> =>
  log.append({ key: of, messages: [Buffer.from(text)] });
const create = (log: Log, of = key): Promise<unknown> => log.create({ key: of, contentType: 'text/plain' });
const erase = (log: Log, seq: number, instead = '-'): Promise<void> =>
  log.erase(key, [{ seq, instead: Buffer.from(instead) }]);
async function texts(log: Log, of = key): Promise<string[]> {
  const got: string[] = [];
  for (let at = 'start'; ; ) {
    const page = await log.read(of, at, all);
    got.push(...page.messages.map(({ bytes }) => Buffer.from(bytes).toString()));
    if (page.upToDate) return got;
    at = page.next;
  }
}
const passUntil = (life: Life, stepMs: number, holds: () => boolean | Promise<boolean>): Promise<void> =>
  until(
    async () => {
      await life.pass(stepMs);
      return holds();
    },
    { everyMs: 1, withinMs: 60_000 },
  );
const flushed = (life: Life): Promise<void> =>
  passUntil(life, 400, async () => {
    const { flushedTo, tip } = await life.log.barrier();
    return flushedTo === tip;
  });
/** Files of the log, and columns of its tables, that hold these bytes. */
async function where(bytes = secret): Promise<string[]> {
  const found = [...disk.copy()].filter(([, content]) => content.includes(bytes)).map(([path]) => path);
  const inRows = await rows<{ at: string }>(sql`
    select 'messages ' || seq as at from stream_messages where position(${Buffer.from(bytes)}::bytea in payload) > 0
    union all select 'erasures ' || seq from stream_erasures where position(${Buffer.from(bytes)}::bytea in instead) > 0`);
  return [...found, ...inRows.map(({ at }) => at)].sort();
}
/** Ten minutes after the flush nothing is left. */
async function goneInTime(life: Life): Promise<void> {
  await flushed(life);
  expect(await where()).not.toEqual([]);
  let passed = 0;
  await passUntil(life, 1000, async () => {
    passed += 1000;
    expect(passed, `still in ${(await where()).join(', ')}`).toBeLessThan(10 * minute);
    return (await where()).length === 0 && (await rows(sql`select 1 from stream_erasures`)).length === 0;
  });
}

describe('erased bodies', () => {
  test('in the segment that is being written, on a quiet log', async () => {
    const life = await born();
    await create(life.log);
    for (const text of ['a', secret, 'c']) await put(life.log, text);
    await erase(life.log, 2);
    expect(await texts(life.log)).toEqual(['a', '-', 'c']);
    await goneInTime(life);
    expect(await texts(life.log)).toEqual(['a', '-', 'c']);
    await put(life.log, 'd');
    await flushed(life);
    await life.end('power');
    const next = await born();
    expect(await texts(next.log)).toEqual(['a', '-', 'c', 'd']);
    expect(await where()).toEqual([]);
  });

  test('in finished segments, in spares that were segments, and in the unused end of segments made of those', async () => {
    world = new World(1, disk, seeded(1), database.db, { ...limits, keepBytes: 1, keepMs: 1 });
    const life = world.born();
    open.push(life);
    // After two spares no more can be made: what comes next is made of finished segments.
    const openFile = life.process.open.bind(life.process);
    let made = 0;
    life.process.open = (path, ...how) =>
      path.endsWith('.spare.new') && ++made > 2 ? Promise.reject(new Error('no room')) : openFile(path, ...how);
    await life.log.start();
    await create(life.log);
    let seq = 0;
    const fill = async (): Promise<void> => {
      seq = (await put(life.log, ''.padEnd(4000, '.'))).firstSeq;
      await flushed(life);
    };
    const segment = (no: number): string => `${dir}/${String(no).padStart(16, '0')}.wal`;
    const files = async (): Promise<string[]> => (await where()).filter((place) => place.startsWith(dir));
    await passUntil(life, 100, () => disk.names(dir).filter((name) => name.endsWith('.spare')).length === 2);
    while (!disk.inode(segment(2))) await fill();
    for (let i = 0; i < 9; i++) await fill();
    const { firstSeq } = await put(life.log, secret);
    expect(await files()).toEqual([segment(2)]);
    // Late in a segment, whose file becomes a spare and then another segment, still in its unused end.
    const stages = new Set<string>();
    for (let i = 0; i < 200 && ![...stages].some((path) => path > segment(2)); i++) {
      await fill();
      for (const path of await files()) stages.add(path);
    }
    expect([...stages].map((path) => path.split('.').at(-1))).toEqual(['wal', 'spare', 'wal']);
    await erase(life.log, firstSeq);
    await goneInTime(life);
    const { tail } = (await life.log.head(key))!;
    const page = await life.log.read(key, tail.replace(/\d+$/, String(firstSeq - 1).padStart(16, '0')), all);
    expect(Buffer.from(page.messages[0]!.bytes).toString()).toBe('-');
    expect(seq).toBeGreaterThan(firstSeq);
  });

  test('in a file that recovery put aside, and in one it left behind', async () => {
    for (let seed = 1; ; seed++) {
      await database.wipe();
      disk = new SimDisk(seeded(seed));
      world = new World(seed, disk, seeded(seed), database.db, { ...limits, sparesMax: 0 });
      const first = await born();
      await create(first.log);
      await put(first.log, secret);
      first.process.endAt = first.process.calls + 1;
      void put(first.log, 'torn'.padEnd(2000)).catch(() => undefined);
      await first.ended.promise;
      await first.end('kill');
      // One that dies while it puts the segment down again.
      const half = world.born();
      open.push(half);
      const armed = arm('log.recovery.copied', () => half.die());
      await half.start();
      armed[Symbol.dispose]();
      await half.end('kill');
      const places = await where();
      // Whether the last write was torn is up to the seed.
      if (!places.some((place) => place.includes('.torn')) || !places.some((place) => place.endsWith('.wal.new')))
        continue;
      const life = await born();
      await erase(life.log, 1);
      await goneInTime(life);
      expect((await texts(life.log))[0]).toBe('-');
      expect(life.log.promises().quarantinedFiles).toBe(0);
      return;
    }
  });

  test('the process ends at any step: the next one takes it up, and nobody sees it in between', async () => {
    for (const point of [
      'log.beforeFlush',
      'log.beforeCursor',
      'log.afterFlush',
      'log.beforeSeal',
      'log.beforeDrop',
      'log.beforeRename',
    ]) {
      await database.wipe();
      disk.restore(new Map());
      world = new World(1, disk, seeded(1), database.db, limits);
      const life = await born();
      await create(life.log);
      for (const text of ['a', secret, 'c']) await put(life.log, text);
      if (point !== 'log.beforeFlush') await flushed(life);
      await erase(life.log, 2);
      const armed = arm(point, () => life.die());
      await passUntil(life, 1000, () => life.dead);
      armed[Symbol.dispose]();
      await life.end('power');
      const next = await born();
      expect(await texts(next.log), point).toEqual(['a', '-', 'c']);
      await passUntil(next, 1000, async () => (await where()).length === 0);
      expect(await texts(next.log)).toEqual(['a', '-', 'c']);
      await next.end('kill');
    }
  });

  test('while Postgres is away it is masked; its time runs from the flush', async () => {
    const life = await born();
    await create(life.log);
    await put(life.log, secret);
    const armed = arm('log.beforeFlush', () => {
      throw new Error('the database is away');
    });
    await erase(life.log, 1);
    await life.pass(20 * minute);
    expect(await texts(life.log)).toEqual(['-']);
    expect(await where()).not.toEqual([]);
    armed[Symbol.dispose]();
    await goneInTime(life);
    expect(await texts(life.log)).toEqual(['-']);
  });

  test('a consumer that is behind gets what was put in its place, from memory, files and rows', async () => {
    const life = await born();
    await create(life.log);
    await put(life.log, secret);
    for (let i = 0; i < 20; i++) await put(life.log, `${i}`);
    let holding = true;
    const got: string[] = [];
    const take = (_tx: unknown, batch: readonly Committed[]): Promise<void> => {
      if (holding) return Promise.reject(new Error('not now'));
      got.push(...batch.flatMap(({ messages }) => messages.map((bytes) => Buffer.from(bytes).toString())));
      return Promise.resolve();
    };
    using _ = life.log.consume('behind', '', take);
    await erase(life.log, 1);
    await goneInTime(life);
    holding = false;
    await passUntil(life, 1000, () => got.length >= 21);
    expect(got.slice(0, 3)).toEqual(['-', '0', '1']);
    await passUntil(life, 1000, () => life.log.gauges().consumers[0]?.lagBytes === 0);
    expect(life.log.gauges().consumers).toEqual([{ name: 'behind', lagBytes: 0, lagMs: 0 }]);
  });

  test('on a real disk, found by a search through the folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'muster-erase-'));
    const clock = new FakeClock();
    const log = createLog({
      driver: 'disk',
      dir: join(folder, 'log'),
      db: database.db,
      clock,
      limits: { segmentBytes: 1024 * 1024, diskFreeBytesMin: 1 },
      fatal: (error) => {
        throw error;
      },
    });
    try {
      await log.start();
      await create(log);
      await put(log, secret);
      await erase(log, 1, 'nothing to see');
      const files = async (): Promise<string[]> => {
        const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) =>
          entry.isFile(),
        );
        const found = await Promise.all(
          names.map(async ({ parentPath, name }) =>
            (await readFile(join(parentPath, name)).catch(() => '')).includes(secret) ? [name] : [],
          ),
        );
        return found.flat();
      };
      expect(await files()).not.toEqual([]);
      await until(async () => {
        await clock.advance(1000);
        return (await files()).length === 0;
      });
      expect(await texts(log)).toEqual(['nothing to see']);
      expect(await rows(sql`select convert_from(payload, 'UTF8') as text from stream_messages`)).toEqual([
        { text: 'nothing to see' },
      ]);
    } finally {
      await log[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('superseded ranges', () => {
  const stored = async (): Promise<(string | null)[]> =>
    (
      await rows<{ text: string }>(sql`select convert_from(payload, 'UTF8') as text from stream_messages order by seq`)
    ).map(({ text }) => text);

  async function told(life: Life): Promise<void> {
    await create(life.log);
    await put(life.log, 'q');
    await life.log.append({ key, messages: ['a', 'b'].map((text) => Buffer.from(text)) });
    await put(life.log, 'c');
    await life.log.append({ key, messages: ['d', 'abcd'].map((text) => Buffer.from(text)) });
    await life.log.supersede(key, { from: 2, to: 5, by: 6 });
  }

  test('rows of a dropped range go, of an append that is only partly in it the bodies; a fork that reads them keeps them', async () => {
    const life = await born();
    await told(life);
    const { tail } = (await life.log.head(key))!;
    const fork = { ...key, path: 'fork' };
    await life.log.create({ key: fork, fork: { from: key, at: tail.replace(/6$/, '3') } });
    await flushed(life);
    expect(await stored()).toEqual(['q', 'ab', 'c', 'dabcd']);
    await life.clock.advance(10 * minute);
    await passUntil(life, 10_000, async () => (await life.log.head(key))!.messages === 2);
    for (let i = 0; i < 20; i++) await life.pass(20_000);
    expect(await stored()).toEqual(['q', 'ab', 'c', 'dabcd']);
    expect(await texts(life.log, fork)).toEqual(['q', 'a', 'b']);
    await life.log.remove(fork, 'deleted');
    await passUntil(life, 20_000, async () => (await stored()).join() === 'q,abcd');
    expect(await texts(life.log)).toEqual(['q', 'abcd']);
    await life.end('power');
    const next = await born();
    expect(await texts(next.log)).toEqual(['q', 'abcd']);
    expect(await next.log.head(key)).toMatchObject({ messages: 2, bytes: 5 });
    await next.log.remove(key, 'deleted');
    await passUntil(next, 20_000, async () => (await rows(sql`select 1 from stream_superseded`)).length === 0);
  });

  test('the process ends at any step of the way: what is dropped stays passed over', async () => {
    for (const point of [
      'log.beforeWrite',
      'log.afterSync',
      'log.beforeFlush',
      'log.beforeFlushCommit',
      'log.afterFlush',
    ]) {
      await database.wipe();
      disk.restore(new Map());
      world = new World(1, disk, seeded(1), database.db, limits);
      const life = await born();
      await told(life);
      await flushed(life);
      await life.clock.advance(10 * minute);
      const armed = arm(point, () => life.die());
      await passUntil(life, 20_000, () => life.dead);
      armed[Symbol.dispose]();
      await life.end('power');
      const next = await born();
      const seen = await texts(next.log);
      expect(
        [
          ['q', 'abcd'],
          ['q', 'a', 'b', 'c', 'd', 'abcd'],
        ],
        point,
      ).toContainEqual(seen);
      await passUntil(next, 20_000, async () => (await stored()).join() === 'q,abcd');
      expect(await texts(next.log)).toEqual(['q', 'abcd']);
      await next.end('kill');
    }
  });
});
