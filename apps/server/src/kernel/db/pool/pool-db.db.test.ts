import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Signal, systemClock } from '#kernel/base';
import { testDatabase } from '#test/database';
import { openGate } from '#test/gate';
import { until } from '#test/until';
import type { Reader, Tx } from './db.ts';
import { createDb } from './pool-db.ts';
import { sql } from './sql.ts';

const labels: string[] = [];
const database = await testDatabase({ migrations: false, onQuery: (label) => void labels.push(label) });
afterAll(() => database[Symbol.asyncDispose]());
const { db, options } = database;

beforeAll(async () => {
  await db.query(sql`create schema muster`);
  await db.query(sql`create table things (id int primary key, n int not null)`);
});
beforeEach(() => db.query(sql`delete from things`));

const insert = (tx: Tx, id: number, n = 0): Promise<unknown[]> =>
  tx.query(sql`insert into things (id, n) values (${id}, ${n})`);
const ids = async (): Promise<number[]> =>
  (await db.query<{ id: number }>(sql`select id from things order by id`)).map(({ id }) => id);

describe('values', () => {
  test('a session is in our state', async () => {
    const [row] = await db.query(sql`
      select current_setting('search_path') as path, current_setting('timezone') as zone,
             current_setting('statement_timeout') as "timeout", current_setting('application_name') as name`);
    expect(row).toEqual({ path: 'muster', zone: 'UTC', timeout: '20s', name: options.applicationName });
  });

  test('bigint is a number, times are dates, days stay text', async () => {
    const [row] = await db.query(sql`
      select 9007199254740991::bigint as big, '{1,null,3}'::bigint[] as many, '{}'::bigint[] as none,
             '2026-01-02T03:04:05.006Z'::timestamptz as at, '2026-01-02'::date as day, '{"a":1}'::jsonb as doc, ${'x'}::text as given`);
    expect(row).toEqual({
      big: 9_007_199_254_740_991,
      many: [1, null, 3],
      none: [],
      at: new Date('2026-01-02T03:04:05.006Z'),
      day: '2026-01-02',
      doc: { a: 1 },
      given: 'x',
    });
  });

  test('a bigint past 2^53 is refused rather than rounded', async () => {
    await expect(db.query(sql`select 9007199254740993::bigint as big`)).rejects.toThrow('does not fit a JS number');
    expect(await db.query(sql`select 1 as fine`)).toEqual([{ fine: 1 }]);
  });

  test('a constant text is prepared once per connection', async () => {
    await using one = createDb({ ...options, poolMax: 1 });
    for (const n of [1, 2]) await one.query(sql`select id from things where n = ${n}`);
    const prepared = await one.query<{ statement: string }>(
      sql`select statement from pg_prepared_statements where statement like '%things%'`,
    );
    expect(prepared.filter(({ statement }) => statement === 'select id from things where n = $1')).toHaveLength(1);
  });

  test('whatever characters, sizes and nulls: it comes back as it went', async () => {
    const texts = ['', 'a"b\\c{},\n', 'ünï ☃ 🦊', 'NULL', 'x'.repeat(200_000), '☃'.repeat(70_000)];
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, n) => n % 256));
    const rows = await db.query(sql`
      select ${texts}::text[] as texts, ${texts[2]}::text as one, ${bytes}::bytea as bytes, ${[bytes.subarray(0, 9), null]}::bytea[] as parts,
             ${null}::int as none, ${JSON.stringify({ a: texts[1] })}::jsonb as doc, ${[[1, 2], [3, 4]]}::int[] as grid`);
    expect(rows).toEqual([
      {
        texts,
        one: texts[2],
        bytes,
        parts: [bytes.subarray(0, 9), null],
        none: null,
        doc: { a: texts[1] },
        grid: [
          [1, 2],
          [3, 4],
        ],
      },
    ]);
  });

  test('a value that cannot be sent fails its query, and only that', async () => {
    await expect(db.query(sql`select ${Symbol('x')}::text`)).rejects.toThrow(TypeError);
    await db.transaction(async (tx) => {
      await expect(tx.query(sql`select ${Symbol('x')}::text`)).rejects.toThrow(TypeError);
      await insert(tx, 1);
    });
    expect(await ids()).toEqual([1]);
  });

  test('a statement that could not be prepared is tried anew; one whose rows changed gets another connection', async () => {
    await using one = createDb({ ...options, poolMax: 1 });
    const ask = (): Promise<unknown> => one.query(sql`select * from later where id = ${1}`);
    await expect(ask()).rejects.toMatchObject({ code: '42P01' });
    await one.query(sql`create table later (id int)`);
    await one.query(sql`insert into later values (1)`);
    expect([await ask(), await ask()]).toEqual([[{ id: 1 }], [{ id: 1 }]]);
    await one.query(sql`alter table later add column name text`);
    await expect(ask()).rejects.toMatchObject({ code: '0A000' });
    expect(await ask()).toEqual([{ id: 1, name: null }]);
    await one.query(sql`drop table later`);
  });

  test('a put together text is not prepared', async () => {
    await using one = createDb({ ...options, poolMax: 1 });
    const narrow = sql`and n > ${3}`;
    await one.query(sql`select id from things where id = ${7} ${narrow}`);
    expect(
      await one.query(sql`select from pg_prepared_statements where statement like ${'%n > $%'} and name <> ''`),
    ).toHaveLength(0);
  });

  test('each statement is measured under its label', async () => {
    labels.length = 0;
    await db.query(sql`select id from things`);
    await db.transaction((tx) =>
      tx.query(sql`-- count_things: all of them
      select count(*) from things`),
    );
    expect(labels).toEqual(['select things', 'count_things']);
  });
});

