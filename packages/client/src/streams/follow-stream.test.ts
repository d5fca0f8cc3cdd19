/* The reader, driver and all, against a server on a bad line. */
import { MusterError } from '@muster/protocol/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diceOf, RoughServer } from '../../test/support/rough-server.ts';
import { Connection } from '../base/connection.ts';
import type { Batch } from './follow-stream.ts';
import { Stream } from './stream.ts';
import type { Gap } from './stream-state.ts';

const pace = { firstMs: 0.1, maxMs: 0.2 };
const streamOf = (server: RoughServer, path = 'a'): Stream =>
  new Stream(new Connection({ url: 'http://rough', fetch: server.fetch }), path);
const seed = fc.integer();
const smooth = (): RoughServer => new RoughServer(() => 0.99, 0);

describe.each([
  ['application/json', 'sse'],
  ['application/json', 'long-poll'],
  ['text/plain', undefined],
  ['application/octet-stream', 'long-poll'],
] as const)('%s by %s', (contentType, live) => {
  it('comes whole, in order and once, whatever the line does', async () => {
    const counts = { requests: 0, runs: 0 };
    await fc.assert(
      fc.asyncProperty(seed, fc.integer({ min: 1, max: 30 }), async (seed, count) => {
        const server = new RoughServer(diceOf(seed), 0.8);
        const stream = server.make('a', contentType);
        const all = Array.from({ length: count }, (_, n) => `"${n};"`);
        server.append('a', ...all.slice(0, count / 2));
        const seen: string[] = [];
        let offset = '-1';
        for await (const { records, next } of streamOf(server).follow({ pace, raw: true, ...(live ? { live } : {}) })) {
          expect(next >= offset).toBe(true);
          offset = next;
          seen.push(
            ...records.map((each) => (each instanceof Uint8Array ? new TextDecoder().decode(each) : String(each))),
          );
          // The rest comes while it reads; in the end the line is good.
          const { length } = stream.messages;
          if (length < count) server.append('a', all[length] ?? '');
          else server.close('a');
        }
        expect(seen.join('')).toBe(all.join(''));
        counts.requests += server.requests;
        counts.runs += 1;
      }),
      { numRuns: 60 },
    );
    // Rougher than one request for the past and one to stay.
    expect(counts.requests / counts.runs).toBeGreaterThan(4);
  });
});

const collect = async <T>(batches: AsyncIterable<Batch<T>>): Promise<T[]> => {
  const records: T[] = [];
  for await (const batch of batches) records.push(...batch.records);
  return records;
};

describe('a gap', () => {
  const trimmed = (): RoughServer => {
    const server = smooth();
    const stream = server.make('a');
    stream.messages.push('1', '2', '3', '4');
    stream.first = 2;
    return server;
  };

  it('ends reading with what the server said', async () => {
    await expect(collect(streamOf(trimmed()).read())).rejects.toMatchObject({ status: 410, reason: 'offset_trimmed' });
    const stop = collect(streamOf(trimmed()).read({ onGap: () => 'stop' }));
    await expect(stop).rejects.toBeInstanceOf(MusterError);
  });

  it('is passed only when told to, and to where', async () => {
    const gaps: Gap[] = [];
    const onGap = (gap: Gap): 'continue' => {
      gaps.push(gap);
      return 'continue';
    };
    expect(await collect(streamOf(trimmed()).read({ onGap }))).toEqual([3, 4]);
    expect(gaps).toMatchObject([{ from: '-1', reason: 'offset_trimmed' }]);
    const from = gaps[0]?.earliest.replace('2', '3') ?? '';
    expect(await collect(streamOf(trimmed()).read({ onGap: () => ({ from }) }))).toEqual([4]);
  });
});

describe('content', () => {
  it('raw JSON is what was appended, digit by digit', async () => {
    const server = smooth();
    server.make('a').messages.push('12345678901234567890', '{"b":1.0,"a":[1,"],"],"b":2}', '"a\\"b"', '[]');
    expect(await collect(streamOf(server).read<string>({ raw: true }))).toEqual(server.streams.get('a')?.messages);
    expect(await collect(streamOf(server).read())).toEqual([12345678901234567000, { b: 2, a: [1, '],'] }, 'a"b', []]);
  });

  it('text is text, with its line ends as they are', async () => {
    const server = smooth();
    server.make('a', 'text/plain').messages.push('é\r\n', 'x');
    server.close('a');
    expect((await collect(streamOf(server).follow<string>())).join('')).toBe('é\r\nx');
  });
});

