/**
 * One test per fault the log must survive or name (design of kernel/log, sections 5 and 14), on the simulated disk and a
 * real database. What random lives find by chance is here on purpose.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { arm, MusterError } from '#kernel/base';
import { type Db, sql } from '#kernel/db';
import { type Appended, type Log, type Offset, parseOffset, type StreamKey } from '#kernel/log';
import { testDatabase } from '#test/database';
import { until } from '#test/until';
import { dir, Life, World } from './support/log-lives.ts';
import { SimDisk, seeded } from './support/sim-disk.ts';

const database = await testDatabase();
afterAll(() => database[Symbol.asyncDispose]());

const segmentBytes = 64 * 1024;
const limits = {
  segmentBytes,
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
  const random = seeded(1);
  disk = new SimDisk(random);
  world = new World(1, disk, random, database.db, limits);
});
afterEach(async () => {
  for (const life of open.splice(0)) if (!life.dead) await life.end('kill');
});

/** A life that does not flush unless time passes. */
async function born(accept?: 'loss' | 'restored'): Promise<Life> {
  const life = world.born(accept);
  open.push(life);
  await life.log.start();
  return life;
}
async function refusal(accept?: 'loss' | 'restored'): Promise<MusterError> {
  const life = world.born(accept);
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
const positionOf = (bytes: Buffer, text: string): number => {
  const at = bytes.indexOf(text);
  expect(at).toBeGreaterThan(0);
  return at;
};
const rows = <R extends object>(statement: Parameters<Db['query']>[0]): Promise<R[]> => database.db.query<R>(statement);

describe('acknowledging', () => {
  test('a quiet log syncs by itself: one append, nothing after it, acknowledged without time passing', async () => {
    const life = await born();
    await create(life.log);
    expect((await put(life.log, 'only')).firstSeq).toBe(1);
    await life.end('power');
    expect(await texts((await born()).log)).toEqual(['only']);
  });

  test('the end of the process right after the sync, before the answer: stored once, the repeat is known', async () => {
    const life = await born();
    await create(life.log);
    const producer = { id: 'p', epoch: 0, seq: 0 };
    using _ = arm('log.afterSync', () => life.die());
    void life.log.append({ key, messages: [Buffer.from('x')], producer }).catch(() => undefined);
    await life.ended.promise;
    await turn();
    _[Symbol.dispose]();
    await life.end('power');
    const next = await born();
    expect(await texts(next.log)).toEqual(['x']);
    expect(await next.log.append({ key, messages: [Buffer.from('x')], producer })).toMatchObject({
      outcome: 'duplicate',
      firstSeq: 1,
    });
  });

  for (const [what, fault] of [
    ['EIO', { code: 'EIO' }],
    ['ENOSPC', { code: 'ENOSPC' }],
    ['a short write', { code: 'EIO', short: true }],
  ] as const) {
    test(`${what} on a write: everyone waiting is told, the process ends with 70, nothing acknowledged is lost`, async () => {
      const life = await born();
      await create(life.log);
      await put(life.log, 'safe');
      await until(async () => {
        await life.pass(100);
        return disk.names(dir).filter((name) => name.endsWith('.spare')).length === 2;
      });
      life.process.fault = fault;
      life.process.failAt = life.process.calls + 1;
      const outcomes = await Promise.allSettled([put(life.log, 'a'), put(life.log, 'b')]);
      for (const outcome of outcomes)
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'unavailable', reason: 'log_failed' } });
      expect(life.fatal).toMatchObject([{ code: 70 }]);
      await expect(put(life.log, 'c')).rejects.toMatchObject({ reason: 'log_failed' });
      await life.end('power');
      const next = await born();
      const got = await texts(next.log);
      expect(got[0]).toBe('safe');
      expect(['safe', 'safe,a', 'safe,a,b']).toContain(got.join());
      expect((await put(next.log, 'on')).firstSeq).toBe(got.length + 1);
    });
  }

  test('a torn tail becomes readable only after the process that shows it has synced it', async () => {
    const life = await born();
    await create(life.log);
    life.process.endAt = life.process.calls + 1;
    void put(life.log, 'maybe').catch(() => undefined);
    await life.ended.promise;
    await life.end('kill');
    const second = await born();
    const seen = await texts(second.log);
    await second.end('power');
    const third = await born();
    expect(await texts(third.log)).toEqual(seen);
  });
});

