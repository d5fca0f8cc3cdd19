/* The writer against a server on a bad line, and over deaths of its own process. */
import { MusterError } from '@muster/protocol/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diceOf, RoughServer } from '../../test/support/rough-server.ts';
import { Connection } from '../base/connection.ts';
import { type Entry, type Kept, nothingKept, type Outbox } from './outbox.ts';
import type { Producer, ProducerOptions } from './producer.ts';
import { Stream } from './stream.ts';

const pace = { firstMs: 0.1, maxMs: 0.2 };
const connectionTo = (server: RoughServer): Connection => new Connection({ url: 'http://rough', fetch: server.fetch });
const producerOf = (server: RoughServer, options: ProducerOptions = {}, id = 'p'): Producer =>
  new Stream(connectionTo(server), 'a', server.streams.get('a')?.contentType).producer(id, { pace, ...options });
const smooth = (contentType?: string): RoughServer => {
  const server = new RoughServer(() => 0.99, 0);
  server.make('a', contentType);
  return server;
};
const textOf = (init?: RequestInit): string => (typeof init?.body === 'string' ? init.body : '');
const textsOf = (server: RoughServer): string => (server.streams.get('a')?.messages ?? []).join(' ');

/** Outlives the producer that used it, as a file outlives its process. */
function keptOutbox(): Outbox & { kept: Kept } {
  const box = {
    lasting: true,
    kept: nothingKept,
    open: async () => box.kept,
    add: async (entries: readonly Entry[]) => {
      const mark = entries.findLast((each) => each.mark !== undefined)?.mark ?? box.kept.mark;
      const contentType = entries[0]?.contentType;
      box.kept = { ...box.kept, mark, contentType, entries: [...box.kept.entries, ...entries] };
    },
    assign: async (sending: NonNullable<Kept['sending']>) => {
      box.kept = { ...box.kept, sending, epoch: Math.max(sending.epoch, box.kept.epoch ?? 0) };
    },
    settle: async (count: number) => {
      box.kept = { ...box.kept, sending: undefined, entries: box.kept.entries.slice(count) };
    },
    close: async () => undefined,
  };
  return box;
}

const seed = fc.integer();

it('brings everything once and in order, over a bad line and deaths at any moment', async () => {
  const counts = { lives: 0, requests: 0, messages: 0 };
  await fc.assert(
    fc.asyncProperty(
      seed,
      fc.array(fc.nat(12), { minLength: 1, maxLength: 6 }),
      fc.nat(3),
      async (seed, lives, batch) => {
        const server = new RoughServer(diceOf(seed), 0.8);
        server.make('a');
        const outbox = keptOutbox();
        const all = Array.from({ length: 25 }, (_, n) => n);
        for (const turns of [...lives, Number.POSITIVE_INFINITY]) {
          // A dead process hears nothing and does nothing; what it had sent may still arrive.
          let alive = true;
          const dying: typeof fetch = async (input, init) => {
            const answer = await server.fetch(input, init);
            return alive ? answer : new Promise(() => undefined);
          };
          const connection = new Connection({ url: 'http://rough', fetch: dying });
          const own: Outbox = {
            ...outbox,
            open: () => outbox.open('a p'),
            add: (entries) => (alive ? outbox.add(entries) : new Promise(() => undefined)),
            assign: (sending) => (alive ? outbox.assign(sending) : new Promise(() => undefined)),
            settle: (count) => (alive ? outbox.settle(count) : new Promise(() => undefined)),
          };
          const stream = new Stream(connection, 'a', 'application/json');
          const producer = stream.producer('p', { pace, outbox: own, batchEntriesMax: batch + 1 });
          const { mark } = await producer.open();
          const rest = all.slice(mark === undefined ? 0 : Number(mark) + 1);
          for (const n of rest.slice(0, turns)) void producer.append(n, { mark: String(n) });
          if (turns === Number.POSITIVE_INFINITY) {
            await producer.append(25, { mark: '25' });
            await producer.flush();
            await producer.close();
          } else {
            for (let n = 0; n < turns; n++) await Promise.resolve();
            alive = false;
          }
          counts.lives += 1;
        }
        expect(textsOf(server)).toBe([...all, 25].join(' '));
        counts.requests += server.requests;
        counts.messages += all.length + 1;
      },
    ),
    { numRuns: 100 },
  );
  expect(counts.lives).toBeGreaterThan(200);
});

it('one request is on its way; what comes meanwhile goes together in the next', async () => {
  const server = smooth();
  const bodies: string[] = [];
  const { promise: first, resolve: answerFirst } = Promise.withResolvers<void>();
  const slow: typeof fetch = async (input, init) => {
    bodies.push(textOf(init));
    if (bodies.length === 1) await first;
    return server.fetch(input, init);
  };
  const producer = new Stream(new Connection({ url: 'http://rough', fetch: slow }), 'a').producer();
  for (let n = 0; n < 5; n++) await producer.append({ n });
  answerFirst();
  await producer.flush();
  expect(bodies).toEqual(['[{"n":0}]', '[{"n":1},{"n":2},{"n":3},{"n":4}]']);
});

