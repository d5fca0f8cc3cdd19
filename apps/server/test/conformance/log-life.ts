/**
 * The life of a stream, for every driver of the log: lifetimes, configuration, forks, and removal in every order (design of
 * kernel/log, section 9). Called beside `logContract`. Long, because all of it is one suite over one harness.
 */
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock, type MusterError } from '#kernel/base';
import {
  type Appended,
  createLog,
  type Head,
  type Log,
  type LogLimits,
  type LogOptions,
  type Offset,
  offsetOf,
  parseOffset,
} from '#kernel/log';
import { until } from '#test/until';
import { all, bytes, Heard, holdWrites, key, type LogMaker, readAll, reasonOf, texts } from './log.ts';

const plain = 'text/plain';
const json = 'application/json';
const start = '0000000000000000_0000000000000000';

export function logLifeContract(name: string, maker: LogMaker): void {
  describe(`the life of a stream: ${name}`, () => {
    let log: Log;
    let clock: FakeClock;
    let options: LogOptions;
    const fatal: Error[] = [];
    const failed: Error[] = [];
    const restarts = test.skipIf(!maker.keeps);

    async function open(limits: Partial<LogLimits> = {}): Promise<void> {
      if (log) await log[Symbol.asyncDispose]();
      clock = new FakeClock();
      options = await maker.options({ clock, limits });
      options.fatal = (error) => fatal.push(error);
      options.events = { backgroundFailed: (_what, error) => failed.push(error) };
      log = createLog(options);
      await log.start();
    }
    async function reopen(): Promise<void> {
      await log[Symbol.asyncDispose]();
      log = createLog(options);
      await log.start();
    }
    const append = (path: string, ...messages: string[]): Promise<Appended> =>
      log.append({ key: key(path), messages: messages.map(bytes) });
    const create = (path: string, more: Partial<Parameters<Log['create']>[0]> = {}) =>
      log.create({ key: key(path), contentType: plain, ...more });
    const fork = (path: string, from: string, at?: Offset, sub?: number) =>
      log.create({
        key: key(path),
        fork: { from: key(from), ...(at === undefined ? {} : { at }), ...(sub === undefined ? {} : { sub }) },
      });
    const remove = (path: string) => log.remove(key(path), 'deleted');
    const head = async (path: string): Promise<Head> => (await log.head(key(path)))!;
    const read = (path: string): Promise<string[]> => readAll(log, key(path));
    const gone = async (path: string): Promise<string> => {
      try {
        return (await log.head(key(path))) ? 'there' : 'gone';
      } catch (error) {
        return (error as MusterError).reason;
      }
    };
    /** Lets what is under way come to its end, timers of up to `ms` included. */
    async function settle(ms = 0): Promise<void> {
      await clock.advance(ms);
      // An end may bring on another, up the chain.
      for (let i = 0; i < 8; i++) {
        await log.barrier();
        await turn();
      }
    }

    /** Time that no timer notices: only who looks at the clock does. */
    function unnoticed(ms: number): Disposable {
      const then = clock.now() + ms;
      clock.now = () => then;
      return { [Symbol.dispose]: () => void Reflect.deleteProperty(clock, 'now') };
    }

    beforeEach(async () => {
      fatal.length = 0;
      failed.length = 0;
      await open();
    });
    afterEach(async () => {
      await log[Symbol.asyncDispose]();
      expect(fatal).toEqual([]);
      expect(failed).toEqual([]);
    });

    describe('lifetimes', () => {
      test('a sliding one starts again with reads, live reads, appends and closes, not with head', async () => {
        await create('ttl', { ttlSeconds: 10 });
        expect(await head('ttl')).toMatchObject({ ttlSeconds: 10 });
        expect(await head('ttl')).not.toHaveProperty('expiresAt');
        const uses: (() => Promise<unknown>)[] = [
          () => append('ttl', 'a'),
          () => log.read(key('ttl'), 'start', all),
          () => log.read(key('ttl'), 'now', all),
          async () => (await log.tail(key('ttl'), 'start', new Heard()))[Symbol.dispose](),
          () => log.append({ key: key('ttl'), messages: [], close: true }),
        ];
        for (const use of uses) {
          await clock.advance(9_999);
          await use();
        }
        await clock.advance(9_999);
        expect(await gone('ttl')).toBe('there');
        await clock.advance(1);
        expect(await gone('ttl')).toBe('gone');
      });

      test('a configuration that was asked for in time is not outrun by the end it moves', async () => {
        await create('slides', { ttlSeconds: 10 });
        await create('fixed', { expiresAt: clock.now() + 10_000 });
        await clock.advance(9_999);
        const gate = holdWrites();
        const changes = [
          log.configure(key('slides'), { retention: { maxMessages: 9 } }),
          log.configure(key('fixed'), { expiresAt: clock.now() + 60_000 }),
        ];
        await turn();
        await clock.advance(5_000);
        gate[Symbol.dispose]();
        await Promise.all(changes);
        await turn();
        for (const path of ['slides', 'fixed']) expect(await gone(path)).toBe('there');
        await clock.advance(4_999);
        expect(await gone('slides')).toBe('there');
        await clock.advance(1);
        expect(await gone('slides')).toBe('gone');
      });

      test('over means gone at once, for every access, before anything was written about it', async () => {
        for (const path of ['h', 'r', 't', 'a', 'd', 'c', 'l'])
          await create(path, { ttlSeconds: 5, first: [bytes('x')] });
        using _ = unnoticed(5_000);
        expect(await gone('h')).toBe('gone');
        expect(await reasonOf(log.read(key('r'), 'start', all))).toBe('notFound stream_expired');
        expect(await reasonOf(log.tail(key('t'), 'start', new Heard()))).toBe('notFound stream_expired');
        expect(await reasonOf(append('a', 'y'))).toBe('notFound stream_expired');
        expect(await reasonOf(remove('d'))).toBe('notFound stream_expired');
        expect(await reasonOf(log.configure(key('c'), { ttlSeconds: 100 }))).toBe('notFound stream_expired');
        expect((await log.list('prj_a', '', { limit: 10 })).items).toEqual([]);
        await log.barrier();
        expect(await reasonOf(append('a', 'y'))).toBe('notFound stream_unknown');
      });

      test('an instant stays where it is; both kinds at once, and nonsense, are refused', async () => {
        const at = clock.now() + 20_000;
        await create('fix', { expiresAt: at });
        expect(await head('fix')).toMatchObject({ expiresAt: at });
        await clock.advance(19_999);
        await append('fix', 'x');
        expect(await read('fix')).toEqual(['x']);
        await clock.advance(1);
        expect(await gone('fix')).toBe('gone');
        expect(await reasonOf(create('n', { ttlSeconds: 1, expiresAt: at }))).toBe('invalid ttl_and_expiry');
        for (const ttlSeconds of [-1, 1.5, Number.NaN, 1e12])
          expect(await reasonOf(create('n', { ttlSeconds }))).toBe('invalid ttl_malformed');
        for (const expiresAt of [-1, 1.5, Number.NaN, 1e18])
          expect(await reasonOf(create('n', { expiresAt }))).toBe('invalid expiry_malformed');
        expect(await gone('n')).toBe('gone');
      });

      test('nobody asks: followers are told, watchers hear of it, and the path is free', async () => {
        await create('quiet', { ttlSeconds: 60 });
        const era = parseOffset((await head('quiet')).tail)!.era;
        const heard = new Heard();
        await log.tail(key('quiet'), 'start', heard);
        await clock.advance(59_999);
        expect(heard.ended).toBeUndefined();
        await clock.advance(1);
        await until(() => heard.ended === 'expired');
        await create('quiet');
        expect(parseOffset((await head('quiet')).tail)!.era).toBeGreaterThan(era);
      });

      test('many deadlines, moved in any order, each ends at its own', async () => {
        const ends = new Map<string, number>();
        for (let i = 0; i < 60; i++) {
          await create(`many/${i}`, { ttlSeconds: 1 + ((i * 37) % 50) });
          ends.set(`many/${i}`, 1 + ((i * 37) % 50));
        }
        for (let i = 0; i < 60; i += 7) {
          await log.configure(key(`many/${i}`), { ttlSeconds: i % 2 === 0 ? 2 : null });
          ends.set(`many/${i}`, i % 2 === 0 ? 2 : Number.POSITIVE_INFINITY);
        }
        for (let second = 1; second <= 51; second++) {
          await settle(1000);
          const left = (await log.list('prj_a', 'many/', { limit: 100 })).items.map((item) => item.key.path).toSorted();
          expect(left).toEqual(
            [...ends]
              .filter(([, end]) => end > second)
              .map(([path]) => path)
              .toSorted(),
          );
        }
      });

      test('a path whose stream is over is created anew in one step, in a later era; old offsets meet a gap', async () => {
        await create('re', { ttlSeconds: 5, first: [bytes('old')] });
        const before = await head('re');
        using _ = unnoticed(5_000);
        const made = await create('re', { ttlSeconds: 5 });
        expect(made).toMatchObject({ outcome: 'created', head: { messages: 0 } });
        expect(made.head.streamNo).not.toBe(before.streamNo);
        expect((await append('re', 'new')).firstSeq).toBe(1);
        expect(await reasonOf(log.read(key('re'), before.tail, all))).toBe('notFound stream_recreated');
        expect(await read('re')).toEqual(['new']);
      });

      test('the same again: TTL and instant count', async () => {
        await create('same', { ttlSeconds: 5 });
        expect(await create('same', { ttlSeconds: 5 })).toMatchObject({ outcome: 'same', head: { ttlSeconds: 5 } });
        expect(await reasonOf(create('same', { ttlSeconds: 6 }))).toBe('conflict stream_differs');
        expect(await reasonOf(create('same'))).toBe('conflict stream_differs');
        expect(await reasonOf(create('same', { expiresAt: clock.now() + 5000 }))).toBe('conflict stream_differs');
        const expiresAt = clock.now() + 50_000;
        await create('instant', { expiresAt });
        expect(await create('instant', { expiresAt })).toMatchObject({ outcome: 'same' });
        expect(await reasonOf(create('instant', { expiresAt: expiresAt + 1 }))).toBe('conflict stream_differs');
      });

      restarts('a restart counts from itself: longer, never shorter', async () => {
        const expiresAt = clock.now() + 30_000;
        await create('slide', { ttlSeconds: 10, first: [bytes('x')] });
        await create('fixed', { expiresAt });
        await create('long', { ttlSeconds: 100_000 });
        await clock.advance(9_000);
        await reopen();
        await clock.advance(9_999);
        expect(await gone('slide')).toBe('there');
        await clock.advance(1);
        expect(await gone('slide')).toBe('gone');
        await reopen();
        expect(await gone('slide')).toBe('gone');
        await clock.advance(11_000);
        expect(await gone('fixed')).toBe('gone');
        await clock.advance(60_000);
        await reopen();
        expect(await gone('fixed')).toBe('gone');
        expect(await head('long')).toMatchObject({ ttlSeconds: 100_000 });
      });

      restarts(
        'streams that left memory: uses are written down before, and the sweep ends them in their time',
        async () => {
          await open({ headsMax: 20 });
          await create('used', { ttlSeconds: 200, first: [bytes('u')] });
          await create('idle', { ttlSeconds: 100 });
          for (let i = 0; i < 3; i++) {
            await clock.advance(40_000);
            await read('used');
          }
          expect(await gone('idle')).toBe('gone');
          // Others push it out of memory.
          for (let i = 0; i < 60; i++) {
            await create(`other/${i}`);
            await settle(100);
            await until(async () => {
              await clock.advance(50);
              const { flushedTo, tip } = await log.barrier();
              return flushedTo === tip;
            });
          }
          expect(log.gauges().heads).toBeLessThanOrEqual(20);
          await clock.advance(130_000);
          expect(await gone('used')).toBe('there');
          const at = clock.now();
          await until(async () => {
            await clock.advance(5_000);
            return (await log.list('prj_a', 'used', { limit: 1 })).items.length === 0;
          });
          expect(clock.now() - at).toBeLessThan(100_000);
          expect(await reasonOf(append('used', 'x'))).toMatch(/^notFound stream_(expired|unknown)$/);
        },
      );
    });

    describe('configuration', () => {
      test('what is named changes, the rest stays; versions go up and guard', async () => {
        await create('conf', { retention: { maxMessages: 100 } });
        expect(await head('conf')).toMatchObject({ version: 1, retention: { maxMessages: 100 } });
        expect(await log.configure(key('conf'), { ttlSeconds: 10 }, 1)).toMatchObject({
          version: 2,
          ttlSeconds: 10,
          retention: { maxMessages: 100 },
        });
        await expect(log.configure(key('conf'), { ttlSeconds: 20 }, 1)).rejects.toMatchObject({
          code: 'conflict',
          reason: 'version_conflict',
          extra: { version: 2 },
        });
        const expiresAt = clock.now() + 1000_000;
        const fixed = await log.configure(key('conf'), { expiresAt });
        expect(fixed).toMatchObject({ version: 3, expiresAt });
        expect(fixed).not.toHaveProperty('ttlSeconds');
        const bare = await log.configure(key('conf'), { expiresAt: null, retention: null });
        expect(bare.version).toBe(4);
        for (const name of ['expiresAt', 'ttlSeconds', 'retention']) expect(bare).not.toHaveProperty(name);
        await clock.advance(2000_000);
        expect(await gone('conf')).toBe('there');
      });

      test('two at once: one wins; none and nonsense are refused', async () => {
        await create('two');
        const outcomes = await Promise.allSettled([
          log.configure(key('two'), { ttlSeconds: 10 }, 1),
          log.configure(key('two'), { ttlSeconds: 20 }, 1),
          log.configure(key('two'), { retention: { maxBytes: 5 } }),
        ]);
        expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
        expect(await head('two')).toMatchObject({ version: 3, ttlSeconds: 10, retention: { maxBytes: 5 } });
        expect(await reasonOf(log.configure(key('two'), { ttlSeconds: 1, expiresAt: 5 }))).toBe(
          'invalid ttl_and_expiry',
        );
        expect(await reasonOf(log.configure(key('two'), { retention: { maxBytes: 0 } }))).toBe(
          'invalid retention_malformed',
        );
        expect(await reasonOf(log.configure(key('none'), { ttlSeconds: 1 }))).toBe('notFound stream_unknown');
        expect(await head('two')).toMatchObject({ version: 3 });
      });

      restarts('survives', async () => {
        await create('kept', { ttlSeconds: 10 });
        await log.configure(key('kept'), { ttlSeconds: 500, retention: { maxMessages: 3 } });
        for (let i = 0; i < 10; i++) await append('kept', String(i));
        await reopen();
        await clock.advance(499_000);
        expect(await head('kept')).toMatchObject({ version: 2, ttlSeconds: 500, retention: { maxMessages: 3 } });
        await until(async () => (await head('kept')).messages === 3);
        await reopen();
        expect(await head('kept')).toMatchObject({ version: 2, ttlSeconds: 500, retention: { maxMessages: 3 } });
      });
    });

    describe('forks', () => {
      test("at its tail, in the middle, at the start; inherited offsets are the source's own, later ones are not", async () => {
        await create('src');
        const offsets: Offset[] = [];
        for (const text of ['a', 'b', 'c']) offsets.push((await append('src', text)).next);
        const made = await fork('tail', 'src');
        expect(made).toMatchObject({
          outcome: 'created',
          head: { contentType: plain, messages: 3, bytes: 3, forkedFrom: 'src', tail: offsets[2], closed: false },
        });
        await fork('middle', 'src', offsets[1]);
        await fork('start', 'src', start);
        await fork('minus', 'src', '-1');
        await append('src', 'd');
        expect(await read('tail')).toEqual(['a', 'b', 'c']);
        expect(await read('middle')).toEqual(['a', 'b']);
        expect(await read('start')).toEqual([]);
        expect(await head('start')).toMatchObject({ messages: 0, bytes: 0 });
        expect(await read('minus')).toEqual([]);
        for (const [i, path] of ['tail', 'middle', 'start'].entries()) {
          const { next, firstSeq } = await append(path, `own ${path}`);
          expect(firstSeq).toBe([4, 3, 1][i]);
          expect(next > offsets[2]!).toBe(true);
        }
        expect(await read('tail')).toEqual(['a', 'b', 'c', 'own tail']);
        expect(await head('tail')).toMatchObject({ messages: 4, bytes: 11 });
        expect(await read('middle')).toEqual(['a', 'b', 'own middle']);
        expect(await read('src')).toEqual(['a', 'b', 'c', 'd']);
        expect(texts((await log.read(key('tail'), offsets[0]!, all)).messages)).toEqual(['b', 'c', 'own tail']);
        expect(texts((await log.read(key('middle'), offsets[1]!, all)).messages)).toEqual(['own middle']);
        // The source's next position is none of the fork's.
        expect(await reasonOf(log.read(key('middle'), offsets[2]!, all))).toBe('invalid offset_beyond_tail');
        const sorted = [...offsets, (await head('tail')).tail];
        expect(sorted).toEqual(sorted.toSorted());
      });

      test('inside an append: messages of JSON, bytes of anything else, never beyond the append', async () => {
        await create('j', { contentType: json, first: [1, 2, 3, 4].map((n) => bytes(String(n))) });
        const first = (await head('j')).tail;
        await append('j', '5', '6');
        expect(await fork('j2', 'j', start, 2)).toMatchObject({ head: { messages: 2, bytes: 2, contentType: json } });
        expect(await read('j2')).toEqual(['1', '2']);
        await append('j2', '"own"');
        expect(await read('j2')).toEqual(['1', '2', '"own"']);
        await fork('j5', 'j', first, 1);
        expect(await read('j5')).toEqual(['1', '2', '3', '4', '5']);
        await fork('j4', 'j', start, 4);
        expect(await read('j4')).toEqual(['1', '2', '3', '4']);
        expect(await reasonOf(fork('no', 'j', start, 5))).toBe('invalid fork_sub_offset');
        expect(await reasonOf(fork('no', 'j', undefined, 1))).toBe('invalid fork_sub_offset');
        expect(await reasonOf(fork('no', 'j', start, -1))).toBe('invalid fork_sub_offset');

        await create('t', { first: [bytes('hello')] });
        const hello = (await head('t')).tail;
        await append('t', 'wide', 'world');
        const made = await log.create({
          key: key('hel'),
          first: [bytes('XY')],
          fork: { from: key('t'), at: start, sub: 3 },
        });
        expect(made).toMatchObject({ head: { messages: 2, bytes: 5 } });
        expect((await read('hel')).join('')).toBe('helXY');
        await fork('all5', 't', start, 5);
        expect(await head('all5')).toMatchObject({ tail: hello, messages: 1 });
        await fork('deep', 't', hello, 6);
        expect(await read('deep')).toEqual(['hello', 'wide', 'wo']);
        await fork('deeper', 'deep', hello, 4);
        expect(await read('deeper')).toEqual(['hello', 'wide']);
        await fork('copied', 'hel', start, 2);
        expect(await read('copied')).toEqual(['he']);
        expect(await reasonOf(fork('no', 't', start, 6))).toBe('invalid fork_sub_offset');
        expect(await reasonOf(fork('no', 't', hello, 10))).toBe('invalid fork_sub_offset');
        expect(await gone('no')).toBe('gone');
      });

      test('of a closed stream is open; without producers; a live reader hears its own appends only', async () => {
        await create('closed', { first: [bytes('x')] });
        const producer = { id: 'p', epoch: 0, seq: 0 };
        await log.append({ key: key('closed'), messages: [bytes('y')], producer, close: true });
        await fork('open', 'closed');
        expect(await head('open')).toMatchObject({ closed: false, messages: 2 });
        expect(await log.append({ key: key('open'), messages: [bytes('z')], producer })).toMatchObject({
          outcome: 'stored',
          firstSeq: 3,
        });
        await create('live', { first: [bytes('1'), bytes('2')] });
        await fork('branch', 'live');
        const heard = new Heard();
        await log.tail(key('branch'), 'start', heard);
        await append('live', 'not for you');
        await append('branch', '3');
        await log.append({ key: key('branch'), messages: [], close: true });
        await until(() => heard.ended === 'closed');
        expect(heard.got).toEqual(['1', '2', '3']);
        expect(await head('live')).toMatchObject({ closed: false });
      });

      test('refused with a reason, and without a trace', async () => {
        await create('s', { first: [bytes('abc')] });
        const beyond = offsetOf(parseOffset((await head('s')).tail)!.era, 2);
        expect(await reasonOf(fork('f', 'nothing'))).toBe('notFound stream_unknown');
        expect(await reasonOf(fork('f', 's', beyond))).toBe('invalid fork_offset');
        expect(await reasonOf(fork('f', 's', '9999999999999999_9999999999999999'))).toBe('invalid fork_offset');
        expect(await reasonOf(fork('f', 's', 'nonsense'))).toBe('invalid fork_offset');
        expect(await reasonOf(log.create({ key: key('f'), contentType: json, fork: { from: key('s') } }))).toBe(
          'conflict content_type_differs',
        );
        expect(await reasonOf(log.create({ key: key('f', 'prj_b'), fork: { from: key('s') } }))).toBe(
          'notFound stream_unknown',
        );
        await create('taken');
        expect(await reasonOf(fork('taken', 's'))).toBe('conflict stream_differs');
        expect(await reasonOf(fork('s', 's'))).toBe('conflict stream_differs');
        expect(await gone('f')).toBe('gone');
        expect(await remove('s')).toBe('gone');
        expect(await gone('s')).toBe('gone');
      });

      test('the same fork again is the same; another source, offset or lifetime is not', async () => {
        await create('o', { ttlSeconds: 100, first: [bytes('a'), bytes('b')] });
        const { tail } = await head('o');
        await fork('f', 'o');
        await append('o', 'c');
        expect(await fork('f', 'o')).toMatchObject({ outcome: 'same' });
        expect(await fork('f', 'o', tail)).toMatchObject({ outcome: 'same' });
        expect(await fork('f', 'o', tail, 0)).toMatchObject({ outcome: 'same' });
        expect(await reasonOf(fork('f', 'o', (await head('o')).tail))).toBe('conflict stream_differs');
        expect(await reasonOf(fork('f', 'o', start))).toBe('conflict stream_differs');
        expect(await reasonOf(fork('f', 'o', tail, 1))).toBe('conflict stream_differs');
        await create('p', { ttlSeconds: 100 });
        expect(await reasonOf(fork('f', 'p'))).toBe('conflict stream_differs');
        expect(await reasonOf(create('f', { ttlSeconds: 100 }))).toBe('conflict stream_differs');
        const own = { key: key('f'), fork: { from: key('o') }, ttlSeconds: 7 };
        expect(await reasonOf(log.create(own))).toBe('conflict stream_differs');
        await fork('zero', 'o', start);
        expect(await fork('zero', 'o', '-1')).toMatchObject({ outcome: 'same' });
        const both = await Promise.all([fork('race', 'o'), fork('race', 'o')]);
        expect(both.map(({ outcome }) => outcome).toSorted()).toEqual(['created', 'same']);
        await remove('o');
        expect(await fork('f', 'o')).toMatchObject({ outcome: 'same' });
      });

      test("lifetime: its own as given, else the source's", async () => {
        const expiresAt = clock.now() + 9_000;
        await create('ttl', { ttlSeconds: 10 });
        await create('fix', { expiresAt });
        expect((await fork('t', 'ttl')).head).toMatchObject({ ttlSeconds: 10 });
        expect((await fork('x', 'fix')).head).toMatchObject({ expiresAt });
        const own = await log.create({ key: key('own'), fork: { from: key('ttl') }, ttlSeconds: 9999 });
        expect(own.head).toMatchObject({ ttlSeconds: 9999 });
        const later = await log.create({
          key: key('later'),
          fork: { from: key('ttl') },
          expiresAt: expiresAt + 999_000,
        });
        expect(later.head.ttlSeconds).toBeUndefined();
        await settle(10_000);
        expect(await Promise.all(['t', 'x', 'own', 'later', 'ttl', 'fix'].map(gone))).toEqual([
          'gone',
          'gone',
          'there',
          'there',
          'kept_for_forks',
          'gone',
        ]);
      });

      test('limits: forks of one stream, and forks of forks', async () => {
        await open({ forksPerStreamMax: 3, forkDepthMax: 5 });
        await create('s', { first: [bytes('x')] });
        const made = await Promise.allSettled(['1', '2', '3', '4', '5'].map((n) => fork(`f/${n}`, 's')));
        expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
        expect(await reasonOf(fork('f/6', 's'))).toBe('exhausted forks_max');
        const [one, two] = (await log.list('prj_a', 'f/', { limit: 9 })).items.map((item) => item.key.path);
        await remove(one!);
        await fork('f/6', 's');
        for (let depth = 2; depth <= 5; depth++) await fork(`d/${depth}`, depth === 2 ? two! : `d/${depth - 1}`);
        expect(await read('d/5')).toEqual(['x']);
        expect(await reasonOf(fork('d/6', 'd/5'))).toBe('exhausted fork_depth_max');
      });

      test('limits: streams of one project; what is there goes on, and each end makes room', async () => {
        const max = { streamsMax: 3 };
        const full = 'exhausted streams_max';
        await create('n/1', { ...max, first: [bytes('x')] });
        const asked = ['one', 'two', 'three', 'four'];
        const made = await Promise.allSettled(asked.map((path) => create(path, max)));
        const [other = '', ...more] = asked.filter((_, n) => made[n]?.status === 'fulfilled');
        expect(more).toHaveLength(1);
        const counted = (): number => log.gauges().streamsOfOne;
        expect(counted()).toBe(3);
        expect(await reasonOf(fork('n/f', 'n/1'))).toBe('nothing thrown');
        await remove('n/f');
        expect((await create('n/1', max)).outcome).toBe('same');
        expect(await append('n/1', 'y')).toMatchObject({ outcome: 'stored' });
        await log.create({ key: key('n/9', 'prj_b'), contentType: plain, ...max });
        // One that ends makes room at its own path at once, elsewhere when its end is durable.
        const ended = remove(other);
        await create(other, max);
        await ended;
        expect(await reasonOf(create('n/9', max))).toBe(full);
        await remove(other);
        await create('n/9', { ...max, ttlSeconds: 5 });
        expect(await reasonOf(create(other, max))).toBe(full);
        await clock.advance(5_001);
        await until(() => counted() === 2);
        await fork('n/f', 'n/1');
        // Kept for its fork, it still takes a place; both go with the fork.
        await remove('n/1');
        expect(await reasonOf(create(other, max))).toBe(full);
        await remove('n/f');
        await until(() => counted() === 1);
        await create(other, max);
        await create('n/4', { fresh: true });
        await create('n/5', { fresh: true });
        expect([counted(), await reasonOf(create('n/6', max))]).toEqual([4, full]);
      });

      restarts(
        'limits: how many streams there are is known after a restart, from rows and from what came behind',
        async () => {
          const max = { streamsMax: 5 };
          for (const n of [1, 2, 3]) await create(`n/${n}`, max);
          await fork('n/f', 'n/1');
          await remove('n/1');
          await remove('n/2');
          await settle(1000);
          await until(async () => {
            const { flushedTo, tip } = await log.barrier();
            return flushedTo === tip;
          });
          await reopen();
          expect(log.gauges().streamsOfOne).toBe(3);
          await create('n/4', max);
          await create('n/5', max);
          await remove('n/f');
          await until(() => log.gauges().streamsOfOne === 3);
          await reopen();
          expect(log.gauges().streamsOfOne).toBe(3);
          for (const n of [6, 7]) await create(`n/${n}`, max);
          expect(await reasonOf(create('n/8', max))).toBe('exhausted streams_max');
        },
      );

      /** `c0` ← `c1` ← … ← `c5`, each with one message of its own. */
      async function chain(): Promise<void> {
        await create('c0', { first: [bytes('0')] });
        for (let i = 1; i <= 5; i++) {
          await fork(`c${i}`, `c${i - 1}`);
          await append(`c${i}`, String(i));
        }
      }
      const inherited = (i: number): string[] => Array.from({ length: i + 1 }, (_, n) => String(n));

      test('a chain of five, forked in the middle of what it inherited', async () => {
        await chain();
        for (let i = 0; i <= 5; i++) expect(await read(`c${i}`)).toEqual(inherited(i));
        expect(await head('c5')).toMatchObject({ messages: 6, bytes: 6, forkedFrom: 'c4' });
        const at = (await log.read(key('c5'), start, { bytes: 100, messages: 2 })).next;
        await fork('mid', 'c5', at);
        expect(await head('mid')).toMatchObject({ messages: 2, bytes: 2, tail: at });
        await append('mid', '!');
        expect(await read('mid')).toEqual(['0', '1', '!']);
        const heard = new Heard();
        await log.tail(key('c5'), 'start', heard);
        await until(() => heard.got.length === 6);
        for (let from = 0; from < 6; from++)
          expect(
            texts(
              (
                await log.read(
                  key('c5'),
                  (
                    await log.read(key('c5'), start, { bytes: 100, messages: from || 1 })
                  ).next,
                  all,
                )
              ).messages,
            ),
          ).toEqual(inherited(5).slice(from || 1));
      });

      for (const order of [
        [0, 1, 2, 3, 4, 5],
        [5, 4, 3, 2, 1, 0],
        [2, 0, 5, 1, 4, 3],
        [3, 4, 5, 0, 1, 2],
        [1, 5, 3, 0, 2, 4],
      ]) {
        test(`removed in the order ${order.join(' ')}: hidden while a fork lives, then gone up the chain`, async () => {
          await chain();
          const living = new Set([0, 1, 2, 3, 4, 5]);
          for (const i of order) {
            const kept = [...living].some((other) => other > i);
            expect(await remove(`c${i}`)).toBe(kept ? 'kept-for-forks' : 'gone');
            living.delete(i);
            await settle();
            const highest = Math.max(-1, ...living);
            for (let n = 0; n <= 5; n++) {
              const expected = living.has(n) ? 'there' : n < highest ? 'kept_for_forks' : 'gone';
              expect(await gone(`c${n}`), `c${n} after ${i}`).toBe(expected);
            }
            for (const n of living) expect(await read(`c${n}`)).toEqual(inherited(n));
          }
          await create('c0');
          expect(await read('c0')).toEqual([]);
        });
      }

      test('a kept stream says so to everyone, its path is taken, and it is not listed', async () => {
        await create('s', { first: [bytes('x')], ttlSeconds: 1000 });
        const heard = new Heard();
        await log.tail(key('s'), 'start', heard);
        const { tail } = await head('s');
        await fork('f', 's');
        expect(await remove('s')).toBe('kept-for-forks');
        await until(() => heard.ended === 'deleted');
        const kept = 'notFound kept_for_forks';
        await expect(log.head(key('s'))).rejects.toMatchObject({
          code: 'notFound',
          reason: 'kept_for_forks',
          status: 410,
        });
        expect(await reasonOf(log.read(key('s'), tail, all))).toBe(kept);
        expect(await reasonOf(log.tail(key('s'), 'now', new Heard()))).toBe(kept);
        expect(await reasonOf(append('s', 'y'))).toBe(kept);
        expect(await reasonOf(remove('s'))).toBe(kept);
        expect(await reasonOf(log.configure(key('s'), { ttlSeconds: 1 }))).toBe(kept);
        expect(await reasonOf(create('s'))).toBe('conflict path_kept_for_forks');
        expect(await reasonOf(fork('f2', 's'))).toBe('conflict fork_source_removed');
        expect((await log.list('prj_a', '', { limit: 10 })).items.map((item) => item.key.path)).toEqual(['f']);
        await clock.advance(500_000);
        expect(await read('f')).toEqual(['x']);
        await remove('f');
        await settle();
        expect(await gone('s')).toBe('gone');
        expect(await create('s')).toMatchObject({ outcome: 'created' });
        expect(await reasonOf(log.read(key('s'), tail, all))).toBe('notFound stream_recreated');
      });

      test('removals and forks in one turn see each other', async () => {
        await create('a', { first: [bytes('x')] });
        await fork('a1', 'a');
        expect(await Promise.all([remove('a1'), remove('a')])).toEqual(['gone', 'kept-for-forks']);
        await settle();
        expect(await gone('a')).toBe('gone');
        await create('b', { first: [bytes('x')] });
        const [forked, removed] = await Promise.all([fork('b1', 'b'), remove('b')]).catch((error: MusterError) => [
          error,
        ]);
        await settle();
        // Looking up the source takes a moment: either it was still there, and is kept, or it was not.
        if (removed === 'kept-for-forks') expect(await read('b1')).toEqual(['x']);
        else expect((forked as MusterError).reason).toMatch(/stream_unknown/);
      });

      test('an expired source with forks is hidden like a removed one, and goes with the last', async () => {
        await create('s', { first: [bytes('x')], ttlSeconds: 10 });
        await log.create({ key: key('f'), fork: { from: key('s') }, ttlSeconds: 30 });
        const later = unnoticed(10_000);
        expect(await gone('s')).toBe('kept_for_forks');
        expect(await reasonOf(create('s'))).toBe('conflict path_kept_for_forks');
        later[Symbol.dispose]();
        await settle(29_999);
        expect(await gone('s')).toBe('kept_for_forks');
        expect(await gone('f')).toBe('there');
        await settle(1);
        expect([await gone('f'), await gone('s')]).toEqual(['gone', 'gone']);
      });

      test('a trim hides positions in the source and not in its forks; a fork trims what it inherited for itself', async () => {
        await create('s', { retention: { maxMessages: 4 } });
        for (let i = 1; i <= 4; i++) await append('s', String(i));
        await fork('f', 's');
        for (let i = 5; i <= 20; i++) await append('s', String(i));
        await until(async () => parseOffset((await head('s')).first)!.seq >= 12);
        expect(await read('f')).toEqual(['1', '2', '3', '4']);
        const { first } = await head('s');
        await fork('late', 's');
        expect(await head('late')).toMatchObject({ first });
        const held = (await head('s')).messages;
        expect((await read('late')).length).toBe(held);
        expect(await reasonOf(log.read(key('late'), (await head('f')).tail, all))).toBe('notFound offset_trimmed');
        expect(await reasonOf(fork('no', 's', (await head('f')).tail))).toBe('invalid fork_offset');
        await append('f', '5 of f', '6 of f');
        await log.configure(key('f'), { retention: { maxMessages: 3 } });
        await until(async () => (await head('f')).messages === 3);
        expect(await read('f')).toEqual(['4', '5 of f', '6 of f']);
        expect(await head('f')).toMatchObject({ bytes: 13 });
        await log.configure(key('f'), { retention: { maxMessages: 1 } });
        await until(async () => (await head('f')).messages === 2);
        expect(await read('f')).toEqual(['5 of f', '6 of f']);
      });

      test('the age of what a fork inherited is the age of its messages, not of the fork', async () => {
        await open({ retentionEveryMs: 1_000 });
        await create('s', { first: [bytes('old')] });
        await clock.advance(100_000);
        await append('s', 'newer');
        await log.create({ key: key('f'), fork: { from: key('s') }, retention: { maxAgeMs: 60_000 } });
        await append('f', 'own');
        // In small steps: on a busy machine the next would be too old before the first is gone.
        await until(async () => {
          await clock.advance(100);
          return (await head('f')).messages < 3;
        });
        expect(await read('f')).toEqual(['newer', 'own']);
        expect(await head('f')).toMatchObject({ bytes: 8 });
        expect(await read('s')).toEqual(['old', 'newer']);
      });

      restarts('all of it survives, through the log and through rows', async () => {
        await chain();
        await remove('c1');
        await remove('c3');
        await create('t', { first: [bytes('hello')], ttlSeconds: 5 });
        await log.create({ key: key('hel'), fork: { from: key('t'), at: start, sub: 3 }, ttlSeconds: 500 });
        await settle(5_000);
        const before = await head('c5');
        for (let life = 0; life < 3; life++) {
          await reopen();
          expect(await head('c5')).toEqual(before);
          for (const i of [0, 2, 4, 5]) expect(await read(`c${i}`)).toEqual(inherited(i));
          expect(await Promise.all(['c1', 'c3', 't'].map(gone))).toEqual(
            Array.from({ length: 3 }, () => 'kept_for_forks'),
          );
          expect(await read('hel')).toEqual(['hel']);
          expect(await fork('c5', 'c4')).toMatchObject({ outcome: 'same' });
          expect(await reasonOf(fork('x', 'c3'))).toBe('conflict fork_source_removed');
        }
        for (const i of [5, 4]) await remove(`c${i}`);
        await remove('hel');
        await settle();
        expect(await Promise.all(['c1', 'c3', 't'].map(gone))).toEqual(['kept_for_forks', 'gone', 'gone']);
        await reopen();
        expect(await Promise.all(['c0', 'c1', 'c2', 'c3', 't'].map(gone))).toEqual([
          'there',
          'kept_for_forks',
          'there',
          'gone',
          'gone',
        ]);
        expect(await read('c2')).toEqual(inherited(2));
      });

      restarts('sources and forks that left memory', async () => {
        await open({ headsMax: 12 });
        const crowd = async (round: string): Promise<void> => {
          for (let i = 0; i < 30; i++) {
            await create(`other/${round}/${i}`);
            await until(async () => {
              await clock.advance(50);
              const { flushedTo, tip } = await log.barrier();
              return flushedTo === tip;
            });
          }
        };
        await chain();
        await crowd('a');
        expect(await read('c5')).toEqual(inherited(5));
        await crowd('b');
        expect(await remove('c2')).toBe('kept-for-forks');
        await crowd('c');
        await fork('again', 'c5', (await log.read(key('c5'), start, { bytes: 100, messages: 3 })).next);
        expect(await read('again')).toEqual(['0', '1', '2']);
        await crowd('d');
        for (const path of ['c5', 'c4', 'again', 'c3']) await remove(path);
        await until(async () => (await gone('c2')) === 'gone');
        expect(await read('c1')).toEqual(['0', '1']);
      });

      test('random lives agree with a model', async () => {
        type Model = { content: string[]; parent: string | undefined; removed: boolean };
        let round = 0;
        await fc.assert(
          fc.asyncProperty(
            fc.array(
              fc.record({
                act: fc.constantFrom('create', 'fork', 'fork', 'append', 'append', 'remove', 'wait'),
                a: fc.integer({ min: 0, max: 5 }),
                b: fc.integer({ min: 0, max: 5 }),
                n: fc.integer({ min: 0, max: 6 }),
              }),
              { maxLength: 30 },
            ),
            async (acts) => {
              const base = `m/${round++}`;
              const path = (n: number): string => `${base}/${n}`;
              const model = new Map<string, Model>();
              const kept = (of: string): boolean => [...model.values()].some(({ parent }) => parent === of);
              const tidy = (): void => {
                for (let again = true; again; ) {
                  again = false;
                  for (const [of, { removed }] of model) if (removed && !kept(of)) again = model.delete(of);
                }
              };
              for (const [i, { act, a, b, n }] of acts.entries()) {
                const here = model.get(path(a));
                const source = model.get(path(b));
                if (act === 'create') {
                  const reason = await reasonOf(create(path(a)));
                  if (here?.removed) expect(reason).toBe('conflict path_kept_for_forks');
                  else if (!here) {
                    expect(reason).toBe('nothing thrown');
                    model.set(path(a), { content: [], parent: undefined, removed: false });
                  }
                } else if (act === 'fork' && a !== b) {
                  const seq = source ? Math.min(n, source.content.length) : 0;
                  const at =
                    source && !source.removed && seq > 0
                      ? (await log.read(key(path(b)), 'start', { bytes: 1e6, messages: seq })).next
                      : start;
                  const reason = await reasonOf(fork(path(a), path(b), at));
                  if (here) expect(reason).toMatch(/^conflict|nothing thrown/);
                  else if (!source) expect(reason).toBe('notFound stream_unknown');
                  else if (source.removed) expect(reason).toBe('conflict fork_source_removed');
                  else {
                    expect(reason).toBe('nothing thrown');
                    model.set(path(a), { content: source.content.slice(0, seq), parent: path(b), removed: false });
                  }
                } else if (act === 'append') {
                  const messages = Array.from({ length: 1 + (n % 3) }, (_, j) => `${i}.${j}`);
                  const reason = await reasonOf(append(path(a), ...messages));
                  if (!here) expect(reason).toBe('notFound stream_unknown');
                  else if (here.removed) expect(reason).toBe('notFound kept_for_forks');
                  else here.content.push(...messages);
                } else if (act === 'remove' && here && !here.removed) {
                  expect(await remove(path(a))).toBe(kept(path(a)) ? 'kept-for-forks' : 'gone');
                  here.removed = true;
                  tidy();
                } else await settle();
              }
              await settle();
              for (let n = 0; n <= 5; n++) {
                const stream = model.get(path(n));
                expect(await gone(path(n))).toBe(!stream ? 'gone' : stream.removed ? 'kept_for_forks' : 'there');
                if (stream && !stream.removed) expect(await read(path(n))).toEqual(stream.content);
              }
            },
          ),
          { numRuns: 60 },
        );
      });
    });
  });
}
