/**
 * What every driver of the log must do (design of kernel/log, section 13). A driver's test file calls `logContract` with
 * a maker; a case that cannot apply to it is skipped by name with the reason.
 */
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { arm, type Clock, FakeClock, MusterError } from '#kernel/base';
import {
  type Appended,
  type Committed,
  createLog,
  type Gap,
  type Log,
  type LogLimits,
  type LogOptions,
  type Offset,
  offsetOf,
  parseOffset,
  type Sink,
  type StreamKey,
} from '#kernel/log';
import { until } from '#test/until';

export type LogMaker = {
  /** Options for a log with nothing in it. */
  options(more: { clock?: Clock; limits?: Partial<LogLimits> }): Promise<LogOptions>;
  /** Whether a log made again with the same options holds what the one before held. */
  keeps: boolean;
  /** Effects of consumers that were committed, for drivers with a database. */
  dispose?(): Promise<void>;
};

export const key = (path: string, projectId = 'prj_a'): StreamKey => ({ projectId, path });
export const bytes = (text: string): Uint8Array => Buffer.from(text);
export const texts = (messages: readonly { bytes: Uint8Array }[]): string[] =>
  messages.map((message) => Buffer.from(message.bytes).toString());
export const all = { bytes: 1024 * 1024, messages: 1000 };
const plain = 'text/plain';

/** A sink that keeps what it gets; `room` is what its socket pretends to have waiting. */
export class Heard implements Sink {
  readonly form: Sink['form'];
  readonly got: string[] = [];
  readonly gaps: Gap[] = [];
  ended: string | undefined;
  waiting = 0;
  onGap: 'stop' | 'continue' = 'continue';

  constructor(form: Sink['form'] = 'raw') {
    this.form = form;
  }

  write(shared: readonly Uint8Array[]): number {
    for (const part of shared) this.got.push(Buffer.from(part).toString());
    return this.waiting;
  }

  gap(gap: Gap): 'stop' | 'continue' {
    this.gaps.push(gap);
    return this.onGap;
  }

  end(why: string): void {
    this.ended = why;
  }
}

export async function readAll(log: Log, of: StreamKey, from: Offset | 'start' = 'start'): Promise<string[]> {
  const got: string[] = [];
  for (let at: Offset | 'start' = from; ; ) {
    const page = await log.read(of, at, all);
    got.push(...texts(page.messages));
    if (page.upToDate) return got;
    at = page.next;
  }
}

export const reasonOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
    return 'nothing thrown';
  } catch (error) {
    if (error instanceof MusterError) return `${error.code} ${error.reason}`;
    throw error;
  }
};

/** Nothing becomes durable until this is disposed of. */
export function holdWrites(): Disposable {
  const gate = Promise.withResolvers<void>();
  const armed = arm('log.beforeWrite', () => gate.promise);
  return {
    [Symbol.dispose]: () => {
      armed[Symbol.dispose]();
      gate.resolve();
    },
  };
}