describe('recovery', () => {
  test('frames of a stream nobody touched since the restart are visible at once', async () => {
    const life = await born();
    await create(life.log);
    for (let i = 0; i < 20; i++) await put(life.log, String(i));
    await life.end('power');
    const next = await born();
    expect(await next.log.head(key)).toMatchObject({ messages: 20 });
    expect((await texts(next.log)).length).toBe(20);
  });

  test('an acknowledged removal and close are not undone by replay or by a late flush', async () => {
    const life = await born();
    await create(life.log);
    await put(life.log, 'x');
    await flushed(life);
    await life.log.append({ key, messages: [], close: true });
    const other = { ...key, path: 'gone' };
    await create(life.log, other);
    await life.log.remove(other, 'deleted');
    await life.end('power');
    const next = await born();
    expect(await next.log.head(key)).toMatchObject({ closed: true });
    expect(await next.log.head(other)).toBeUndefined();
    await flushed(next);
    expect(await rows(sql`select path, closed_at is not null as closed from streams where removed_at is null`)).toEqual(
      [{ path: 's', closed: true }],
    );
    await next.end('kill');
    const third = await born();
    expect(await third.log.head(other)).toBeUndefined();
    await expect(put(third.log, 'y')).rejects.toMatchObject({ reason: 'stream_closed' });
  });

  test('positions go on behind frames that never reached the rows', async () => {
    const life = await born();
    await create(life.log);
    await put(life.log, '1');
    await flushed(life);
    await put(life.log, '2');
    await life.end('power');
    const next = await born();
    expect((await put(next.log, '3')).firstSeq).toBe(3);
    await flushed(next);
    expect(await rows(sql`select seq, payload from stream_messages order by seq`)).toMatchObject([
      { seq: 1 },
      { seq: 2 },
      { seq: 3 },
    ]);
    expect(next.mismatches).toEqual([]);
  });

  test('recovery twice, and a recovery that ends at any call, give the same', async () => {
    const life = await born();
    await create(life.log);
    for (let i = 0; i < 30; i++) await put(life.log, String(i));
    life.process.endAt = life.process.calls + 1;
    void put(life.log, 'torn').catch(() => undefined);
    await life.ended.promise;
    await life.end('power');
    let started = false;
    for (let at = 1; !started; at++) {
      const next = world.born();
      next.process.endAt = at;
      await next.start();
      started = !next.dead;
      await next.end(at % 2 === 0 ? 'kill' : 'power');
    }
    const last = await born();
    expect((await texts(last.log)).slice(0, 30)).toEqual(Array.from({ length: 30 }, (_, i) => String(i)));
    expect((await texts(last.log)).length).toBeLessThanOrEqual(31);
  });

  test('an unknown frame type or format stops recovery with a plain sentence', async () => {
    const life = await born();
    await create(life.log);
    await life.end('kill');
    disk.damage(segmentPath(1), (bytes) => {
      bytes.writeUInt32LE(2, 8);
      // Checksums are the subject of other tests; here the header must verify.
      bytes.writeInt32LE(crc(bytes.subarray(0, 508)), 508);
    });
    const error = await refusal();
    expect(error.reason).toBe('log_newer');
    expect(error.message).toContain('segment format 2');
  });
});