describe('transactions', () => {
  test('commit makes all of it visible, and effects run after that', async () => {
    const seen: number[][] = [];
    const answer = await db.transaction(async (tx) => {
      tx.afterCommit(async () => void seen.push(await ids()));
      await insert(tx, 1);
      await insert(tx, 2);
      expect(await ids()).toEqual([]);
      return 'done';
    });
    expect([answer, seen]).toEqual(['done', [[1, 2]]]);
  });

  test('a thrown error rolls back, and no effect runs', async () => {
    let ran = false;
    const error = new Error('no');
    const attempt = db.transaction(async (tx) => {
      tx.afterCommit(() => void (ran = true));
      await insert(tx, 1);
      throw error;
    });
    await expect(attempt).rejects.toBe(error);
    expect([await ids(), ran]).toEqual([[], false]);
  });

  test('a swallowed failure of a statement is no commit', async () => {
    const attempt = db.transaction(async (tx) => {
      await insert(tx, 1);
      await insert(tx, 1).catch(() => undefined);
    });
    await expect(attempt).rejects.toThrow('was rolled back');
    expect(await ids()).toEqual([]);
  });

  test('a failing effect leaves the commit standing', async () => {
    const failed = new Signal<string>();
    const logged = failed.next();
    const logger = {
      info: () => undefined,
      warn: () => undefined,
      error: (_: object, message: string) => failed.fire(message),
    };
    await using other = createDb({ ...options, logger });
    await other.transaction(async (tx) => {
      tx.afterCommit(() => Promise.reject(new Error('no')));
      await insert(tx, 1);
    });
    expect(await logged).toContain('the commit stands');
    expect(await ids()).toEqual([1]);
  });

  test('queries asked at once run one after the other', async () => {
    await db.transaction((tx) => Promise.all([3, 1, 2].map((id) => insert(tx, id))));
    expect(await ids()).toEqual([1, 2, 3]);
  });

  test('a query nobody awaited still belongs to its transaction; one after the end is refused', async () => {
    let kept: Tx | undefined;
    await db.transaction((tx) => {
      kept = tx;
      void insert(tx, 1);
      return Promise.resolve();
    });
    expect(await ids()).toEqual([1]);
    expect(() => kept?.query(sql`select 1`)).toThrow('after its transaction ended');
  });

  describe('what is only sent', () => {
    test('runs in its place; its rows are there after the commit', async () => {
      let seen: readonly object[] = [];
      await db.transaction(async (tx) => {
        const sent = tx.send<{ id: number }>(sql`insert into things (id, n) values (1, 0) returning id`);
        expect(() => sent.rows).toThrow('was answered');
        expect(await tx.query(sql`update things set n = n + 1 where id = 1 returning n`)).toEqual([{ n: 1 }]);
        tx.send(sql`update things set n = n * 10`);
        tx.afterCommit(() => void (seen = sent.rows));
      });
      expect(seen).toEqual([{ id: 1 }]);
      expect(await db.query(sql`select n from things`)).toEqual([{ n: 10 }]);
    });

    test('and nothing else: begin, statement and commit', async () => {
      await db.transaction(async (tx) => void tx.send(sql`insert into things (id, n) values (1, 0)`));
      expect(await ids()).toEqual([1]);
    });

    test('fails the transaction with its SQLSTATE, whoever is asked next', async () => {
      await db.transaction((tx) => insert(tx, 1));
      const alone = db.transaction(async (tx) => void tx.send(sql`insert into things (id, n) values (1, 0)`));
      await expect(alone).rejects.toMatchObject({ code: '23505' });
      const before = db.transaction(async (tx) => {
        tx.send(sql`insert into things (id, n) values (1, 0)`);
        await insert(tx, 2);
      });
      await expect(before).rejects.toMatchObject({ code: '23505' });
      const swallowed = db.transaction(async (tx) => {
        tx.send(sql`insert into things (id, n) values (1, 0)`);
        await insert(tx, 2).catch(() => undefined);
        await insert(tx, 3).catch(() => undefined);
      });
      await expect(swallowed).rejects.toMatchObject({ code: '23505' });
      expect(await ids()).toEqual([1]);
    });

    test('a thrown error leaves it undone', async () => {
      const error = new Error('no');
      const attempt = db.transaction(async (tx) => {
        tx.send(sql`insert into things (id, n) values (1, 0)`);
        throw error;
      });
      await expect(attempt).rejects.toBe(error);
      expect(await ids()).toEqual([]);
    });
  });

  test('of statements asked at once those behind a failed one do not run, and share its error', async () => {
    const attempt = db.transaction(async (tx) => {
      const outcomes = await Promise.allSettled([insert(tx, 1), insert(tx, 1), insert(tx, 2)]);
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
      expect(outcomes[2]).toMatchObject({ reason: { code: '23505' } });
    });
    await expect(attempt).rejects.toThrow('was rolled back');
    expect(await ids()).toEqual([]);
  });

  test('a trip carries all that was asked since the last one', async () => {
    await using gate = await openGate(options);
    await using counted = createDb({ ...options, ...gate.connection, poolMax: 1 });
    await counted.start();
    const trips = async (body: (tx: Tx) => Promise<unknown>): Promise<number> => {
      await counted.transaction(body); // prepared from here on
      const before = gate.writes();
      await counted.transaction(body);
      return gate.writes() - before;
    };
    const set = (n: number): ReturnType<typeof sql> => sql`update things set n = ${n}`;
    expect(await trips((tx) => tx.query(set(1)))).toBe(2);
    expect(await trips((tx) => Promise.all([tx.query(set(1)), tx.query(set(2)), tx.query(set(3))]))).toBe(2);
    expect(await trips(async (tx) => void (tx.send(set(1)), tx.send(set(2))))).toBe(1);
    expect(await trips(async () => undefined)).toBe(0);
  });

  test('SQLSTATE stays readable', async () => {
    await db.transaction((tx) => insert(tx, 1));
    await expect(db.transaction((tx) => insert(tx, 1))).rejects.toMatchObject({
      code: '23505',
      constraint: 'things_pkey',
    });
  });

  test('isolation and read only reach Postgres', async () => {
    const read = db.transaction((tx) => insert(tx, 1), { readOnly: true });
    await expect(read).rejects.toMatchObject({ code: '25006' });
    const [row] = await db.transaction(
      (tx) => tx.query(sql`select current_setting('transaction_isolation') as level`),
      {
        isolation: 'repeatable read',
      },
    );
    expect(row).toEqual({ level: 'repeatable read' });
  });

  test('not durable: its own commit alone does not wait for the disk, in the same trip', async () => {
    await using one = createDb({ ...options, poolMax: 1 });
    const setting = async (reader: Reader): Promise<unknown> =>
      (await reader.query(sql`select current_setting('synchronous_commit') as waits`))[0]?.['waits'];
    // Clusters of tests wait for nothing.
    await one.query(sql`set synchronous_commit to on`);
    const hurried = one.transaction(async (tx) => (await insert(tx, 1), await setting(tx)), { durable: false });
    expect(await hurried).toBe('off');
    expect(await setting(one)).toBe('on');
    expect(await one.transaction((tx) => setting(tx))).toBe('on');
    expect(await ids()).toEqual([1]);
  });

  /** Two transactions that read the same row and then both write it. */
  async function collide(retries: number): Promise<PromiseSettledResult<number>[]> {
    await db.transaction((tx) => insert(tx, 1));
    let first = 2;
    const both = new Signal();
    const together = both.next();
    const add = (): Promise<number> => {
      let runs = 0;
      return db.transaction(
        async (tx) => {
          runs++;
          await tx.query(sql`select n from things where id = 1`);
          if (first > 0 && --first === 0) both.fire();
          if (runs === 1) await together;
          await tx.query(sql`update things set n = n + 1 where id = 1`);
          return runs;
        },
        { isolation: 'repeatable read', retries },
      );
    };
    return await Promise.allSettled([add(), add()]);
  }

  test('a serialization failure runs the body again when asked to', async () => {
    const results = await collide(3);
    expect(
      results.map((result) => (result.status === 'fulfilled' ? result.value : 0)).toSorted((a, b) => a - b),
    ).toEqual([1, 2]);
    expect(await db.query(sql`select n from things`)).toEqual([{ n: 2 }]);
  });

  test('and leaves with its SQLSTATE when not', async () => {
    const results = await collide(0);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: '40001' } });
  });

  test('a deadlock is retried', async () => {
    await db.transaction(async (tx) => void (await insert(tx, 1), await insert(tx, 2)));
    let holding = 0;
    const both = new Signal();
    const together = both.next();
    const lockBoth = (order: number[]): Promise<void> => {
      let runs = 0;
      return db.transaction(
        async (tx) => {
          for (const [i, id] of order.entries()) {
            if (i === 1 && runs++ === 0) {
              if (++holding === 2) both.fire();
              await together;
            }
            await tx.query(sql`update things set n = n + 1 where id = ${id}`);
          }
        },
        { retries: 3 },
      );
    };
    await Promise.all([lockBoth([1, 2]), lockBoth([2, 1])]);
    expect(await db.query(sql`select n from things`)).toEqual([{ n: 2 }, { n: 2 }]);
  });
});