describe('ends', () => {
  it('with its signal, wherever it stands', async () => {
    const server = smooth();
    server.make('a').messages.push('1');
    for (const live of ['sse', 'long-poll'] as const) {
      const stop = new AbortController();
      const reading = streamOf(server).follow({ signal: stop.signal, live });
      expect((await reading.next()).value).toMatchObject({ records: [1] });
      const next = reading.next();
      stop.abort(new Error('enough'));
      await expect(next).rejects.toThrow('enough');
    }
  });

  it('at the tail of that moment when told to finish', async () => {
    const server = smooth();
    server.make('a').messages.push('1');
    const finish = new AbortController();
    const reading = streamOf(server).follow({ finish: finish.signal });
    await reading.next();
    const next = reading.next();
    server.append('a', '2');
    expect((await next).value).toMatchObject({ records: [2] });
    finish.abort();
    expect((await reading.next()).done).toBe(true);
  });

  it('when nobody reads any more: nothing stays open', async () => {
    const server = smooth();
    server.make('a').messages.push('1');
    const signals: AbortSignal[] = [];
    const watching: typeof fetch = (input, init) => {
      if (init?.signal) signals.push(init.signal);
      return server.fetch(input, init);
    };
    const stream = new Stream(new Connection({ url: 'http://rough', fetch: watching }), 'a');
    let seen = 0;
    for await (const _ of stream.follow()) {
      seen += 1;
      server.append('a', '2');
      if (seen === 2) break;
    }
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
  });
});

describe('an answer that is none of a stream', () => {
  it('is told at once at the beginning, and waited out later', async () => {
    const server = smooth();
    const stream = server.make('a');
    stream.messages.push('1');
    let strange = true;
    const odd: typeof fetch = (input, init) =>
      strange ? Promise.resolve(new Response('<html>sign in to this network')) : server.fetch(input, init);
    const reader = new Stream(new Connection({ url: 'http://rough', fetch: odd }), 'a');
    await expect(reader.follow().next()).rejects.toMatchObject({ reason: 'not_a_stream' });
    strange = false;
    const waits: string[] = [];
    const onWait = (error: MusterError): void => {
      waits.push(error.reason);
      if (waits.length > 1) strange = false;
    };
    const reading = reader.follow({ pace, onWait, live: 'long-poll' });
    await reading.next();
    strange = true;
    const next = reading.next();
    server.append('a', '2');
    expect((await next).value).toMatchObject({ records: [2] });
    expect(waits).toContain('not_a_stream');
  });
});

describe('a credential that expires', () => {
  it('is asked for anew, once for all who wait, and reading goes on at the same offset', async () => {
    const server = smooth();
    server.make('a').messages.push('1', '2', '3', '4', '5', '6');
    let good = 't1';
    const asked: string[] = [];
    const guarded: typeof fetch = async (input, init) => {
      const given = new Headers(init?.headers).get('authorization');
      if (given !== `Bearer ${good}`)
        return Response.json({ code: 'unauthenticated', reason: 'expired_credential' }, { status: 401 });
      good = `t${server.requests + 2}`;
      return server.fetch(input, init);
    };
    const credential = (why: string): string => {
      asked.push(why);
      return good;
    };
    const connection = new Connection({ url: 'http://rough', fetch: guarded, credential });
    expect(await collect(new Stream(connection, 'a').read())).toEqual([1, 2, 3, 4, 5, 6]);
    expect(asked).toEqual(['first', 'refused']);
    good = 'never';
    const refused = new Connection({ url: 'http://rough', fetch: guarded, credential: () => 'stale' });
    await expect(collect(new Stream(refused, 'a').read())).rejects.toMatchObject({ code: 'unauthenticated' });
  });
});