describe('damage', () => {
  /** Six appends, one batch each, two streams; the second life has them all behind the cursor. */
  async function six(): Promise<void> {
    const life = await born();
    await create(life.log);
    await create(life.log, { ...key, path: 't' });
    for (let i = 1; i <= 6; i++) {
      await put(life.log, `message-${i}`);
      await put(life.log, `other-${i}`, { ...key, path: 't' });
    }
    await life.end('kill');
  }

  test('a bad frame before good ones is acknowledged damage: not ready, everything that verifies is kept, the loss is explicit', async () => {
    await six();
    disk.damage(segmentPath(1), (bytes) => bytes.write('XXXX', positionOf(bytes, 'message-3')));
    const error = await refusal();
    expect(error).toMatchObject({
      code: 'unavailable',
      reason: 'log_damaged',
      extra: { gaps: [{ path: 's', from: 3, to: 3 }] },
    });
    expect(disk.names(`${dir}/quarantine`).length).toBeGreaterThan(0);
    expect((await refusal()).reason).toBe('log_damaged');
    const life = await born('loss');
    const page = await life.log.read(key, 'start', all);
    expect(page.messages.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(page.upToDate).toBe(false);
    await expect(life.log.read(key, page.next, all)).rejects.toMatchObject({
      status: 410,
      reason: 'positions_lost',
      extra: { lostMessages: 1 },
    });
    const gaps: unknown[] = [];
    const got: string[] = [];
    await life.log.tail(key, 'start', {
      form: 'raw',
      write: (shared) => (got.push(...shared.map((part) => Buffer.from(part).toString())), 0),
      gap: (gap) => (gaps.push(gap.reason), 'continue'),
      end: () => undefined,
    });
    await until(() => got.length === 5);
    expect(got).toEqual(['message-1', 'message-2', 'message-4', 'message-5', 'message-6']);
    expect(gaps).toEqual(['lost']);
    // Any stream may have lost its last positions: all go on in a new era, far behind.
    const before = (await life.log.head({ ...key, path: 't' }))!;
    const appended = await put(life.log, 'after', { ...key, path: 't' });
    expect(appended.firstSeq).toBe(7 + 2 ** 20);
    expect(parseOffset(appended.next)!.era).toBeGreaterThan(parseOffset(before.tail)!.era);
    await flushed(life);
    await life.end('power');
    // What was accepted once is not found again, also from rows alone.
    const next = await born();
    expect((await next.log.read(key, 'start', all)).messages.length).toBe(2);
    await expect(next.log.read({ ...key, path: 't' }, before.tail, all)).rejects.toMatchObject({
      reason: 'positions_lost',
    });
    expect((await put(next.log, 'again', { ...key, path: 't' })).firstSeq).toBe(8 + 2 ** 20);
  });

  test('what is lost in a source is lost in its forks, by name', async () => {
    const life = await born();
    await create(life.log);
    for (let i = 1; i <= 4; i++) await put(life.log, `message-${i}`);
    await life.log.create({ key: { ...key, path: 'f' }, fork: { from: key } });
    await put(life.log, 'own of f', { ...key, path: 'f' });
    await life.log.create({ key: { ...key, path: 'ff' }, fork: { from: { ...key, path: 'f' } } });
    await put(life.log, 'message-5');
    await life.end('kill');
    disk.damage(segmentPath(1), (bytes) => {
      for (const text of ['message-2', 'message-4']) bytes.write('XXXX', positionOf(bytes, text));
    });
    expect(await refusal()).toMatchObject({ reason: 'log_damaged' });
    const lives = [await born('loss')];
    for (let i = 0; i < 3; i++) {
      const now = lives.at(-1)!;
      for (const path of ['f', 'ff']) {
        const gaps: (number | null)[] = [];
        const got: string[] = [];
        await now.log.tail({ ...key, path }, 'start', {
          form: 'raw',
          write: (shared) => (got.push(...shared.map((part) => Buffer.from(part).toString())), 0),
          gap: (gap) => (gaps.push(gap.lost), 'continue'),
          end: () => undefined,
        });
        await until(() => got.length === 3);
        expect(got).toEqual(['message-1', 'message-3', 'own of f']);
        expect(gaps).toEqual([1, 1]);
        expect((await now.log.head({ ...key, path }))!.messages).toBe(3);
      }
      // From the log once more, then from rows alone.
      if (i === 1) await flushed(now);
      await now.end('kill');
      lives.push(await born());
    }
  });

  test('a zero-filled stretch in the middle is told apart from a clean end', async () => {
    await six();
    disk.damage(segmentPath(1), (bytes) => {
      const from = Math.floor(positionOf(bytes, 'message-2') / 512) * 512;
      bytes.fill(0, from, from + 4 * 512);
    });
    expect((await refusal()).reason).toBe('log_damaged');
    const life = await born('loss');
    expect((await life.log.read(key, 'start', all)).messages.length).toBe(1);
    await life.end('kill');
    const again = await born();
    expect((await again.log.read(key, 'start', all)).messages.length).toBe(1);
    expect((await again.log.head(key))!.messages).toBe(4);
  });

  test('acceptance that was cut short is finished by the next start', async () => {
    await six();
    disk.damage(segmentPath(1), (bytes) => bytes.write('XXXX', positionOf(bytes, 'message-6')));
    const saved = disk.copy();
    for (const point of [
      'log.recovery.read',
      'log.recovery.copied',
      'log.recovery.renamed',
      'log.recovery.rewritten',
      'log.beforeWrite',
    ]) {
      await database.wipe();
      disk.restore(new Map());
      world = new World(1, disk, seeded(1), database.db, limits);
      await six();
      disk.damage(segmentPath(1), (bytes) => bytes.write('XXXX', positionOf(bytes, 'message-6')));
      const half = world.born('loss');
      const armed = arm(point, () => half.die());
      await half.start();
      armed[Symbol.dispose]();
      expect(half.dead).toBe(true);
      await half.end('power');
      const life = await born('loss');
      expect((await texts(life.log)).at(-1)).toBe('message-5');
      expect((await put(life.log, 'new')).firstSeq, point).toBeGreaterThan(2 ** 20);
      await life.end('kill');
    }
    expect(saved.size).toBeGreaterThan(0);
  });

  test('damage that the rows already have is an event, not a reason to stay down', async () => {
    const life = await born();
    await create(life.log);
    for (let i = 1; i <= 4; i++) await put(life.log, `message-${i}`);
    await flushed(life);
    await put(life.log, 'unflushed');
    await life.end('kill');
    disk.damage(segmentPath(1), (bytes) => bytes.write('XXXX', positionOf(bytes, 'message-2')));
    const next = await born();
    expect(next.damage).toContain('log_damage_flushed');
    expect(await texts(next.log)).toEqual(['message-1', 'message-2', 'message-3', 'message-4', 'unflushed']);
    expect(next.log.promises()).toMatchObject({ degraded: true });
  });

  test('a missing segment, a segment without a seal, a segment without a header', async () => {
    async function many(): Promise<void> {
      await database.wipe();
      disk.restore(new Map());
      world = new World(1, disk, seeded(1), database.db, limits);
      const life = await born();
      await create(life.log);
      for (let i = 0; i < 200; i++) await put(life.log, `message-${i}`.padEnd(600, '.'));
      await life.end('power');
      expect(disk.names(dir)).toContain('0000000000000004.wal');
    }
    await many();
    disk.drop(segmentPath(2));
    expect((await refusal()).message).toContain('segments 2 to 2 are missing');
    const life = await born('loss');
    const first = await life.log.read(key, 'start', all);
    await expect(life.log.read(key, first.next, all)).rejects.toMatchObject({ reason: 'positions_lost' });
    await life.end('power');
    expect((await (await born()).log.head(key))!.messages).toBeLessThan(200);
    await open.at(-1)!.end('kill');

    await many();
    disk.damage(segmentPath(2), (bytes) => {
      const end = bytes.findLastIndex((byte) => byte !== 0);
      bytes.fill(0, Math.floor(end / 512) * 512, end + 1);
    });
    expect((await refusal()).message).toContain('without a seal');
    expect((await (await born('loss')).log.head(key))!.messages).toBeGreaterThan(190);
    await open.at(-1)!.end('power');
    await (await born()).end('kill');

    await many();
    disk.damage(segmentPath(3), (bytes) => bytes.fill(0, 0, 512));
    expect((await refusal()).message).toContain('no readable header');
    const third = await born('loss');
    await put(third.log, 'on');
    await flushed(third);
  });

  test('a disk that lies about syncs: what rows have stays, what is gone is named', async () => {
    const life = await born();
    await create(life.log);
    await put(life.log, 'flushed');
    disk.lies = true;
    for (let i = 0; i < 5; i++) await put(life.log, `lost-${i}`);
    await flushed(life);
    await life.end('power');
    disk.lies = false;
    const next = await born();
    expect(next.damage).toContain('log_tail_behind_rows');
    expect((await texts(next.log)).length).toBe(6);
    expect((await put(next.log, 'on')).firstSeq).toBe(7);
    await next.end('power');
    expect((await texts((await born()).log)).length).toBe(7);
  });
});

describe('log and database that do not belong together', () => {
  async function written(): Promise<{ files: Map<string, Buffer> }> {
    const life = await born();
    await create(life.log);
    await put(life.log, '1');
    await flushed(life);
    await put(life.log, '2');
    await life.end('kill');
    return { files: disk.copy() };
  }

  test('a lost cursor is not taken for zero', async () => {
    await written();
    await database.db.transaction((tx) => tx.query(sql`delete from log_cursors`));
    expect((await refusal()).reason).toBe('log_cursor_missing');
    expect(await rows(sql`select 1 from log_cursors`)).toEqual([]);
  });

  test('an empty folder on a used database, a foreign folder, an older database', async () => {
    const { files } = await written();
    disk.restore(new Map());
    expect((await refusal()).reason).toBe('log_missing');
    expect(disk.names(dir).filter((name) => name.endsWith('.wal'))).toEqual([]);

    await database.wipe();
    world = new World(2, disk, seeded(2), database.db, limits);
    const other = await born();
    await create(other.log);
    await other.end('kill');
    disk.restore(files);
    const swapped = await refusal();
    expect(swapped.reason).toBe('log_other');
    expect(swapped.message).toContain('wrong or restored volume or database');
  });

  test('a restored older database: refused by name; accepted, it starts new eras and old offsets meet a gap', async () => {
    const life = await born();
    await create(life.log);
    const { next } = await put(life.log, '1');
    await flushed(life);
    const old = await rows<{ wal_id: string; lsn: number }>(sql`select wal_id::text, lsn from log_cursors`);
    await put(life.log, '2');
    await flushed(life);
    const ahead = await put(life.log, '3');
    await flushed(life);
    await life.end('kill');
    await database.db.transaction(async (tx) => {
      await tx.query(sql`update log_cursors set wal_id = ${'00000000-0000-4000-8000-000000000000'}`);
      await tx.query(sql`delete from stream_messages where seq > 1`);
      await tx.query(sql`update streams set tail_seq = 1`);
    });
    expect((await refusal()).reason).toBe('log_other');
    const restored = await born('restored');
    expect(await texts(restored.log)).toEqual(['1']);
    await expect(restored.log.read(key, ahead.next, all)).rejects.toMatchObject({
      code: 'invalid',
      reason: 'offset_beyond_tail',
    });
    const appended = await put(restored.log, 'new');
    expect(appended.firstSeq).toBe(2 + 2 ** 20);
    await expect(restored.log.read(key, ahead.next, all)).rejects.toMatchObject({ status: 410, reason: 'restored' });
    await expect(restored.log.read(key, next, all)).rejects.toMatchObject({ status: 410, reason: 'restored' });
    await flushed(restored);
    await restored.end('power');
    const again = await born();
    expect((await put(again.log, 'more')).firstSeq).toBe(3 + 2 ** 20);
    expect(old.length).toBe(1);
  });

  test('a cursor ahead of the log: the rows are the truth, no position is given twice', async () => {
    const life = await born();
    await create(life.log);
    for (let i = 1; i <= 3; i++) await put(life.log, String(i));
    const before = disk.copy();
    for (let i = 4; i <= 6; i++) await put(life.log, String(i));
    await flushed(life);
    await life.end('kill');
    disk.restore(before);
    const next = await born();
    expect(next.damage).toContain('log_tail_behind_rows');
    expect((await put(next.log, '7')).firstSeq).toBe(7);
    expect(await texts(next.log)).toEqual(['1', '2', '3', '4', '5', '6', '7']);
  });
});

describe('forks', () => {
  test('a ref whose fork never came holds its source for a minute, not longer', async () => {
    // The announcement and the fork itself in two writes; the end comes between them.
    const small = new World(1, disk, seeded(1), database.db, { ...limits, commitBytesMax: 1024 });
    const life = small.born();
    open.push(life);
    await life.log.start();
    await create(life.log);
    await put(life.log, 'x');
    let writes = 0;
    using _ = arm('log.beforeWrite', () => {
      writes += 1;
      if (writes === 2) life.die();
    });
    const fork = { key: { ...key, path: 'f' }, fork: { from: key }, first: [Buffer.alloc(2000)] };
    life.log.create(fork).catch(() => undefined);
    await life.ended.promise;
    await life.end('kill');
    expect(writes).toBe(2);
    const next = await born();
    expect(await next.log.head({ ...key, path: 'f' })).toBeUndefined();
    expect(await next.log.remove(key, 'deleted')).toBe('kept-for-forks');
    await next.pass(20_000);
    await expect(next.log.head(key)).rejects.toMatchObject({ reason: 'kept_for_forks' });
    await next.pass(40_000);
    const there = (): Promise<unknown> => next.log.head(key).catch((error: MusterError) => error.reason);
    await until(async () => {
      await next.pass(1000);
      return (await there()) === undefined;
    });
    await create(next.log);
  });

  test('an end between the removal of the last fork and the release of what it came from: released at the start', async () => {
    const life = await born();
    const other = (path: string): StreamKey => ({ ...key, path });
    await create(life.log);
    await life.log.create({ key: other('f'), fork: { from: key } });
    await life.log.create({ key: other('ff'), fork: { from: other('f') } });
    for (const of of [key, other('f')]) expect(await life.log.remove(of, 'deleted')).toBe('kept-for-forks');
    let writes = 0;
    using _ = arm('log.beforeWrite', () => {
      writes += 1;
      if (writes === 2) life.die();
    });
    life.log.remove(other('ff'), 'deleted').catch(() => undefined);
    await life.ended.promise;
    await life.end('kill');
    expect(writes).toBe(2);
    const next = await born();
    for (const of of [other('ff'), other('f'), key]) expect(await next.log.head(of)).toBeUndefined();
    await create(next.log);
  });

  test('the last fork goes while the database is away and its source is not in memory: released when it is back', async () => {
    const small = new World(1, disk, seeded(1), database.db, { ...limits, headsMax: 3 });
    const life = small.born();
    open.push(life);
    await life.log.start();
    const other = (path: string): StreamKey => ({ ...key, path });
    await create(life.log);
    await life.log.create({ key: other('f'), fork: { from: key } });
    expect(await life.log.remove(key, 'deleted')).toBe('kept-for-forks');
    await flushed(life);
    await life.log.head(other('f'));
    for (const path of ['1', '2', '3', '4']) {
      await life.log.head(other('f'));
      await create(life.log, other(path));
      await flushed(life);
    }
    await life.log.head(other('f'));
    life.databaseLeaves(0);
    expect(await life.log.remove(other('f'), 'deleted')).toBe('gone');
    await life.pass(5000);
    life.databaseReturns();
    await life.pass(35_000);
    const there = (): Promise<unknown> => life.log.head(key).catch((error: MusterError) => error.reason);
    await until(async () => {
      await life.pass(400);
      return (await there()) === undefined;
    });
  });
});

describe('flushing', () => {
  test('a row that holds something else stops the flush and alarms; appends go on', async () => {
    const life = await born();
    await create(life.log);
    await put(life.log, '1');
    await flushed(life);
    const [stream] = await rows<{ stream_no: number; shard: number }>(sql`select stream_no, shard from streams`);
    await database.db.transaction((tx) =>
      tx.query(
        sql`insert into stream_messages (stream_no, seq, count, shard, lsn, at, crc, payload) values (${stream!.stream_no}, 2, 1, ${stream!.shard}, 1, now(), 7, 'forged')`,
      ),
    );
    await put(life.log, '2');
    await until(
      async () => {
        await life.pass(400);
        return life.mismatches.length > 0;
      },
      { everyMs: 1 },
    );
    expect(life.mismatches).toEqual([{ streamNo: stream!.stream_no, seq: 2 }]);
    await put(life.log, '3');
    expect(await texts(life.log)).toEqual(['1', '2', '3']);
  });

  test('an end at every step of a flush: rows and cursor move together', async () => {
    for (const point of ['log.beforeFlush', 'log.beforeCursor', 'log.beforeFlushCommit', 'log.afterFlush']) {
      const life = await born();
      await create(life.log);
      await put(life.log, point);
      const armed = arm(point, () => life.die());
      await until(
        async () => {
          await life.pass(400);
          return life.dead;
        },
        { everyMs: 1 },
      );
      armed[Symbol.dispose]();
      await life.end('power');
      const next = await born();
      expect((await texts(next.log)).at(-1)).toBe(point);
      await flushed(next);
      expect(next.mismatches).toEqual([]);
      expect(
        (
          await rows<{ text: string }>(
            sql`select convert_from(payload, 'UTF8') as text from stream_messages order by seq`,
          )
        ).at(-1),
      ).toEqual({ text: point });
      await next.end('kill');
    }
  });

  test('a commit whose answer is lost is not taken for a failure, nor for another owner', async () => {
    const life = await born();
    await create(life.log);
    await flushed(life);
    for (let round = 0; round < 3; round++) {
      await put(life.log, `a${round}`);
      life.databaseLeaves(1);
      await life.pass(1000);
      await put(life.log, `b${round}`);
      await life.pass(3000);
      life.databaseReturns();
      await life.pass(6000);
      await flushed(life);
    }
    expect(life.fatal).toEqual([]);
    expect(life.mismatches).toEqual([]);
    expect(
      await rows(
        sql`select convert_from(payload, 'UTF8') as text, lsn > 0 as placed from stream_messages order by seq`,
      ),
    ).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2'].map((text) => ({ text, placed: true })));
    expect(await rows(sql`select tail_seq, bytes from streams`)).toEqual([{ tail_seq: 6, bytes: 12 }]);
  });

  test('nothing can poison the flush: NUL bytes, odd UTF-8, empty and huge payloads', async () => {
    const life = await born();
    await create(life.log);
    const odd = [Buffer.from([0, 0, 0]), Buffer.from([0xff, 0xfe, 0xc0]), Buffer.alloc(0), Buffer.alloc(30_000, 0xed)];
    for (const bytes of odd) await life.log.append({ key, messages: [bytes] });
    await life.log.append({
      key,
      messages: odd,
      producer: { id: 'ü\u{1f600}', epoch: 1, seq: 0 },
      writerSeq: '\u{10ffff}',
    });
    await flushed(life);
    const stored = await rows<{ count: number; payload: Buffer; lengths: number[] | null }>(
      sql`select count, payload, lengths from stream_messages order by seq`,
    );
    expect(stored.slice(0, 4).map(({ payload }) => payload.length)).toEqual([3, 3, 0, 30_000]);
    expect(stored[4]).toMatchObject({ count: 4, lengths: [3, 3, 0] });
  });

  test('the database is away: appends go on within the budget, then a clear refusal; everything arrives later', async () => {
    world = new World(1, disk, seeded(1), database.db, { ...limits, backlogBytesMax: 40 * 1024 });
    const life = await born();
    await create(life.log);
    await flushed(life);
    const armed = arm('log.beforeFlush', () => {
      throw new Error('the database is away');
    });
    let refused: MusterError | undefined;
    let stored = 0;
    for (let i = 0; i < 200; i++) {
      if (refused) break;
      await life.pass(100);
      await put(life.log, `${i}`).then(
        () => void stored++,
        (error: MusterError) => {
          refused = error;
        },
      );
    }
    expect(refused).toMatchObject({ code: 'exhausted', reason: 'log_backlog' });
    expect(refused!.retryAfterMs).toBeGreaterThan(0);
    expect(stored).toBeGreaterThan(30);
    expect((await texts(life.log)).length).toBe(stored);
    armed[Symbol.dispose]();
    await life.pass(6000);
    await flushed(life);
    await put(life.log, 'again');
    await flushed(life);
    expect(await rows(sql`select count(*)::int as n from stream_messages`)).toEqual([{ n: stored + 1 }]);
  });

  test('rows below a trim and rows of removed streams go, in the sweep after the flush', async () => {
    const life = await born();
    const gone = { ...key, path: 'gone' };
    await create(life.log);
    await create(life.log, gone);
    for (let i = 0; i < 20; i++) await put(life.log, `${i}`);
    await put(life.log, 'x', gone);
    await flushed(life);
    // One that was flushed before its removal, one that comes and goes within one flush.
    await life.log.remove(gone, 'deleted');
    await create(life.log, gone);
    await put(life.log, 'y', gone);
    await life.log.remove(gone, 'deleted');
    await life.log.configure(key, { retention: { maxMessages: 5 } });
    await until(async () => (await life.log.head(key))!.messages === 5);
    await flushed(life);
    const left = (): Promise<{ seq: number }[]> =>
      rows<{ seq: number }>(sql`select seq from stream_messages order by seq`);
    expect((await left()).length).toBe(22);
    await until(async () => {
      await life.pass(61_000);
      return (await left()).length === 5;
    });
    expect((await left()).map(({ seq }) => seq)).toEqual([16, 17, 18, 19, 20]);
    await until(async () => (await rows(sql`select 1 from streams where rows_due`)).length === 0);
    expect((await texts(life.log)).length).toBe(5);
  });

  test('a full disk refuses appends and still answers readers', async () => {
    world = new World(1, disk, seeded(1), database.db, { ...limits, diskFreeBytesMin: 1000 });
    const life = await born();
    await create(life.log);
    await put(life.log, 'x');
    disk.freeBytes = 999;
    await life.pass(6000);
    await expect(put(life.log, 'y')).rejects.toMatchObject({ code: 'exhausted', reason: 'log_backlog' });
    expect(await texts(life.log)).toEqual(['x']);
    disk.freeBytes = 2 ** 40;
    await life.pass(6000);
    await put(life.log, 'z');
  });
});

describe('two servers', () => {
  test('a second server on the same database is refused by name while the first renews, and takes over when it is gone', async () => {
    const first = await born();
    await create(first.log);
    const otherDisk = new SimDisk(seeded(3));
    const elsewhere = new World(3, otherDisk, seeded(3), database.db, limits);
    const second = new Life(elsewhere, database.db, undefined, { id: 'second', url: 'http://second' });
    const starting = second.log.start();
    starting.catch(() => undefined);
    let outcome: unknown;
    starting.then(
      () => {
        outcome = 'started';
      },
      (error: unknown) => {
        outcome = error;
      },
    );
    await until(async () => {
      await Promise.all([first.pass(1000), second.pass(1000)]);
      return outcome !== undefined;
    });
    expect(outcome).toMatchObject({
      code: 'conflict',
      reason: 'log_owned',
      extra: { owner: expect.stringMatching(/^sim-/) as unknown },
    });
    await second.end('kill');
    expect(first.fatal).toEqual([]);
  });

  test('an old owner that wakes up is fenced by its term: nothing of it reaches the rows, and it ends', async () => {
    const first = await born();
    await create(first.log);
    await put(first.log, '1');
    await flushed(first);
    await put(first.log, 'of the old owner');
    await database.db.transaction(async (tx) => {
      await tx.query(sql`update log_cursors set term = term + 1`);
      await tx.query(sql`update shards set owner = 'other', term = term + 1`);
    });
    await until(async () => {
      await first.pass(1000);
      return first.fatal.length > 0;
    });
    expect(first.fatal).toMatchObject([{ code: 70, error: { reason: 'log_owner_changed' } }]);
    expect(await rows(sql`select count(*)::int as n from stream_messages`)).toEqual([{ n: 1 }]);
  });
});

describe('consumers', () => {
  test('an effect and its cursor move together; an end between them repeats the batch, once', async () => {
    const life = await born();
    await database.db.transaction((tx) => tx.query(sql`create table if not exists effects (lsn bigint)`));
    await create(life.log);
    const consume = (of: Life): Disposable =>
      of.log.consume('c', '', async (tx, batch) => {
        for (const { lsn } of batch) await tx.query(sql`insert into effects values (${lsn})`);
      });
    using _first = consume(life);
    for (let i = 0; i < 10; i++) await put(life.log, String(i));
    await until(async () => (await rows(sql`select 1 from effects`)).length > 0);
    await put(life.log, 'last');
    await life.end('power');
    const next = await born();
    using _second = consume(next);
    await until(async () => (await rows(sql`select 1 from effects`)).length === 11);
    await put(next.log, 'more');
    await until(async () => (await rows(sql`select 1 from effects`)).length === 12);
    expect((await rows(sql`select distinct lsn from effects`)).length).toBe(12);
    await database.db.transaction((tx) => tx.query(sql`drop table effects`));
  });

  test('a consumer that starts when the segments are gone reads rows, in the same order', async () => {
    world = new World(1, disk, seeded(1), database.db, { ...limits, keepBytes: 1, keepMs: 1 });
    const life = await born();
    await create(life.log);
    for (let i = 0; i < 300; i++) await put(life.log, `${i}`.padEnd(400, '.'));
    await flushed(life);
    await until(async () => {
      await life.pass(400);
      return !disk.names(dir).includes('0000000000000002.wal');
    });
    const got: string[] = [];
    using _ = life.log.consume('late', '', (_tx, batch) => {
      for (const { messages } of batch) got.push(String(Number.parseInt(Buffer.from(messages[0]!).toString(), 10)));
      return Promise.resolve();
    });
    await put(life.log, '300');
    await until(() => got.length >= 301);
    expect(got).toEqual(Array.from({ length: 301 }, (_, i) => String(i)));
  });
});

describe('heads that left memory', () => {
  test('more streams than may be in memory: the idle ones rest and come back exact, with producers and eras', async () => {
    world = new World(1, disk, seeded(1), database.db, { ...limits, headsMax: 10 });
    const life = await born();
    const at = (i: number): StreamKey => ({ ...key, path: `many/${i}` });
    for (let i = 0; i < 30; i++) {
      await life.log.create({ key: at(i), contentType: 'text/plain' });
      await life.log.append({ key: at(i), messages: [Buffer.from(`${i}`)], producer: { id: 'p', epoch: 3, seq: 0 } });
      await flushed(life);
    }
    for (let i = 0; i < 30; i++) {
      expect(
        await life.log.append({ key: at(i), messages: [Buffer.from('x')], producer: { id: 'p', epoch: 3, seq: 0 } }),
      ).toMatchObject({ outcome: 'duplicate', firstSeq: 1 });
      expect(
        await life.log.append({ key: at(i), messages: [Buffer.from('y')], producer: { id: 'p', epoch: 3, seq: 1 } }),
      ).toMatchObject({ firstSeq: 2 });
      await flushed(life);
    }
    await life.log.remove(at(3), 'deleted');
    await flushed(life);
    for (let i = 10; i < 25; i++) await life.log.head(at(i));
    expect(await life.log.head(at(3))).toBeUndefined();
    expect(await life.log.create({ key: at(3), contentType: 'text/plain' })).toMatchObject({
      outcome: 'created',
      head: { messages: 0 },
    });
    expect(await life.log.create({ key: at(4), contentType: 'text/plain' })).toMatchObject({
      outcome: 'same',
      head: { messages: 2 },
    });
    await flushed(life);
  });

  test('all of them busy: refused with a reason, not dropped', async () => {
    world = new World(1, disk, seeded(1), database.db, { ...limits, headsMax: 3 });
    const life = await born();
    for (let i = 0; i < 3; i++) await create(life.log, { ...key, path: `b/${i}` });
    await expect(create(life.log, { ...key, path: 'b/3' })).rejects.toMatchObject({
      code: 'exhausted',
      reason: 'streams_open_max',
    });
    await flushed(life);
    await create(life.log, { ...key, path: 'b/3' });
  });

  test('more producers than memory holds: known again from rows', async () => {
    world = new World(1, disk, seeded(1), database.db, { ...limits, producersInMemoryMax: 4, producersMax: 20 });
    const life = await born();
    await create(life.log);
    const send = (id: number, seq: number): Promise<Appended> =>
      life.log.append({ key, messages: [Buffer.from(`${id}.${seq}`)], producer: { id: `p${id}`, epoch: 0, seq } });
    for (let id = 0; id < 20; id++) {
      await send(id, 0);
      await flushed(life);
    }
    for (let id = 0; id < 20; id++)
      expect(await send(id, 0), `p${id}`).toMatchObject({ outcome: 'duplicate', firstSeq: id + 1 });
    for (let id = 0; id < 20; id++)
      expect(await send(id, 1), `p${id}`).toMatchObject({ outcome: 'stored', firstSeq: 21 + id });
    await expect(send(99, 0)).rejects.toMatchObject({ code: 'exhausted', reason: 'producers_max' });
    await expect(send(5, 7)).rejects.toMatchObject({ reason: 'producer_gap' });
  });
});

/** CRC32C without its final inversion, bit by bit: the header's own checksum, computed another way. */
function crc(bytes: Uint8Array): number {
  let value = -1;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  }
  return value | 0;
}