describe('limits', () => {
  test('a statement past its time is ended with its SQLSTATE', async () => {
    await using slow = createDb({ ...options, statementTimeoutMs: 50 });
    await expect(slow.query(sql`select pg_sleep(10)`)).rejects.toMatchObject({ code: '57014' });
  });

  test('callers beyond the waiting limit are refused at once, those who wait too long after their time', async () => {
    await using narrow = createDb({ ...options, poolMax: 1, poolWaitingMax: 1, poolWaitMsMax: 150 });
    await narrow.start();
    const inside = new Signal();
    const entered = inside.next();
    const leave = new Signal();
    const left = leave.next();
    const holding = narrow.transaction(async () => {
      inside.fire();
      await left;
    });
    await entered;
    const waiting = narrow.query(sql`select 1`);
    await expect(narrow.query(sql`select 1`)).rejects.toMatchObject({
      code: 'exhausted',
      reason: 'db_pool_full',
      retryAfterMs: 1_000,
    });
    await expect(waiting).rejects.toMatchObject({ code: 'exhausted', reason: 'db_pool_full' });
    leave.fire();
    await holding;
    expect(await narrow.query(sql`select 1 as a`)).toEqual([{ a: 1 }]);
    expect(narrow.healthy()).toBe(true);
  });
});