export function logContract(name: string, maker: LogMaker, { skip }: { skip: Readonly<Record<string, string>> }): void {
  const it = (title: string, run: () => Promise<void>): void => {
    const reason = skip[title];
    if (reason !== undefined) test.skip(`${title} (${reason})`, run);
    else test(title, run);
  };

  describe(`log contract: ${name}`, () => {
    let log: Log;
    let options: LogOptions;
    const fatal: Error[] = [];

    async function open(more: { clock?: Clock; limits?: Partial<LogLimits> } = {}): Promise<void> {
      if (log) await log[Symbol.asyncDispose]();
      options = await maker.options(more);
      options.fatal = (error) => fatal.push(error);
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
    const make = (path: string, contentType = plain): Promise<unknown> => log.create({ key: key(path), contentType });

    beforeEach(async () => {
      fatal.length = 0;
      await open();
    });
    afterEach(async () => {
      await log[Symbol.asyncDispose]();
      expect(fatal).toEqual([]);
    });

    describe('order', () => {
      it('64 writers: positions go up by one, in the order of acknowledgement', async () => {
        await make('w');
        const seqs: number[] = [];
        await Promise.all(
          Array.from({ length: 64 }, async (_, writer) => {
            for (let i = 0; i < 20; i++) seqs.push((await append('w', `${writer}:${i}`)).firstSeq);
          }),
        );
        expect(seqs).toEqual(Array.from({ length: 1280 }, (_, i) => i + 1));
        const page = await log.read(key('w'), 'start', all);
        expect(page.messages.map(({ seq }) => seq)).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
        expect(page.upToDate).toBe(false);
        const got = await readAll(log, key('w'));
        for (let writer = 0; writer < 64; writer++) {
          expect(got.filter((text) => text.startsWith(`${writer}:`))).toEqual(
            Array.from({ length: 20 }, (_, i) => `${writer}:${i}`),
          );
        }
      });

      it('a batch of messages is one append, whole and in order', async () => {
        await make('b');
        const first = await append('b', 'a', '', 'ccc');
        expect(first).toMatchObject({ outcome: 'stored', firstSeq: 1, lastSeq: 3, closed: false });
        expect((await append('b', 'd')).firstSeq).toBe(4);
        expect(await readAll(log, key('b'))).toEqual(['a', '', 'ccc', 'd']);
        const middle = await log.read(key('b'), offsetOf(parseOffset(first.next)!.era, 1), { bytes: 10, messages: 1 });
        expect(texts(middle.messages)).toEqual(['']);
      });

      it('large and tiny messages come back byte for byte', async () => {
        await make('big', 'application/octet-stream');
        const parts = [0, 1, 7, 8, 9, 511, 512, 513, 70_000, 600_000].map((size) => Buffer.alloc(size, size % 251));
        for (const part of parts) await log.append({ key: key('big'), messages: [part] });
        const got: Uint8Array[] = [];
        for (let at: Offset | 'start' = 'start'; ; ) {
          const page = await log.read(key('big'), at, all);
          got.push(...page.messages.map((message) => message.bytes));
          if (page.upToDate) break;
          at = page.next;
        }
        expect(got.map((part) => Buffer.compare(part, parts[got.indexOf(part)]!))).toEqual(parts.map(() => 0));
      });
    });

    describe('nothing before its commit', () => {
      it('held back: not read, not tailed, not in the head, not watched, no duplicate, no refusal', async () => {
        await make('g');
        await append('g', 'before');
        const heard = new Heard();
        using _tail = await log.tail(key('g'), 'now', heard);
        let moved = 0;
        using _watch = log.watch(
          () => true,
          () => void moved++,
        );
        using gate = holdWrites();
        const settled: string[] = [];
        const note = (what: string, promise: Promise<unknown>): Promise<unknown> =>
          promise.then(
            () => settled.push(what),
            () => settled.push(what),
          );
        const producer = { id: 'p', epoch: 0, seq: 0 };
        const waits = [
          note('append', log.append({ key: key('g'), messages: [bytes('held')], producer })),
          note('duplicate', log.append({ key: key('g'), messages: [bytes('held')], producer })),
          note('conflict', log.append({ key: key('g'), messages: [bytes('x')], expectedTail: 1 })),
          note('close', log.append({ key: key('g'), messages: [], close: true })),
          note('closed', log.append({ key: key('g'), messages: [bytes('y')] })),
          note('create', log.create({ key: key('g2'), contentType: plain })),
          note('same', log.create({ key: key('g2'), contentType: plain })),
        ];
        for (let i = 0; i < 20; i++) await turn();
        expect(settled).toEqual([]);
        expect(await readAll(log, key('g'))).toEqual(['before']);
        expect(await log.head(key('g'))).toMatchObject({ messages: 1, closed: false });
        expect(await log.head(key('g2'))).toBeUndefined();
        expect(heard.got).toEqual([]);
        expect(moved).toBe(0);
        gate[Symbol.dispose]();
        await Promise.all(waits);
        expect(settled[0]).toBe('append');
        expect(await readAll(log, key('g'))).toEqual(['before', 'held']);
        await until(() => heard.ended === 'closed');
        expect(heard.got).toEqual(['held']);
        expect(await log.head(key('g'))).toMatchObject({ messages: 2, closed: true });
        expect(moved).toBeGreaterThan(0);
      });

      it('a removal is seen by nobody before it is durable', async () => {
        await make('r');
        await append('r', 'x');
        using gate = holdWrites();
        const removal = log.remove(key('r'), 'deleted');
        const again = log.create({ key: key('r'), contentType: plain });
        const later = log.append({ key: key('r'), messages: [bytes('new')] });
        for (let i = 0; i < 10; i++) await turn();
        expect(await readAll(log, key('r'))).toEqual(['x']);
        gate[Symbol.dispose]();
        expect(await removal).toBe('gone');
        await again;
        expect((await later).firstSeq).toBe(1);
        expect(await readAll(log, key('r'))).toEqual(['new']);
      });
    });

    describe('checks, in the order of the protocol', () => {
      it('unknown stream, empty append, type, close', async () => {
        expect(await reasonOf(append('none', 'x'))).toBe('notFound stream_unknown');
        await make('c');
        expect(await reasonOf(log.append({ key: key('c'), messages: [] }))).toBe('invalid body_empty');
        expect(
          await reasonOf(log.append({ key: key('c'), messages: [bytes('x')], contentType: 'application/json' })),
        ).toBe('conflict content_type_differs');
        await log.append({ key: key('c'), messages: [bytes('x')], contentType: 'Text/Plain; charset=utf-8' });
        expect(await log.append({ key: key('c'), messages: [bytes('last')], close: true })).toMatchObject({
          closed: true,
          lastSeq: 2,
        });
        expect(await reasonOf(append('c', 'y'))).toBe('conflict stream_closed');
        expect(await log.append({ key: key('c'), messages: [], close: true })).toMatchObject({
          outcome: 'duplicate',
          closed: true,
          lastSeq: 2,
        });
        expect(
          await reasonOf(
            log.append({ key: key('c'), messages: [], close: true, producer: { id: 'p', epoch: 0, seq: 0 } }),
          ),
        ).toBe('conflict stream_closed');
        const page = await log.read(key('c'), 'start', all);
        expect(page).toMatchObject({ closed: true, upToDate: true });
        expect(texts(page.messages)).toEqual(['x', 'last']);
      });

      it('expected tail decides between writers, also within one batch', async () => {
        await make('e');
        const outcomes = await Promise.allSettled(
          Array.from({ length: 8 }, (_, i) =>
            log.append({ key: key('e'), messages: [bytes(String(i))], expectedTail: 0 }),
          ),
        );
        expect(outcomes.map(({ status }) => status)).toEqual([
          'fulfilled',
          ...Array.from({ length: 7 }, () => 'rejected'),
        ]);
        expect(await reasonOf(log.append({ key: key('e'), messages: [bytes('z')], expectedTail: 5 }))).toBe(
          'conflict tail_moved',
        );
        expect(await readAll(log, key('e'))).toEqual(['0']);
      });

      it('writer seq is compared byte by byte', async () => {
        await make('ws');
        const write = (writerSeq: string): Promise<Appended> =>
          log.append({ key: key('ws'), messages: [bytes(writerSeq)], writerSeq });
        await write('0009');
        expect(await reasonOf(write('0009'))).toBe('conflict writer_seq');
        expect(await reasonOf(write('0008'))).toBe('conflict writer_seq');
        await write('001');
        await write('é');
        expect(await reasonOf(write('z'))).toBe('conflict writer_seq');
      });

      it('producers: every row of the table', async () => {
        await make('p');
        const send = (epoch: number, seq: number, text = 'm', id = 'one'): Promise<Appended> =>
          log.append({ key: key('p'), messages: [bytes(text)], producer: { id, epoch, seq } });
        expect(await reasonOf(send(0, -1))).toBe('invalid producer_headers');
        expect(await reasonOf(send(0.5, 0))).toBe('invalid producer_headers');
        expect(await reasonOf(send(0, 0, 'm', ''))).toBe('invalid producer_headers');
        expect(await reasonOf(send(0, 0, 'm', 'a\0b'))).toBe('invalid producer_headers');
        expect(await reasonOf(send(3, 1))).toBe('conflict producer_gap');
        expect(await send(3, 0)).toMatchObject({ outcome: 'stored', firstSeq: 1, producer: { epoch: 3, seq: 0 } });
        expect(await send(3, 0, 'other body')).toMatchObject({ outcome: 'duplicate', firstSeq: 1, lastSeq: 1 });
        expect(await send(3, 1)).toMatchObject({ outcome: 'stored', firstSeq: 2 });
        expect(await reasonOf(send(3, 3))).toBe('conflict producer_gap');
        expect(await reasonOf(send(2, 0))).toBe('forbidden producer_fenced');
        expect(await reasonOf(send(4, 1))).toBe('invalid producer_epoch_start');
        expect(await send(4, 0)).toMatchObject({ outcome: 'stored', firstSeq: 3 });
        expect(await reasonOf(send(3, 2))).toBe('forbidden producer_fenced');
        expect(await send(0, 0, 'm', 'two')).toMatchObject({ outcome: 'stored', firstSeq: 4 });
        for (let seq = 1; seq <= 40; seq++) await send(4, seq);
        expect(await send(4, 40)).toMatchObject({ outcome: 'duplicate', lastSeq: 44 });
        expect(await send(4, 10)).toMatchObject({
          outcome: 'duplicate',
          firstSeq: 14,
          lastSeq: 14,
          producer: { epoch: 4, seq: 40 },
        });
        expect(await send(4, 2)).toMatchObject({ outcome: 'duplicate', lastSeq: 44 });
        expect(await log.head(key('p'))).toMatchObject({ messages: 44 });
      });

      it('a close with a producer is remembered like an append', async () => {
        await make('pc');
        const close = (): Promise<Appended> =>
          log.append({
            key: key('pc'),
            messages: [bytes('end')],
            close: true,
            producer: { id: 'p', epoch: 0, seq: 0 },
          });
        expect(await close()).toMatchObject({ outcome: 'stored', closed: true });
        expect(await close()).toMatchObject({ outcome: 'duplicate', closed: true, lastSeq: 1 });
      });

      it('what cannot be stored is refused: too large, too many, malformed names', async () => {
        await make('lim');
        expect(await reasonOf(log.append({ key: key('lim'), messages: [Buffer.alloc(8 * 1024 * 1024 + 1)] }))).toBe(
          'invalid body_too_large',
        );
        expect(
          await reasonOf(log.append({ key: key('lim'), messages: Array.from({ length: 10_001 }, () => bytes('x')) })),
        ).toBe('invalid body_too_large');
        for (const path of [
          '',
          '/a',
          'a/',
          'a//b',
          'a/../b',
          'a\0b',
          'a\nb',
          'x'.repeat(513),
          Array.from({ length: 17 }, () => 'a').join('/'),
          '\ud800',
        ]) {
          expect(await reasonOf(log.create({ key: key(path), contentType: plain }))).toBe('invalid path_malformed');
        }
        expect(await reasonOf(log.create({ key: key('ct'), contentType: '' }))).toBe('invalid content_type_malformed');
        expect(await reasonOf(log.read(key('lim'), 'nonsense', all))).toBe('invalid offset_malformed');
        const { tail } = (await log.head(key('lim')))!;
        expect(await reasonOf(log.read(key('lim'), offsetOf(parseOffset(tail)!.era, 5), all))).toBe(
          'invalid offset_beyond_tail',
        );
      });
    });

    describe('creation and removal', () => {
      it('created once; the same again is the same, another configuration is refused', async () => {
        const created = await log.create({
          key: key('s'),
          contentType: 'application/json',
          first: [bytes('1'), bytes('2')],
        });
        expect(created).toMatchObject({ outcome: 'created', head: { messages: 2, bytes: 2, closed: false } });
        expect(
          await log.create({ key: key('s'), contentType: 'application/JSON;x=y', first: [bytes('3')] }),
        ).toMatchObject({ outcome: 'same', head: { messages: 2 } });
        expect(await reasonOf(log.create({ key: key('s'), contentType: plain }))).toBe('conflict stream_differs');
        expect(await reasonOf(log.create({ key: key('s'), contentType: 'application/json', closed: true }))).toBe(
          'conflict stream_differs',
        );
        expect(
          await log.create({ key: key('done'), contentType: plain, first: [bytes('x')], closed: true }),
        ).toMatchObject({ head: { closed: true } });
        expect(await readAll(log, key('s'))).toEqual(['1', '2']);
        const both = await Promise.all([
          log.create({ key: key('race'), contentType: plain }),
          log.create({ key: key('race'), contentType: plain }),
        ]);
        expect(both.map(({ outcome }) => outcome)).toEqual(['created', 'same']);
        expect(await log.head(key('s', 'prj_b'))).toBeUndefined();
      });

      it('a path created again starts empty in a later era; old offsets meet a gap', async () => {
        await make('again');
        const { next } = await append('again', 'one');
        const heard = new Heard();
        await log.tail(key('again'), 'now', heard);
        await log.remove(key('again'), 'deleted');
        expect(heard.ended).toBeUndefined();
        await until(() => heard.ended === 'deleted');
        expect(await log.head(key('again'))).toBeUndefined();
        expect(await reasonOf(log.remove(key('again'), 'deleted'))).toBe('notFound stream_unknown');
        expect(await reasonOf(append('again', 'x'))).toBe('notFound stream_unknown');
        await make('again');
        const second = await append('again', 'two');
        expect(second.firstSeq).toBe(1);
        expect(second.next > next).toBe(true);
        expect(await reasonOf(log.read(key('again'), next, all))).toBe('notFound stream_recreated');
        expect(await readAll(log, key('again'))).toEqual(['two']);
      });

      it('eras grow although the clock goes back', async () => {
        const clock = new FakeClock(2_000_000_000_000);
        await open({ clock });
        const eras: number[] = [];
        for (let i = 0; i < 3; i++) {
          await make('era');
          eras.push(parseOffset((await log.head(key('era')))!.tail)!.era);
          await log.remove(key('era'), 'deleted');
        }
        expect(new Set(eras).size).toBe(3);
        expect(eras).toEqual(eras.toSorted((a, b) => a - b));
      });
    });

    describe('reading', () => {
      it('pages keep their limits, cover everything once, and cut inside an append', async () => {
        await make('pg');
        const sent: string[] = [];
        for (let i = 0; i < 30; i++) {
          const messages = Array.from({ length: 1 + (i % 7) }, (_, j) => `${i}.${j}`.padEnd(1 + ((i * 13) % 40), '.'));
          sent.push(...messages);
          await append('pg', ...messages);
        }
        for (const limit of [
          { bytes: 1, messages: 1000 },
          { bytes: 64, messages: 1000 },
          { bytes: 1_000_000, messages: 5 },
        ]) {
          const got: string[] = [];
          for (let at: Offset | 'start' = 'start'; ; ) {
            const page = await log.read(key('pg'), at, limit);
            expect(page.messages.length).toBeLessThanOrEqual(limit.messages);
            if (page.messages.length > 1)
              expect(page.messages.reduce((sum, m) => sum + m.bytes.length, 0)).toBeLessThanOrEqual(limit.bytes);
            got.push(...texts(page.messages));
            if (page.upToDate) break;
            expect(page.messages.length).toBeGreaterThan(0);
            at = page.next;
          }
          expect(got).toEqual(sent);
        }
        const { tail } = (await log.head(key('pg')))!;
        expect(await log.read(key('pg'), tail, all)).toMatchObject({ messages: [], next: tail, upToDate: true });
        expect(await log.read(key('pg'), 'now', all)).toMatchObject({ messages: [], next: tail, upToDate: true });
        expect((await log.read(key('pg'), '-1', all)).messages.length).toBe(sent.length);
      });

      it('a view leaves out messages and moves on; a long barren stretch gives an empty page that advanced', async () => {
        await open({ limits: { viewScanMessagesMax: 50 } });
        await make('v');
        await append('v', ...Array.from({ length: 120 }, (_, i) => String(i)));
        await append('v', 'yes');
        const view = {
          name: 'yes',
          keep: (message: { bytes: Uint8Array }) => Buffer.from(message.bytes).toString() === 'yes',
        };
        const pages: string[][] = [];
        for (let at: Offset | 'start' = 'start'; ; ) {
          const page = await log.read(key('v'), at, all, view);
          pages.push(texts(page.messages));
          if (page.upToDate) break;
          expect(page.next > at || at === 'start').toBe(true);
          at = page.next;
        }
        expect(pages.flat()).toEqual(['yes']);
        expect(pages.length).toBeGreaterThan(1);
      });

      it('lists a project by path, in pages, without what is gone', async () => {
        for (const path of ['l/a', 'l/b', 'l/b/c', 'l/ä', 'm', 'l/z']) await make(path);
        await log.create({ key: key('l/other', 'prj_b'), contentType: plain });
        await log.remove(key('l/b'), 'deleted');
        const paths: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await log.list('prj_a', 'l/', { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
          paths.push(...page.items.map((head) => head.key.path));
          cursor = page.nextCursor ?? undefined;
        } while (cursor !== undefined);
        expect(paths).toEqual(['l/a', 'l/b/c', 'l/z', 'l/ä']);
      });
    });

    describe('tailing', () => {
      it('replay and live are the same bytes, nothing between, nothing twice, from every offset', async () => {
        await make('t');
        const era = parseOffset((await log.head(key('t')))!.tail)!.era;
        const tails: { from: number; heard: Heard }[] = [];
        const sent: string[] = [];
        for (let i = 0; i < 60; i++) {
          const messages = Array.from({ length: 1 + (i % 3) }, (_, j) => `${i}/${j}`);
          const appended = append('t', ...messages);
          if (i % 2 === 0) await appended;
          sent.push(...messages);
          const from = i % 2 === 0 ? Math.floor(sent.length / 2) : 0;
          const heard = new Heard();
          await log.tail(key('t'), i % 3 === 0 ? 'start' : offsetOf(era, from), heard);
          tails.push({ from: i % 3 === 0 ? 0 : from, heard });
        }
        await log.append({ key: key('t'), messages: [bytes('end')], close: true });
        sent.push('end');
        await until(() => tails.every(({ heard }) => heard.ended === 'closed'));
        for (const { from, heard } of tails) expect(heard.got).toEqual(sent.slice(from));
      });

      it('a follower that cuts over between two commits of one turn gets the second one once', async () => {
        await make('cut');
        const early = new Heard();
        await log.tail(key('cut'), 'start', early);
        const late = new Heard();
        let second: Promise<unknown> | undefined;
        let following: Promise<unknown> | undefined;
        let syncs = 0;
        using _write = arm('log.beforeWrite', () => {
          // The first batch is on its way: this one is the next.
          second ??= append('cut', 'b');
        });
        using _sync = arm('log.afterSync', () => {
          syncs += 1;
          if (syncs === 2) following = log.tail(key('cut'), 'start', late);
        });
        await append('cut', 'a');
        await second;
        await following;
        await until(() => late.got.length >= 2 && early.got.length >= 2);
        await append('cut', 'c');
        await until(() => late.got.length >= 3 && early.got.length >= 3);
        expect(late.got).toEqual(['a', 'b', 'c']);
        expect(early.got).toEqual(['a', 'b', 'c']);
      });

      it('history of many pages, then live', async () => {
        await make('h');
        const sent = Array.from({ length: 5000 }, (_, i) => `${i}`.padEnd(100));
        for (let i = 0; i < sent.length; i += 500) await append('h', ...sent.slice(i, i + 500));
        const heard = new Heard();
        using tail = await log.tail(key('h'), 'start', heard);
        await append('h', 'live');
        await until(() => heard.got.length === 5001);
        expect(heard.got).toEqual([...sent, 'live']);
        expect(tail.mode).toBe('live');
        expect(tail.next).toBe((await log.head(key('h')))!.tail);
      });

      it('a follower that does not read is left alone, resumes at its own cursor, and is ended when stuck', async () => {
        const clock = new FakeClock();
        await open({ clock, limits: { followerBufferBytes: 10 } });
        await make('slow');
        const slow = new Heard();
        const healthy = new Heard();
        const tail = await log.tail(key('slow'), 'start', slow);
        await log.tail(key('slow'), 'start', healthy);
        await until(() => tail.mode === 'live');
        slow.waiting = 11;
        await append('slow', 'a');
        await until(() => slow.got.length === 1);
        for (const text of ['b', 'c', 'd']) await append('slow', text);
        await until(() => healthy.got.length === 4);
        await clock.advance(1000);
        expect(slow.got).toEqual(['a']);
        slow.waiting = 0;
        await clock.advance(300);
        await until(() => slow.got.length === 4);
        expect(slow.got).toEqual(['a', 'b', 'c', 'd']);
        slow.waiting = 11;
        await append('slow', 'e');
        await until(() => slow.got.length === 5);
        await append('slow', 'f');
        slow.waiting = 0;
        tail.drained();
        await until(() => slow.got.length === 6);
        slow.waiting = 11;
        await append('slow', 'g');
        await until(() => slow.got.length === 7);
        await clock.advance(31_000);
        expect(slow.ended).toBe('slow');
        expect(healthy.got.length).toBe(7);
        expect(healthy.ended).toBeUndefined();
      });

      it('a follower that is slow again with every page still gets everything', async () => {
        const clock = new FakeClock();
        await open({ clock, limits: { followerBufferBytes: 10 } });
        await make('choking');
        for (let n = 0; n < 10; n++)
          await append('choking', ...Array.from({ length: 1_000 }, (_, i) => `${n} ${i}`.padEnd(1_000)));
        const choking = new Heard();
        // Full right after each write, empty whenever it is looked at.
        const write = choking.write.bind(choking);
        choking.write = (shared) => (write(shared), shared.length > 0 ? 1_000 : 0);
        await log.tail(key('choking'), 'start', choking);
        for (let n = 0; n < 300 && choking.got.length < 10_000; n++) {
          await clock.advance(300);
          await turn();
        }
        expect(choking.got).toHaveLength(10_000);
      });

      it('a disposed tail, a sink that throws, and a view of its own disturb nobody', async () => {
        await make('d');
        const odd = { name: 'odd', keep: (message: { seq: number }) => message.seq % 2 === 1 };
        const disposed = new Heard();
        const viewed = new Heard();
        const broken = new Heard();
        broken.write = () => {
          throw new Error('socket gone');
        };
        const tail = await log.tail(key('d'), 'start', disposed);
        await log.tail(key('d'), 'start', broken);
        await log.tail(key('d'), 'start', viewed, odd);
        await append('d', '1', '2', '3');
        tail[Symbol.dispose]();
        await append('d', '4', '5');
        await until(() => viewed.got.length === 3);
        expect(viewed.got).toEqual(['1', '3', '5']);
        expect(tail.mode).toBe('ended');
        expect(disposed.got.length).toBeLessThanOrEqual(3);
      });

      it('stopping the log tells every tail to come back', async () => {
        await make('stop');
        const heard = new Heard();
        await log.tail(key('stop'), 'now', heard);
        await log[Symbol.asyncDispose]();
        expect(heard.ended).toBe('draining');
        expect(await reasonOf(append('stop', 'x'))).toBe('unavailable draining');
      });

      it('random appends, tails and cuts agree with a reference', async () => {
        let round = 0;
        await fc.assert(
          fc.asyncProperty(
            fc.array(
              fc.record({ act: fc.constantFrom('append', 'tail', 'cut', 'wait'), n: fc.integer({ min: 1, max: 5 }) }),
              { maxLength: 40 },
            ),
            async (acts) => {
              const of = key(`model/${round++}`);
              await log.create({ key: of, contentType: plain });
              const { era } = parseOffset((await log.head(of))!.tail)!;
              const reference: string[] = [];
              const tails: { from: number; heard: Heard; cut?: true; dispose(): void }[] = [];
              for (const [i, { act, n }] of acts.entries()) {
                if (act === 'append') {
                  const messages = Array.from({ length: n }, (_, j) => `${i}.${j}`);
                  reference.push(...messages);
                  void log.append({ key: of, messages: messages.map(bytes) });
                } else if (act === 'tail') {
                  const seen = parseOffset((await log.head(of))!.tail)!.seq;
                  const from = Math.floor(seen / n);
                  const heard = new Heard();
                  const tail = await log.tail(of, offsetOf(era, from), heard);
                  tails.push({ from, heard, dispose: () => tail[Symbol.dispose]() });
                } else if (act === 'cut') {
                  const open = tails.find((tail) => !tail.cut);
                  if (open) {
                    open.cut = true;
                    open.dispose();
                  }
                } else for (let t = 0; t < n; t++) await turn();
              }
              await log.append({ key: of, messages: [], close: true });
              await until(() => tails.every(({ heard, cut }) => cut ?? heard.ended === 'closed'));
              expect(await readAll(log, of)).toEqual(reference);
              for (const { from, heard, cut } of tails) {
                const due = reference.slice(from);
                expect(heard.got).toEqual(cut ? due.slice(0, heard.got.length) : due);
              }
            },
          ),
          { numRuns: 60 },
        );
      });

      it('sse and socket forms: one encoding for all followers of a form', async () => {
        await make('f', 'application/json');
        const seen: Uint8Array[] = [];
        const sink = (form: Sink['form'], keep: boolean): Sink => ({
          form,
          write(shared) {
            if (keep) seen.push(...shared);
            return 0;
          },
          gap: () => 'stop',
          end: () => undefined,
        });
        for (const form of ['sse', 'sse', 'socket', 'socket'] as const)
          await log.tail(key('f'), 'now', sink(form, true));
        await turn();
        seen.length = 0;
        await append('f', '{"n":1}', '{"n":2}');
        await until(() => seen.length === 4);
        expect(seen[0]).toBe(seen[1]);
        expect(seen[2]).toBe(seen[3]);
        const { tail } = (await log.head(key('f')))!;
        expect(Buffer.from(seen[0]!).toString()).toMatch(
          new RegExp(
            `^event: data\\ndata:\\[\\{"n":1\\},\\{"n":2\\}\\]\\n\\nevent: control\\ndata:\\{"streamNextOffset":"${tail}","streamCursor":"\\d+","upToDate":true\\}\\nid: ${tail}\\n\\n$`,
          ),
        );
        const frame = Buffer.from(seen[2]!);
        expect(frame[0]).toBe(0x81);
        const body = JSON.parse(frame.subarray(frame[1] === 126 ? 4 : 2).toString()) as Record<string, unknown>;
        expect(body).toMatchObject({ t: 'batch', sub: 'f', phase: 'live', to: tail, records: [{ n: 1 }, { n: 2 }] });
      });
    });

    describe('retention', () => {
      it('by number and size: whole appends go, readers below meet a gap, positions stay', async () => {
        await make('keep');
        const { next } = await append('keep', '1', '2');
        const heard = new Heard();
        heard.waiting = Number.MAX_SAFE_INTEGER;
        await log.tail(key('keep'), 'start', heard);
        for (let i = 3; i <= 40; i++) await append('keep', String(i));
        await log.configure(key('keep'), { retention: { maxMessages: 10 } });
        await until(async () => (await log.head(key('keep')))!.messages === 10);
        const head = (await log.head(key('keep')))!;
        expect(parseOffset(head.first)!.seq).toBe(30);
        expect(head.bytes).toBe(20);
        expect(await readAll(log, key('keep'))).toEqual(Array.from({ length: 10 }, (_, i) => String(31 + i)));
        expect(await reasonOf(log.read(key('keep'), next, all))).toBe('notFound offset_trimmed');
        expect(texts((await log.read(key('keep'), head.first, all)).messages)[0]).toBe('31');
        const late = new Heard();
        await log.tail(key('keep'), next, late);
        await until(() => late.got.length === 10);
        expect(late.gaps).toMatchObject([{ from: next, earliest: head.first, lost: 28, reason: 'trimmed' }]);
        await log.configure(key('keep'), { retention: { maxBytes: 6 } });
        await until(async () => (await log.head(key('keep')))!.bytes === 6);
        expect(await readAll(log, key('keep'))).toEqual(['38', '39', '40']);
      });

      it('by age, in the sweep', async () => {
        const clock = new FakeClock();
        await open({ clock });
        await log.create({ key: key('old'), contentType: plain, retention: { maxAgeMs: 60_000 } });
        await append('old', 'a');
        await append('old', 'b');
        await clock.advance(50_000);
        await append('old', 'c');
        await clock.advance(75_000);
        await until(async () => {
          await clock.advance(1000);
          return (await log.head(key('old')))!.messages === 1;
        });
        expect(await readAll(log, key('old'))).toEqual(['c']);
        expect(await reasonOf(log.configure(key('old'), { retention: { maxBytes: -1 } }))).toBe(
          'invalid retention_malformed',
        );
      });
    });

    describe('watching and consuming', () => {
      it('a watcher is told once per turn about streams that match', async () => {
        const moved: string[] = [];
        using watching = log.watch(
          ({ path }) => path.startsWith('x/'),
          (head) => void moved.push(`${head.key.path}@${head.messages}`),
        );
        await Promise.all([make('x/a'), make('y/a')]);
        await Promise.all([append('x/a', '1'), append('x/a', '2'), append('y/a', '1')]);
        await until(() => moved.includes('x/a@2'));
        expect(moved.every((entry) => entry.startsWith('x/'))).toBe(true);
        watching[Symbol.dispose]();
        const before = moved.length;
        await append('x/a', '3');
        await turn();
        await turn();
        expect(moved.length).toBe(before);
      });

      it('a consumer gets its prefix in log order, everything from the beginning, batches of at most 256', async () => {
        for (const path of ['c/1', 'c/2', 'other']) await make(path);
        for (let i = 0; i < 300; i++) await append(i % 3 === 0 ? 'other' : `c/${i % 3}`, `${i}`);
        const got: Committed[] = [];
        const sizes: number[] = [];
        let fail = true;
        using _ = log.consume('test', 'c/', (_tx, batch) => {
          if (fail) {
            fail = false;
            return Promise.reject(new Error('first time fails'));
          }
          sizes.push(batch.length);
          got.push(...batch);
          return Promise.resolve();
        });
        await append('c/1', 'live');
        await until(() => got.at(-1)?.messages[0]?.toString() === 'live');
        expect(got.map(({ messages }) => Buffer.from(messages[0]!).toString())).toEqual([
          ...Array.from({ length: 300 }, (_, i) => i)
            .filter((i) => i % 3 !== 0)
            .map(String),
          'live',
        ]);
        expect(got.map(({ lsn }) => lsn)).toEqual(got.map(({ lsn }) => lsn).toSorted((a, b) => a - b));
        expect(Math.max(...sizes)).toBeLessThanOrEqual(256);
        expect(() => log.consume('test', 'c/', () => Promise.resolve())).toThrow('running already');
      });
    });

    describe('what holds the log together', () => {
      it('barrier: everything acknowledged is at or below the tip', async () => {
        await make('bar');
        const before = await log.barrier();
        void append('bar', 'x');
        const after = await log.barrier();
        expect(after.tip).toBeGreaterThan(before.tip);
        expect(after.flushedTo).toBeLessThanOrEqual(after.tip);
        expect(await readAll(log, key('bar'))).toEqual(['x']);
      });

      it('more than may wait is refused with a time to come back', async () => {
        await open({ limits: { pendingAppendsMax: 100 } });
        await make('busy');
        const outcomes = await Promise.allSettled(Array.from({ length: 300 }, (_, i) => append('busy', String(i))));
        const refused = outcomes
          .filter((outcome) => outcome.status === 'rejected')
          .map(({ reason }) => reason as MusterError);
        expect(refused.length).toBe(200);
        expect(refused[0]).toMatchObject({ code: 'exhausted', reason: 'log_busy' });
        expect(refused[0]!.retryAfterMs).toBeGreaterThan(0);
        expect((await readAll(log, key('busy'))).length).toBe(100);
        await append('busy', 'again');
      });

      it('followers have limits', async () => {
        await open({ limits: { followersPerStreamMax: 2 } });
        await make('fl');
        await log.tail(key('fl'), 'now', new Heard());
        const second = await log.tail(key('fl'), 'now', new Heard());
        expect(await reasonOf(log.tail(key('fl'), 'now', new Heard()))).toBe('exhausted followers_max');
        second[Symbol.dispose]();
        await log.tail(key('fl'), 'now', new Heard());
      });

      it('promises what the fault tests show', async () => {
        const promised = log.promises();
        expect(promised.driver).toBe(options.driver);
        expect(promised.survives.processKill).toBe(maker.keeps);
        expect(promised.shardsOwned).toBe(64);
      });

      it('a restart changes nothing that was acknowledged', async () => {
        await make('keep/a');
        await log.create({ key: key('keep/b'), contentType: 'application/json', closed: true, first: [bytes('1')] });
        const producer = (seq: number) => ({ id: 'p', epoch: 2, seq });
        for (let i = 0; i < 50; i++)
          await log.append({
            key: key('keep/a'),
            messages: [bytes(`${i}`), bytes('+')],
            producer: producer(i),
            writerSeq: `w${i}`.padStart(8, '0'),
          });
        await make('gone');
        await log.remove(key('gone'), 'deleted');
        const heads = [await log.head(key('keep/a')), await log.head(key('keep/b'))];
        const content = await readAll(log, key('keep/a'));
        await reopen();
        expect([await log.head(key('keep/a')), await log.head(key('keep/b'))]).toEqual(heads);
        expect(await readAll(log, key('keep/a'))).toEqual(content);
        expect(await log.head(key('gone'))).toBeUndefined();
        expect(await log.append({ key: key('keep/a'), messages: [bytes('x')], producer: producer(49) })).toMatchObject({
          outcome: 'duplicate',
          firstSeq: 99,
          lastSeq: 100,
        });
        expect(await reasonOf(log.append({ key: key('keep/a'), messages: [bytes('x')], producer: producer(51) }))).toBe(
          'conflict producer_gap',
        );
        expect(await reasonOf(log.append({ key: key('keep/a'), messages: [bytes('x')], writerSeq: '00000w40' }))).toBe(
          'conflict writer_seq',
        );
        expect(await reasonOf(append('keep/b', 'x'))).toBe('conflict stream_closed');
        expect(await append('keep/a', 'on')).toMatchObject({ firstSeq: 101 });
        await reopen();
        expect(await readAll(log, key('keep/a'))).toEqual([...content, 'on']);
      });
    });
  });
}
