/**
 * What every driver of the log must do with stored content that changes: superseded ranges, erased bodies, and what views show of
 * them, to every kind of reader. Called by the driver's test file beside `logContract`.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock, MusterError } from '#kernel/base';
import {
  type Appended,
  type Committed,
  createLog,
  type Log,
  type LogOptions,
  type Offset,
  offsetOf,
  parseOffset,
  type Sink,
  type StreamKey,
  type View,
} from '#kernel/log';
import { until } from '#test/until';
import { Heard, type LogMaker } from './log.ts';

const key = (path: string): StreamKey => ({ projectId: 'prj_a', path });
const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (of: Uint8Array): string => Buffer.from(of).toString();
const all = { bytes: 1024 * 1024, messages: 1000 };
const keptMs = 10 * 60_000;
const plain = 'text/plain';

const reasonOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'nothing thrown',
    (error: unknown) => {
      if (error instanceof MusterError) return `${error.code} ${error.reason}`;
      throw error;
    },
  );

export function logContentContract(name: string, maker: LogMaker): void {
  describe(`log content contract: ${name}`, () => {
    let log: Log;
    let clock: FakeClock;
    let options: LogOptions;

    beforeEach(async () => {
      clock = new FakeClock(1_700_000_000_000);
      options = await maker.options({ clock, limits: { supersededKeepMs: keptMs } });
      log = createLog(options);
      await log.start();
    });
    afterEach(() => log[Symbol.asyncDispose]());

    const make = (path: string, contentType = plain): Promise<unknown> => log.create({ key: key(path), contentType });
    const append = (path: string, ...messages: string[]): Promise<Appended> =>
      log.append({ key: key(path), messages: messages.map(bytes) });
    const at = async (path: string, seq: number): Promise<Offset> =>
      offsetOf(parseOffset((await log.head(key(path)))!.tail)!.era, seq);

    /** Everything a view shows, as `seq:text`, over pages of this size. */
    async function read(
      path: string,
      view: View = 'raw',
      limit = all,
      from: Offset | 'start' = 'start',
    ): Promise<string[]> {
      const got: string[] = [];
      for (let next = from; ; ) {
        const page = await log.read(key(path), next, limit, view);
        got.push(...page.messages.map((message) => `${message.seq}:${text(message.bytes)}`));
        if (page.upToDate) return got;
        expect(page.next > next || next === 'start').toBe(true);
        ({ next } = page);
      }
    }
    async function follow(path: string, view: View, from: Offset | 'start' | 'now' = 'start'): Promise<Heard> {
      const heard = new Heard();
      await log.tail(key(path), from, heard, view);
      return heard;
    }
    /** Frames a new consumer is given from the beginning on, up to the one with this text. */
    async function consumed(consumer: string, prefix: string, last: string): Promise<string[]> {
      const got: string[] = [];
      using _ = log.consume(consumer, prefix, (_tx, batch: readonly Committed[]) => {
        got.push(...batch.flatMap(({ messages }) => messages.map(text)));
        return Promise.resolve();
      });
      await until(async () => {
        await clock.advance(10);
        return got.includes(last);
      });
      return got;
    }
    /** Lets time pass, in steps, until it holds. */
    const passUntil = (holds: () => boolean | Promise<boolean>, stepMs = 1000): Promise<void> =>
      until(
        async () => {
          if (await holds()) return true;
          await clock.advance(stepMs);
          for (let i = 0; i < 5; i++) await turn();
          return holds();
        },
        { everyMs: 1 },
      );
    const flushed = (): Promise<void> =>
      passUntil(async () => {
        const { flushedTo, tip } = await log.barrier();
        return flushedTo === tip;
      }, 50);
    async function reopen(): Promise<void> {
      await flushed();
      await log[Symbol.asyncDispose]();
      log = createLog(options);
      await log.start();
    }

    /** Tokens at 2 to 5, told again at 7, with others before, between and behind. */
    async function answer(path: string): Promise<void> {
      await make(path);
      await append(path, 'question');
      for (const token of ['An', ' answer', ' in', ' pieces']) await append(path, token);
      await append(path, 'aside', 'An answer in pieces', 'thanks');
    }
    const whole = [
      '1:question',
      '2:An',
      '3: answer',
      '4: in',
      '5: pieces',
      '6:aside',
      '7:An answer in pieces',
      '8:thanks',
    ];
    const compacted = ['1:question', '6:aside', '7:An answer in pieces', '8:thanks'];

    describe('supersede', () => {
      test('the compact view leaves the range out at once, for reads, replays and live; the raw one keeps it', async () => {
        await answer('s');
        const live = { raw: await follow('s', 'raw'), compact: await follow('s', 'compact') };
        await until(() => live.raw.got.length === 8 && live.compact.got.length === 8);
        await log.supersede(key('s'), { from: 2, to: 5, by: 7 });
        expect(await read('s')).toEqual(whole);
        expect(await read('s', 'compact')).toEqual(compacted);
        const replayed = await follow('s', 'compact');
        await append('s', 'live');
        await until(() => [replayed, live.raw, live.compact].every(({ got }) => got.at(-1) === 'live'));
        expect(replayed.got).toEqual([...compacted.map((entry) => entry.slice(2)), 'live']);
        expect(live.raw.got.length).toBe(9);
        expect(replayed.gaps).toEqual([]);
      });

      test('next covers what was left out, from every position, at every page size, through a filter as well', async () => {
        await answer('p');
        await log.supersede(key('p'), { from: 2, to: 5, by: 7 });
        for (const messages of [1, 2, 3, 1000]) {
          expect(await read('p', 'compact', { bytes: 1024, messages })).toEqual(compacted);
          for (let from = 1; from <= 8; from++) {
            const due = compacted.filter((entry) => Number.parseInt(entry, 10) > from);
            expect(await read('p', 'compact', { bytes: 1024, messages }, await at('p', from)), `from ${from}`).toEqual(
              due,
            );
          }
        }
        const page = await log.read(key('p'), await at('p', 1), { bytes: 1024, messages: 1 }, 'compact');
        expect(page.messages.map(({ seq }) => seq)).toEqual([6]);
        expect(parseOffset(page.next)!.seq).toBe(6);
        const odd = { name: 'odd', keep: ({ seq }: { seq: number }) => seq % 2 === 1 };
        expect(await read('p', odd)).toEqual(['1:question', '3: answer', '5: pieces', '7:An answer in pieces']);
      });

      test('said in the turn of its messages, a compact follower never sees them', async () => {
        await make('t');
        const compact = await follow('t', 'compact', 'now');
        const raw = await follow('t', 'raw', 'now');
        await until(() => true);
        await turn();
        await Promise.all([
          append('t', 'a', 'b'),
          append('t', 'ab'),
          log.supersede(key('t'), { from: 1, to: 2, by: 3 }),
        ]);
        await append('t', 'end');
        await until(() => compact.got.includes('end') && raw.got.includes('end'));
        expect(compact.got).toEqual(['ab', 'end']);
        expect(raw.got).toEqual(['a', 'b', 'ab', 'end']);
      });

      test('in every form the range is left out', async () => {
        await make('f', 'application/json');
        await append('f', '1', '2', '3');
        await log.supersede(key('f'), { from: 1, to: 2, by: 3 });
        for (const form of ['sse', 'socket', 'raw'] as const) {
          const heard = new Heard(form);
          await log.tail(key('f'), 'start', heard, 'compact');
          await until(() => heard.got.length > 0);
          const said = heard.got.join('');
          const next = (await log.head(key('f')))!.tail;
          if (form === 'raw') expect(said).toBe('3');
          if (form === 'sse') {
            expect(said).toContain('event: data\ndata:[3]\n\nevent: control\n');
            expect(said).toContain(`id: ${next}\n`);
            expect(said.split('event: data').length).toBe(2);
          }
          if (form === 'socket') expect(said).toContain(`"from":"${await at('f', 0)}","to":"${next}","records":[3]}`);
        }
      });

      test('said again is the same; cutting into another, backwards, beyond the tail is refused', async () => {
        await answer('r');
        const say = (from: number, to: number, by: number): Promise<string> =>
          reasonOf(log.supersede(key('r'), { from, to, by }));
        const both = await Promise.all([say(2, 5, 7), say(2, 5, 7), say(3, 6, 7)]);
        expect(both).toEqual(['nothing thrown', 'nothing thrown', 'conflict superseded_overlaps']);
        expect(await say(3, 4, 7)).toBe('nothing thrown');
        expect(await say(1, 2, 7)).toBe('conflict superseded_overlaps');
        expect(await say(1, 6, 7)).toBe('conflict superseded_overlaps');
        expect(await say(6, 6, 6)).toBe('invalid range_malformed');
        expect(await say(0, 1, 7)).toBe('invalid range_malformed');
        expect(await say(6, 5, 7)).toBe('invalid range_malformed');
        expect(await say(6, 6, 9)).toBe('invalid seq_beyond_tail');
        expect(await say(6, 6, 7)).toBe('nothing thrown');
        expect(await reasonOf(log.supersede(key('none'), { from: 1, to: 2, by: 3 }))).toBe('notFound stream_unknown');
        expect(await read('r', 'compact')).toEqual(['1:question', '7:An answer in pieces', '8:thanks']);
        expect((await log.head(key('r')))!.revision).toBe(2);
      });

      test('as many ranges as a stream may have, and not one more', async () => {
        await log[Symbol.asyncDispose]();
        options = await maker.options({ clock, limits: { supersededRangesMax: 3 } });
        log = createLog(options);
        await log.start();
        await make('m');
        await append('m', ...Array.from({ length: 20 }, (_, i) => String(i + 1)));
        for (let n = 0; n < 3; n++) await log.supersede(key('m'), { from: 4 * n + 1, to: 4 * n + 3, by: 4 * n + 4 });
        expect(await reasonOf(log.supersede(key('m'), { from: 13, to: 14, by: 15 }))).toBe('exhausted superseded_max');
        expect(await read('m', 'compact')).toHaveLength(11);
      });

      test('after the time it is kept every view passes over it, which is no gap; numbers and sizes say so', async () => {
        await answer('d');
        await log.supersede(key('d'), { from: 2, to: 5, by: 7 });
        const before = (await log.head(key('d')))!;
        const inside = await at('d', 3);
        await clock.advance(keptMs - 60_000);
        await flushed();
        expect(await read('d')).toEqual(whole);
        await passUntil(async () => (await log.head(key('d')))!.messages === 4, 20_000);
        const after = (await log.head(key('d')))!;
        expect(after).toMatchObject({ messages: 4, tail: before.tail, first: before.first });
        expect(before.bytes - after.bytes).toBe('An answer in pieces'.length);
        expect(after.revision).toBeGreaterThan(before.revision);
        for (const view of ['raw', 'compact'] as const) {
          expect(await read('d', view)).toEqual(compacted);
          expect(await read('d', view, all, inside)).toEqual(compacted.slice(1));
          const heard = await follow('d', view, inside);
          await until(() => heard.got.length === 3);
          expect(heard.gaps).toEqual([]);
        }
        await append('d', 'on');
        expect((await read('d')).at(-1)).toBe('9:on');
        // Also when rows and files have let go of it.
        await passUntil(() => true, 200_000);
        await flushed();
        await clock.advance(200_000);
        expect(await read('d')).toEqual([...compacted, '9:on']);
        const listed = await log.list('prj_a', 'd', { limit: 10 });
        expect(listed.items[0]).toMatchObject({ messages: 5, bytes: after.bytes + 2 });
      });

      test('a dropped range and retention: what is trimmed is counted once, only what is shown', async () => {
        await make('k');
        await append('k', 'a', 'bb', 'ccc', 'dddd');
        await append('k', 'bbccc', 'e');
        await log.supersede(key('k'), { from: 2, to: 3, by: 5 });
        await clock.advance(keptMs);
        await flushed();
        await passUntil(async () => (await log.head(key('k')))!.messages === 4, 20_000);
        expect((await log.head(key('k')))!.bytes).toBe(1 + 4 + 5 + 1);
        await log.configure(key('k'), { retention: { maxBytes: 6 } });
        await passUntil(async () => (await log.head(key('k')))!.bytes <= 6);
        expect(await log.head(key('k'))).toMatchObject({ messages: 2, bytes: 6 });
        expect(await read('k')).toEqual(['5:bbccc', '6:e']);
      });

      test('a trim that ends inside an append, behind a dropped range: the rest of that append is counted once', async () => {
        await make('h');
        await append('h', 'aaaa', 'bbbb', 'cc', 'abc');
        await append('h', 'e', 'f', 'g');
        await log.supersede(key('h'), { from: 1, to: 2, by: 4 });
        await clock.advance(keptMs);
        await flushed();
        await passUntil(async () => (await log.head(key('h')))!.messages === 5, 20_000);
        await log.configure(key('h'), { retention: { maxMessages: 5 } });
        await passUntil(async () => parseOffset((await log.head(key('h')))!.first)!.seq === 2);
        // What was told again is forgotten by the next range; nothing of it may be counted once more.
        await log.supersede(key('h'), { from: 5, to: 5, by: 7 });
        await log.configure(key('h'), { retention: { maxMessages: 3 } });
        await passUntil(async () => (await log.head(key('h')))!.messages === 3);
        expect((await log.head(key('h')))!.bytes).toBe(3);
      });

      test('a closed stream can still be compacted, and a removed one cannot', async () => {
        await make('c');
        await append('c', 'x', 'y');
        await log.append({ key: key('c'), messages: [bytes('xy')], close: true });
        await log.supersede(key('c'), { from: 1, to: 2, by: 3 });
        const page = await log.read(key('c'), 'start', all, 'compact');
        expect(page).toMatchObject({ closed: true, upToDate: true });
        expect(page.messages.map(({ seq }) => seq)).toEqual([3]);
        await log.remove(key('c'), 'deleted');
        expect(await reasonOf(log.supersede(key('c'), { from: 1, to: 2, by: 3 }))).toBe('notFound stream_unknown');
        expect(await reasonOf(log.erase(key('c'), [{ seq: 1, instead: bytes('') }]))).toBe('notFound stream_unknown');
      });
    });

    describe('erase', () => {
      test('other bytes in the same place, at once, for every kind of reader; position and time stay', async () => {
        await make('e');
        await append('e', 'one');
        await append('e', 'two', 'SECRET', 'four');
        await append('e', 'LEAKED');
        const before = await log.read(key('e'), 'start', all);
        const head = (await log.head(key('e')))!;
        await log.erase(key('e'), [
          { seq: 5, instead: bytes('') },
          { seq: 3, instead: bytes('(erased)') },
        ]);
        const shown = ['1:one', '2:two', '3:(erased)', '4:four', '5:'];
        expect(await read('e')).toEqual(shown);
        expect(await read('e', 'compact')).toEqual(shown);
        expect(await read('e', 'raw', { bytes: 1, messages: 1 })).toEqual(shown);
        const after = await log.read(key('e'), 'start', all);
        expect(after.messages.map(({ seq, at: ms }) => [seq, ms])).toEqual(
          before.messages.map(({ seq, at: ms }) => [seq, ms]),
        );
        expect(after.next).toBe(before.next);
        expect(await log.head(key('e'))).toMatchObject({
          messages: 5,
          bytes: head.bytes + 2 - 6,
          revision: head.revision + 1,
        });
        const heard = await follow('e', 'raw');
        await until(() => heard.got.length === 5);
        expect(heard.got).toEqual(['one', 'two', '(erased)', 'four', '']);
        expect(await consumed('hot', 'e', 'four')).toEqual(['one', 'two', '(erased)', 'four', '']);
        // Rows and files follow, and show the same.
        await flushed();
        for (let i = 0; i < 20; i++) await clock.advance(20_000);
        expect(await read('e')).toEqual(shown);
        expect(await consumed('cold', 'e', 'four')).toEqual(['one', 'two', '(erased)', 'four', '']);
        await log.erase(key('e'), [{ seq: 3, instead: bytes('gone') }]);
        expect(await read('e')).toEqual(['1:one', '2:two', '3:gone', '4:four', '5:']);
        expect((await log.head(key('e')))!.bytes).toBe('onetwogonefour'.length);
      });

      test('in the turn of its message, a live follower gets what was put in its place', async () => {
        await make('l');
        const heard = await follow('l', 'raw', 'now');
        await turn();
        await append('l', 'SECRET');
        await log.erase(key('l'), [{ seq: 1, instead: bytes('-') }]);
        const late = await follow('l', 'raw');
        await append('l', 'end');
        await until(() => heard.got.includes('end') && late.got.includes('end'));
        expect(late.got).toEqual(['-', 'end']);
      });

      test('every frame form: json, sse, socket', async () => {
        await make('j', 'application/json');
        await append('j', '{"ssn":1}', '2');
        await log.erase(key('j'), [{ seq: 1, instead: bytes('null') }]);
        for (const form of ['sse', 'socket'] as const) {
          const heard = new Heard(form);
          await log.tail(key('j'), 'start', heard satisfies Sink);
          await until(() => heard.got.length > 0);
          expect(heard.got.join('')).toContain('[null,2]');
          expect(heard.got.join('')).not.toContain('ssn');
        }
      });

      test('refused: beyond the tail, twice the same, not a position, too much', async () => {
        await make('x');
        await append('x', 'a', 'b');
        const erase = (...seqs: number[]): Promise<string> =>
          reasonOf(
            log.erase(
              key('x'),
              seqs.map((seq) => ({ seq, instead: bytes('') })),
            ),
          );
        expect(await erase(3)).toBe('invalid seq_beyond_tail');
        expect(await erase(1, 1)).toBe('invalid seq_malformed');
        expect(await erase(0)).toBe('invalid seq_malformed');
        expect(await erase(1.5)).toBe('invalid seq_malformed');
        expect(await erase()).toBe('nothing thrown');
        expect(await reasonOf(log.erase(key('x'), [{ seq: 1, instead: Buffer.alloc(9 * 1024 * 1024) }]))).toBe(
          'invalid body_too_large',
        );
        expect(await read('x')).toEqual(['1:a', '2:b']);
      });

      test('more than may wait for the files is refused with a time to come back', async () => {
        await log[Symbol.asyncDispose]();
        options = await maker.options({ clock, limits: { erasingMax: 2 } });
        log = createLog(options);
        await log.start();
        await make('b');
        await append('b', 'a', 'b', 'c');
        const erase = (seq: number): Promise<unknown> => log.erase(key('b'), [{ seq, instead: bytes('') }]);
        await Promise.all([erase(1), erase(2)]);
        expect(await reasonOf(erase(3))).toBe('exhausted erasing_max');
        expect(await read('b')).toEqual(['1:', '2:', '3:c']);
      });

      test('of a trimmed or a dropped message nothing is shown, and erasing it is no error', async () => {
        await make('g');
        await append('g', 'a');
        await append('g', 'b');
        await append('g', 'c', 'd', 'cd');
        await log.supersede(key('g'), { from: 3, to: 4, by: 5 });
        await clock.advance(keptMs);
        await flushed();
        await passUntil(async () => (await log.head(key('g')))!.messages === 3, 20_000);
        await log.configure(key('g'), { retention: { maxMessages: 4 } });
        await passUntil(async () => (await log.head(key('g')))!.messages === 2);
        const { bytes: size } = (await log.head(key('g')))!;
        await log.erase(key('g'), [
          { seq: 1, instead: bytes('xxx') },
          { seq: 3, instead: bytes('yyy') },
        ]);
        expect((await log.head(key('g')))!.bytes).toBe(size);
        expect(await read('g')).toEqual(['2:b', '5:cd']);
      });

      test('an inherited message is erased where it stands, for the source and every fork', async () => {
        await make('src');
        await append('src', 'a', 'SECRET', 'c');
        await log.create({ key: key('f1'), fork: { from: key('src') } });
        await append('f1', 'own');
        await log.create({ key: key('f2'), fork: { from: key('f1') } });
        await log.remove(key('src'), 'deleted');
        await log.erase(key('f2'), [
          { seq: 2, instead: bytes('-') },
          { seq: 4, instead: bytes('+') },
        ]);
        expect(await read('f1')).toEqual(['1:a', '2:-', '3:c', '4:+']);
        expect(await read('f2')).toEqual(['1:a', '2:-', '3:c', '4:+']);
        expect(await reasonOf(log.supersede(key('f2'), { from: 1, to: 2, by: 3 }))).toBe('conflict message_inherited');
      });
    });

    describe('consumers and gauges', () => {
      test('frames a consumer does not want cost it nothing, and it goes on behind them', async () => {
        for (const path of ['w/a', 'w/b']) await make(path);
        const batches: string[][] = [];
        using _ = log.consume(
          'picky',
          'w/',
          (_tx, batch: readonly Committed[]) => {
            batches.push(batch.map(({ key: { path }, messages }) => `${path} ${text(messages[0] as Uint8Array)}`));
            return Promise.resolve();
          },
          ({ path }) => path === 'w/b',
        );
        for (let i = 0; i < 20; i++) await append('w/a', `${i}`);
        await append('w/b', 'x');
        for (let i = 0; i < 20; i++) await append('w/a', `${i}`);
        await append('w/b', 'y');
        await until(() => batches.flat().length === 2);
        expect(batches.flat()).toEqual(['w/b x', 'w/b y']);
        expect(batches.every((batch) => batch.length > 0)).toBe(true);
        await until(() => log.gauges().consumers[0]?.lagBytes === 0);
      });

      test('gauges: heads, followers by form and mode, how far behind a consumer is, files', async () => {
        await make('g1');
        await make('g2');
        const live = await follow('g1', 'raw');
        const slow = new Heard('sse');
        await log.tail(key('g1'), 'start', slow);
        await append('g1', 'x');
        await until(() => live.got.length === 1);
        expect(log.gauges()).toMatchObject({
          heads: 2,
          followers: 2,
          pendingBytes: 0,
          segments: { open: 1, sealed: 0 },
        });
        await until(() => log.gauges().followersBy.every(({ mode }) => mode === 'live'));
        expect(log.gauges().followersBy).toEqual(
          expect.arrayContaining([
            { form: 'raw', mode: 'live', count: 1 },
            { form: 'sse', mode: 'live', count: 1 },
          ]),
        );
        let failing = true;
        using _ = log.consume('late', '', () => (failing ? Promise.reject(new Error('not now')) : Promise.resolve()));
        await append('g2', 'y');
        await until(() => (log.gauges().consumers[0]?.lagBytes ?? 0) > 0);
        await clock.advance(20_000);
        expect(log.gauges().consumers[0]).toMatchObject({ name: 'late' });
        expect(log.gauges().consumers[0]?.lagMs).toBeGreaterThanOrEqual(20_000);
        failing = false;
        await passUntil(() => log.gauges().consumers[0]?.lagBytes === 0);
        expect(log.gauges().consumers).toEqual([{ name: 'late', lagBytes: 0, lagMs: 0 }]);
        await flushed();
        await passUntil(() => log.gauges().dirtyHeads === 0, 50);
      });
    });

    describe('a fork and superseded ranges', () => {
      test('what the fork can tell again is left out of its compact view, the rest is kept for it', async () => {
        await answer('o');
        await log.supersede(key('o'), { from: 2, to: 5, by: 7 });
        await log.create({ key: key('o/all'), fork: { from: key('o') } });
        await log.create({ key: key('o/cut'), fork: { from: key('o'), at: await at('o', 4) } });
        expect(await read('o/all', 'compact')).toEqual(compacted);
        expect(await read('o/cut', 'compact')).toEqual(whole.slice(0, 4));
        await clock.advance(keptMs);
        await flushed();
        await passUntil(async () => (await log.head(key('o')))!.messages === 4, 20_000);
        for (let i = 0; i < 10; i++) await clock.advance(61_000);
        expect(await read('o')).toEqual(compacted);
        expect(await read('o/cut')).toEqual(whole.slice(0, 4));
        await log.create({ key: key('o/late'), fork: { from: key('o') } });
        expect(await read('o/late')).toEqual(compacted);
      });
    });

    if (!maker.keeps) return;
    test('a restart changes nothing of what is shown', async () => {
      await answer('w');
      await answer('v');
      await log.supersede(key('w'), { from: 2, to: 5, by: 7 });
      await log.erase(key('w'), [{ seq: 1, instead: bytes('?') }]);
      const shown = ['1:?', ...compacted.slice(1)];
      const heads = async (): Promise<unknown> => [await log.head(key('w')), await log.head(key('v'))];
      const before = await heads();
      // With frames that are in the log alone, then with rows.
      await log[Symbol.asyncDispose]();
      log = createLog(options);
      await log.start();
      expect(await heads()).toEqual(before);
      expect(await read('w', 'compact')).toEqual(shown);
      await reopen();
      expect(await heads()).toEqual(before);
      expect(await read('w', 'compact')).toEqual(shown);
      await clock.advance(keptMs);
      await passUntil(async () => (await log.head(key('w')))!.messages === 4, 20_000);
      const dropped = await heads();
      await reopen();
      expect(await heads()).toEqual(dropped);
      expect(await read('w')).toEqual(shown);
      await passUntil(() => true, 61_000);
      await clock.advance(200_000);
      await reopen();
      expect(await read('w')).toEqual(shown);
      expect(await heads()).toEqual(dropped);
    });
  });
}