describe('Postgres goes away', () => {
  test('nobody there: unavailable, not healthy, and start gives up after its time', async () => {
    await using lost = createDb({ ...options, host: '/nonexistent', startTimeoutMs: 0 });
    const down = { code: 'unavailable', reason: 'store_down', retryAfterMs: 2_000 };
    await expect(lost.query(sql`select 1`)).rejects.toMatchObject(down);
    await expect(lost.transaction((tx) => insert(tx, 1))).rejects.toMatchObject(down);
    await expect(lost.start()).rejects.toMatchObject(down);
    expect(lost.healthy()).toBe(false);
  });

  test('a wrong password is no reason to wait', async () => {
    await using wrong = createDb({ ...options, password: 'wrong' });
    await expect(wrong.start()).rejects.toMatchObject({ code: '28P01' });
  });

  test('a cut connection fails its transaction once, then all works again', async () => {
    await using cut = createDb({ ...options, applicationName: 'to-be-cut', poolMax: 2 });
    await cut.start();
    const attempt = cut.transaction(async (tx) => {
      await insert(tx, 1);
      await db.query(sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'to-be-cut'`);
      await insert(tx, 2);
    });
    await expect(attempt).rejects.toMatchObject({ code: 'unavailable', reason: 'store_down' });
    await until(() =>
      cut.query(sql`select 1`).then(
        () => true,
        () => false,
      ),
    );
    expect([await ids(), cut.healthy()]).toEqual([[], true]);
  });

  test('a connection on which nothing comes back is given up, and another one works', async () => {
    await using gate = await openGate(options);
    await using patient = createDb({ ...options, ...gate.connection, statementTimeoutMs: 100, poolMax: 1 });
    await patient.start();
    gate.stall();
    const began = performance.now();
    const attempt = patient.transaction((tx) => insert(tx, 1));
    await expect(attempt).rejects.toMatchObject({ code: 'unavailable', reason: 'store_down' });
    expect(performance.now() - began).toBeLessThan(8_000);
    expect(patient.healthy()).toBe(false);
    gate.open();
    expect(await patient.query(sql`select 1 as fine`)).toEqual([{ fine: 1 }]);
  });

  test('after disposal everything is refused', async () => {
    const gone = createDb(options);
    await gone.start();
    await gone[Symbol.asyncDispose]();
    await gone[Symbol.asyncDispose]();
    await expect(gone.query(sql`select 1`)).rejects.toMatchObject({ reason: 'store_down' });
    expect(() => gone.listen('x', () => undefined)).toThrow('stopping');
    expect(gone.healthy()).toBe(false);
  });
});

describe('notifications', () => {
  test('are heard on their channel, until disposed', async () => {
    await using ear = createDb(options);
    const heard: string[] = [];
    const signal = new Signal<string>();
    const ready = new Signal();
    const listening = ready.next();
    const subscription = ear.listen(
      'a "channel"',
      (payload) => {
        heard.push(payload);
        signal.fire(payload);
      },
      () => ready.fire(),
    );
    await listening;
    const last = signal.next((payload) => payload === 'two');
    await ear.notify('other', 'zero');
    await ear.notify('a "channel"', 'one');
    await ear.notify('a "channel"', 'two');
    await last;
    subscription[Symbol.dispose]();
    const again = new Signal();
    const second = again.next();
    ear.listen(
      'other',
      () => again.fire(),
      () => void ear.notify('a "channel"', 'three').then(() => ear.notify('other', '')),
    );
    await second;
    expect(heard).toEqual(['one', 'two']);
  });

  test('a cut is noticed: listening goes on and `missed` runs', async () => {
    await using ear = createDb({ ...options, applicationName: 'ear' });
    const missed = new Signal();
    const heard = new Signal<string>();
    let joined = missed.next();
    ear.listen(
      'c',
      (payload) => heard.fire(payload),
      () => missed.fire(),
    );
    await joined;
    joined = missed.next();
    await db.query(
      sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ear' and query like 'listen%'`,
    );
    await joined;
    const payload = heard.next();
    await db.notify('c', 'after');
    expect(await payload).toBe('after');
  });

  test('a listener that throws does not stop the others', async () => {
    await using ear = createDb(options);
    const heard = new Signal();
    const one = heard.next();
    ear.listen('d', () => {
      throw new Error('no');
    });
    ear.listen(
      'd',
      () => heard.fire(),
      () => void ear.notify('d', ''),
    );
    await one;
  });
});

test('health is looked at while nobody asks', async () => {
  await using gate = await openGate(options);
  const clock = { ...systemClock, after: (_: number, then: () => void) => systemClock.after(5, then) };
  await using idle = createDb({ ...options, ...gate.connection, clock });
  await idle.start();
  expect(idle.healthy()).toBe(true);
  gate.shut();
  await until(() => !idle.healthy());
  gate.open();
  await until(() => idle.healthy());
});
