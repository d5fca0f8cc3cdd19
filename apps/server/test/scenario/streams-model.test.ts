/*
 * Random operations over HTTP against a model of what a stream is, while a follower of each stream is cut off again and again
 * and comes back where it was. `TEST_RUNS` sets how many sequences; a failure prints its seed and the shortest sequence.
 */
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { startServer } from '#test/server';
import { by, eventsOf, streamCalls } from '#test/stream-calls';
import { until } from '#test/until';

const server = await startServer();
afterAll(() => server[Symbol.asyncDispose]());
const { put, post, get, head, remove } = streamCalls(server);
const json = { type: 'application/json' };
const runs = Number(process.env['TEST_RUNS'] ?? 40);

type Stream = { messages: string[]; closed: boolean; producers: Map<string, { epoch: number; seq: number }> };
type Producer = { id: string; epoch: number; seq: number };
type Op =
  | { op: 'put'; at: number; closed: boolean; body: string[] }
  | { op: 'post'; at: number; body: string[]; producer: Producer | undefined; close: boolean }
  | { op: 'delete'; at: number }
  | { op: 'read'; at: number; from: number }
  | { op: 'cut'; at: number };

/** What a stream is: what each operation is answered, and what it leaves. */
class Model {
  readonly streams = new Map<number, Stream>();

  put({ at, closed, body }: Extract<Op, { op: 'put' }>): number {
    const there = this.streams.get(at);
    if (there) return there.closed === closed ? 200 : 409;
    this.streams.set(at, { messages: [...body], closed, producers: new Map() });
    return 201;
  }

  post({ at, body, producer, close }: Extract<Op, { op: 'post' }>): number {
    const stream = this.streams.get(at);
    if (!stream) return 404;
    if (body.length === 0 && !close) return 400;
    const known = producer && stream.producers.get(producer.id);
    if (producer && known && producer.epoch < known.epoch) return 403;
    if (producer && known && producer.epoch === known.epoch && producer.seq <= known.seq) return 204;
    if (stream.closed) return body.length === 0 && !producer ? 204 : 409;
    if (producer && known && producer.epoch > known.epoch && producer.seq !== 0) return 400;
    const next = known && producer?.epoch === known.epoch ? known.seq + 1 : 0;
    if (producer && producer.seq !== next) return 409;
    stream.messages.push(...body);
    stream.closed = close;
    if (producer) stream.producers.set(producer.id, producer);
    return producer && body.length > 0 ? 200 : 204;
  }
}

const at = fc.nat(2);
const body = fc.array(
  fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)),
  { maxLength: 4 },
);
const producer = fc.record({ id: fc.constantFrom('p', 'q'), epoch: fc.nat(2), seq: fc.nat(4) });
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('put' as const),
      at,
      closed: fc.integer({ min: 0, max: 7 }).map((n) => n === 0),
      body,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant('post' as const),
      at,
      body,
      producer: fc.option(producer, { nil: undefined }),
      close: fc.integer({ min: 0, max: 11 }).map((n) => n === 0),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('delete' as const), at }) },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant('read' as const), at, from: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('cut' as const), at }) },
);

/** Follows one stream by events, from its start, over any number of cuts. */
class Follower {
  readonly seen: string[] = [];
  readonly #path: string;
  #last = '-1';
  #connection = new AbortController();
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(path: string) {
    this.#path = path;
    this.#running = this.#run();
  }

  cut(): void {
    this.#connection.abort();
    this.#connection = new AbortController();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#connection.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#connect(this.#connection.signal);
      } catch (error) {
        if (!(error instanceof DOMException) && !(error instanceof TypeError)) throw error;
      }
    }
  }

  async #connect(signal: AbortSignal): Promise<void> {
    // As a browser does: the URL says where it began, the header where it was.
    const headers = this.#last === '-1' ? {} : { 'last-event-id': this.#last };
    const answer = await server.call(`/v1/stream/${this.#path}?offset=-1&live=sse`, { signal, headers });
    if (answer.status !== 200) {
      this.#stopped = true;
      return;
    }
    let batch: string[] = [];
    for await (const { event, data, id } of eventsOf(answer)) {
      if (event === 'data') batch = elementsOf(data);
      else {
        // What came is kept together with where to go on from.
        this.seen.push(...batch);
        batch = [];
        this.#last = id ?? this.#last;
      }
    }
  }
}

const elementsOf = (text: string): string[] => (JSON.parse(text) as unknown[]).map((value) => JSON.stringify(value));

let sequences = 0;

async function drive(ops: readonly Op[]): Promise<void> {
  const prefix = `model/${++sequences}`;
  const model = new Model();
  const followers = new Map<number, Follower>();
  const pathOf = (n: number): string => `${prefix}/${n}`;
  try {
    for (const one of ops) {
      const path = pathOf(one.at);
      switch (one.op) {
        case 'put': {
          const wanted = model.put(one);
          const said = await put(path, {
            ...json,
            body: `[${one.body.join(',')}]`,
            headers: one.closed ? { 'stream-closed': 'true' } : {},
          });
          expect([one, said.status]).toEqual([one, wanted]);
          if (wanted === 201) followers.set(one.at, new Follower(path));
          break;
        }
        case 'post': {
          const wanted = model.post(one);
          const said = await post(path, {
            ...json,
            ...(one.body.length > 0 ? { body: `[${one.body.join(' , ')}]` } : {}),
            headers: {
              ...(one.close ? { 'stream-closed': 'true' } : {}),
              ...(one.producer ? by(one.producer.id, one.producer.epoch, one.producer.seq) : {}),
            },
          });
          expect([one, said.status]).toEqual([one, wanted]);
          break;
        }
        case 'delete':
          expect((await remove(path)).status).toBe(model.streams.delete(one.at) ? 204 : 404);
          await followers.get(one.at)?.stop();
          followers.delete(one.at);
          break;
        case 'read': {
          const stream = model.streams.get(one.at);
          const said = await get(path);
          expect(said.status).toBe(stream ? 200 : 404);
          if (!stream) break;
          expect(elementsOf(said.text)).toEqual(stream.messages);
          expect(said.headers.get('stream-closed')).toBe(stream.closed ? 'true' : null);
          // Any position between: its era is that of the tail, since nothing was forked or lost.
          const tail = (await head(path)).headers.get('stream-next-offset') ?? '';
          const from = Math.min(stream.messages.length, Math.floor(one.from * (stream.messages.length + 1)));
          const some = await get(path, `?offset=${tail.slice(0, 17)}${String(from).padStart(16, '0')}`);
          if (from > 0) expect(elementsOf(some.text)).toEqual(stream.messages.slice(from));
          break;
        }
        case 'cut':
          followers.get(one.at)?.cut();
          break;
        default:
          throw new Error('unknown operation');
      }
    }
    for (const [n, { messages }] of model.streams) {
      const follower = followers.get(n);
      await until(() => (follower?.seen.length ?? 0) >= messages.length, { everyMs: 2 });
      expect(follower?.seen).toEqual(messages);
    }
  } finally {
    await Promise.all([...followers.values()].map((follower) => follower.stop()));
  }
}

test(`${runs} random sequences are answered as the model says; followers see each message once, in order`, {
  timeout: 60_000 + runs * 5_000,
}, async () => {
  await fc.assert(fc.asyncProperty(fc.array(op, { minLength: 10, maxLength: 60 }), drive), { numRuns: runs });
});