describe('what it takes', () => {
  it('is bounded, and says when there is room again', async () => {
    const server = smooth();
    server.roughness = 4; // Nothing gets through.
    const producer = producerOf(server, { entriesMax: 4, bytesMax: 100 });
    for (let n = 0; n < 4; n++) await producer.append(n);
    await expect(producer.append(4)).rejects.toMatchObject({ code: 'exhausted', reason: 'outbox_full' });
    await expect(producer.append('x'.repeat(200))).rejects.toMatchObject({ code: 'invalid', reason: 'body_too_large' });
    const room = producer.room();
    server.roughness = 0;
    await room;
    expect(producer.pending.entries).toBeLessThanOrEqual(2);
    await producer.append(4);
    await producer.flush();
    expect(textsOf(server)).toBe('0 1 2 3 4');
    expect(producer.pending).toEqual({ entries: 0, bytes: 0 });
  });

  it('in a JSON stream a list is one message, text is a string and raw JSON stays as it is', async () => {
    const server = smooth();
    const producer = producerOf(server);
    await producer.append([1, 2]);
    await producer.append('x');
    await producer.flush();
    expect(textsOf(server)).toBe('[1,2] "x"');
    await expect(producer.append(new Uint8Array([1]))).rejects.toMatchObject({ code: 'invalid' });
  });

  it('bytes and text go end to end', async () => {
    const server = smooth('text/plain');
    const producer = producerOf(server);
    for (const part of ['a', 'é', '\n']) await producer.append(part);
    await producer.flush();
    expect(server.streams.get('a')?.messages.join('')).toBe('aé\n');
  });
});

describe('a refusal', () => {
  it('pauses; resume tries again, drop goes on behind it', async () => {
    const server = smooth();
    server.close('a');
    const phases: string[] = [];
    const producer = producerOf(server, { onState: (phase) => phases.push(phase) });
    await producer.append(1);
    await expect(producer.flush()).rejects.toMatchObject({ reason: 'stream_closed' });
    await expect(producer.flush()).rejects.toMatchObject({ reason: 'stream_closed' });
    expect(phases).toEqual(['sending', 'paused']);
    await producer.append(2);
    const stream = server.streams.get('a');
    if (stream) stream.closed = false;
    expect(await producer.drop()).toEqual(['1']);
    await producer.flush();
    expect(textsOf(server)).toBe('2');
  });

  it('of a request that is too large makes smaller ones', async () => {
    const server = smooth();
    const small: typeof fetch = (input, init) =>
      textOf(init).length > 8
        ? Promise.resolve(Response.json({ code: 'invalid', reason: 'body_too_large' }, { status: 413 }))
        : server.fetch(input, init);
    const producer = new Stream(new Connection({ url: 'http://rough', fetch: small }), 'a').producer();
    for (let n = 0; n < 20; n++) void producer.append(n);
    await producer.open();
    await producer.append(20);
    await producer.flush();
    expect(textsOf(server)).toBe(Array.from({ length: 21 }, (_, n) => n).join(' '));
  });
});

describe('two processes with one id', () => {
  it('the newer takes over, and the older is told', async () => {
    const server = smooth();
    const old = producerOf(server);
    await old.append(1);
    await old.flush();
    const young = producerOf(server);
    await young.append(2);
    await young.flush();
    await old.append(3);
    await expect(old.flush()).rejects.toMatchObject({ code: 'forbidden', reason: 'producer_fenced' });
    old.resume({ takeOver: true });
    await old.flush();
    expect(textsOf(server)).toBe('1 2 3');
  });

  it('one that starts with a slow clock takes over too, for it has sent nothing yet', async () => {
    const server = smooth();
    server.streams.get('a')?.producers.set('p', { epoch: Number.MAX_SAFE_INTEGER - 10, seq: 4 });
    const producer = producerOf(server);
    await producer.append(1);
    await producer.flush();
    expect(textsOf(server)).toBe('1');
  });

  it('that meet on one number are told, instead of one losing what it sends', async () => {
    const server = smooth();
    const producer = producerOf(server);
    await producer.append(1);
    await producer.flush();
    const state = server.streams.get('a')?.producers.get('p');
    if (state) state.seq = 7;
    await producer.append(2);
    await expect(producer.flush()).rejects.toMatchObject({ reason: 'producer_clash' });
  });
});

describe('an outbox', () => {
  it('that fails pauses the producer, and what it did not take is not sent', async () => {
    const server = smooth();
    const outbox = { ...keptOutbox(), add: () => Promise.reject(new Error('no space left')) };
    const producer = producerOf(server, { outbox });
    const error: unknown = await producer.append(1).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(MusterError);
    expect(error).toMatchObject({ code: 'unavailable', reason: 'outbox_failed' });
    expect(producer.pending.entries).toBe(0);
    expect(textsOf(server)).toBe('');
  });

  it('has a message before the server does', async () => {
    const server = smooth();
    const { promise: kept, resolve: keep } = Promise.withResolvers<void>();
    const producer = producerOf(server, { outbox: { ...keptOutbox(), add: () => kept } });
    const taken = producer.append(1);
    // Long enough for a request to go out, if one did.
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
    expect(server.requests).toBe(0);
    keep();
    await taken;
    await producer.flush();
    expect(textsOf(server)).toBe('1');
  });

  it('in memory is emptied before the producer is disposed of; after that nothing is taken', async () => {
    const server = smooth();
    const producer = producerOf(server);
    {
      await using _ = producer;
      await producer.append(1);
    }
    expect(textsOf(server)).toBe('1');
    await expect(producer.append(2)).rejects.toMatchObject({ reason: 'producer_closed' });
  });
});
