/*
 * Lives of a server under load over `/v1/socket`, each ended by `kill -9` at a random moment. Writers resend what was not
 * acknowledged, under the same producer seq; readers come back with the cursor they kept. In the end every reader has seen
 * every append exactly once, in order, and the same as HTTP tells (I1, I2, I9).
 *
 * TEST_KILLS sets how many lives (6 here), TEST_SEED repeats a run's moments.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { testDatabase } from '#test/database';
import { type Frame, openSocket, type TestSocket } from '#test/muster-socket';
import { until } from '#test/until';
import { Lives } from './support/lives.ts';
import { seeded } from './support/sim-disk.ts';

const lives = Number(process.env['TEST_KILLS'] ?? 6);
const seed = Number(process.env['TEST_SEED'] ?? Math.floor(performance.timeOrigin % 1e6));
const writersPerStream = 4;
const streams = ['kill/a', 'kill/b', 'kill/c'];
const openMax = 32;

/** Opens sockets until one works: what a good client does while the server is away. */
async function reach(url: string, key: string, stop: AbortSignal): Promise<TestSocket | undefined> {
  while (!stop.aborted) {
    try {
      const socket = await openSocket(url, { key });
      stop.addEventListener('abort', () => socket.ws.terminate());
      // It may have opened after the end was called: nobody would close it then.
      if (stop.aborted) socket.ws.terminate();
      return socket;
    } catch {
      // A start takes seconds of the processor; eighteen who knock all the time would make it many more.
      await pause(100);
    }
  }
  return undefined;
}

type Writer = { acknowledged: number; ended: number };

/** Appends 0, 1, 2 … as one producer: seq n says n. Goes on from the first one that was not acknowledged. */
async function write(
  url: string,
  key: string,
  stream: string,
  id: string,
  state: Writer,
  stop: AbortSignal,
): Promise<void> {
  let sent = 0;
  while (!stop.aborted) {
    const socket = await reach(url, key, stop);
    if (!socket) return;
    sent = state.acknowledged;
    const failures: Frame[] = [];
    const more = (): void => {
      while (!stop.aborted && sent < state.acknowledged + openMax && socket.ws.readyState === socket.ws.OPEN) {
        socket.send({
          t: 'append',
          ref: sent,
          stream,
          records: [`${id}:${sent}`],
          producer: { id, epoch: 0, seq: sent },
        });
        sent += 1;
      }
    };
    socket.ws.on('message', () => {
      const frame = socket.frames.at(-1);
      if (frame?.t === 'ok') {
        expect(frame.ref).toBe(state.acknowledged);
        state.acknowledged += 1;
        more();
      } else if (frame?.t === 'err') failures.push(frame);
    });
    more();
    await socket.closed;
    expect(failures).toEqual([]);
  }
  state.ended = sent;
}

type Reader = { records: string[]; cursor: string; wrongs: string[] };

async function read(
  url: string,
  key: string,
  stream: string,
  sub: string | undefined,
  state: Reader,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    const socket = await reach(url, key, stop);
    if (!socket) return;
    socket.ws.on('message', () => {
      const frame = socket.frames.at(-1);
      if (frame?.t !== 'batch') return;
      if (state.cursor !== '-1' && frame['from'] !== state.cursor)
        state.wrongs.push(`${state.cursor} was followed by ${String(frame['from'])}`);
      state.cursor = String(frame['to']);
      state.records.push(...(frame['records'] as string[]));
    });
    socket.send({ t: 'sub', ref: 's', stream, after: state.cursor, ...(sub === undefined ? {} : { sub }) });
    await socket.closed;
    state.wrongs.push(
      ...socket.frames.filter(({ t }) => t === 'err' || t === 'gap').map((frame) => JSON.stringify(frame)),
    );
  }
}

it(`${lives} lives: whoever resumes by its cursor sees each append exactly once`, {
  timeout: 60_000 + lives * 15_000,
}, async () => {
  const random = seeded(seed);
  const folder = await mkdtemp(join(tmpdir(), 'muster-socket-kill-'));
  const writing = new AbortController();
  const reading = new AbortController();
  try {
    await using database = await testDatabase();
    await using server = await Lives.in(join(folder, 'data'), { DATABASE_URL: database.url });
    await server.begin();
    const { url } = server;
    const key = await server.key();
    const authorization = `Bearer ${key}`;
    for (const stream of streams) {
      const made = await fetch(`${url}/v1/stream/${stream}`, {
        method: 'PUT',
        headers: { authorization, 'content-type': 'application/json' },
      });
      expect(made.status).toBe(201);
    }
    const writers = streams.flatMap((stream) =>
      Array.from({ length: writersPerStream }, (_, n) => ({
        stream,
        id: `${stream}-w${n}`,
        state: { acknowledged: 0, ended: 0 },
      })),
    );
    const readers = streams.flatMap((stream) =>
      [undefined, 'own'].map((sub) => ({ stream, sub, state: { records: [], cursor: '-1', wrongs: [] } as Reader })),
    );
    const running = [
      ...writers.map(({ stream, id, state }) => write(url, key, stream, id, state, writing.signal)),
      ...readers.map(({ stream, sub, state }) => read(url, key, stream, sub, state, reading.signal)),
    ];
    const failed = Promise.all(running).then(() => undefined);
    failed.catch(() => undefined);
    const total = (): number => writers.reduce((sum, { state }) => sum + state.acknowledged, 0);
    while (server.count < lives) {
      const before = total();
      await Promise.race([until(() => total() > before + 200, { withinMs: 30_000 }), failed]);
      await pause(random() * 200);
      await server.kill();
      await server.begin();
    }
    const before = total();
    await Promise.race([until(() => total() > before + 200, { withinMs: 30_000 }), failed]);
    writing.abort();
    await Promise.all(running.slice(0, writers.length));

    let seen = 0;
    for (const stream of streams) {
      const expected = await catchUp(url, authorization, stream);
      seen += expected.length;
      for (const { state, sub } of readers.filter((reader) => reader.stream === stream)) {
        await until(() => state.records.length >= expected.length);
        expect(state.wrongs, `seed ${seed}`).toEqual([]);
        expect(state.records, `seed ${seed} ${stream} ${sub ?? ''}`).toEqual(expected);
      }
      for (const { id, state } of writers.filter((writer) => writer.stream === stream)) {
        const own = expected.filter((record) => record.startsWith(`${id}:`));
        expect(own.length, `seed ${seed}: ${id}`).toBeGreaterThanOrEqual(state.acknowledged);
        expect(own).toEqual(own.map((_, n) => `${id}:${n}`));
      }
    }
    reading.abort();
    await failed;
    process.stdout.write(
      `streams-socket-kill: seed ${seed}, ${lives} lives, ${total()} acknowledged, ${seen} stored\n`,
    );
  } finally {
    writing.abort();
    reading.abort();
    await rm(folder, { recursive: true, force: true });
  }
});

async function catchUp(url: string, authorization: string, stream: string): Promise<string[]> {
  const records: string[] = [];
  for (let offset = '-1'; ; ) {
    const page = await fetch(`${url}/v1/stream/${stream}?offset=${offset}`, { headers: { authorization } });
    records.push(...((await page.json()) as string[]));
    offset = page.headers.get('stream-next-offset') ?? '';
    if (page.headers.get('stream-up-to-date') === 'true') return records;
  }
}
