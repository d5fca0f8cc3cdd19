import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '#kernel/base';
import { EventStream, EventStreams } from './event-streams.ts';
import { streamsDefaults, streamsLimits } from './limits.ts';

const control = 'event: control\ndata:{"upToDate":true}\n\n';
const minute = 60_000;
const comment = ':\n\n';

let clock: FakeClock;
let streams: EventStreams;
let draining: AbortController;
let dice: number;
const server = createServer();

beforeEach(async () => {
  clock = new FakeClock();
  dice = 0.5;
  streams = new EventStreams(clock, () => dice);
  draining = new AbortController();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return () => {
    server.closeAllConnections();
    server.close();
  };
});
afterEach(() => streams[Symbol.dispose]());

type Opened = { stream: EventStream; response: ServerResponse; over: Promise<string> };

/** A request that became an event stream with such a life; its first control event is out unless `silent`. */
async function open({
  lifeMs = 10 * minute,
  endsInMs = Number.POSITIVE_INFINITY,
  silent = false,
} = {}): Promise<Opened> {
  const asked = once(server, 'request') as Promise<[unknown, ServerResponse]>;
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const answer = fetch(`http://127.0.0.1:${port}/`);
  const [, response] = await asked;
  const stream = new EventStream(streams, {
    response,
    endsAt: streams.endOf(lifeMs, endsInMs),
    draining: draining.signal,
    cursor: undefined,
    begin: () => response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders(),
  });
  let text = '';
  const over = answer.then(async ({ body }) => {
    for await (const chunk of body ?? []) text += Buffer.from(chunk).toString();
    return text;
  });
  over.catch(() => undefined);
  if (!silent) stream.write([Buffer.from(control)]);
  return { stream, response, over };
}

describe('the end of its life', () => {
  test.each([
    ['public', streamsDefaults.ssePublicMs, minute],
    ['private', streamsDefaults.ssePrivateMs, 15 * minute],
  ])('%s: after its time, give or take a tenth, and not before', async (_, lifeMs, wanted) => {
    expect(lifeMs).toBe(wanted);
    const least = Math.round(wanted * 0.9);
    dice = 0;
    const [early, most] = [await open({ lifeMs }), wanted * 1.1];
    dice = 1 - Number.EPSILON;
    const late = await open({ lifeMs });
    await clock.advance(least - 1);
    expect(streams.count).toBe(2);
    await clock.advance(streamsLimits.sseLookMs);
    expect(streams.count).toBe(1);
    // It ends behind what was written last, whole.
    expect((await early.over).replaceAll(comment, '')).toBe(control);
    await clock.advance(most - least - streamsLimits.sseLookMs - 1);
    expect(streams.count).toBe(1);
    await clock.advance(streamsLimits.sseLookMs + 1);
    expect(streams.count).toBe(0);
    expect((await late.over).replaceAll(comment, '')).toBe(control);
  });

  test('a token that ends sooner ends it then, to the look', async () => {
    const opened = await open({ lifeMs: 15 * minute, endsInMs: 90_000 });
    await clock.advance(89_999);
    opened.stream.write([Buffer.from('event: data\ndata:x\n\n'), Buffer.from(control)]);
    expect(streams.count).toBe(1);
    await clock.advance(streamsLimits.sseLookMs);
    expect(streams.count).toBe(0);
    expect((await opened.over).replaceAll(comment, '')).toBe(`${control}event: data\ndata:x\n\n${control}`);
    // Nothing is written any more.
    expect(opened.stream.write([Buffer.from(control)])).toBe(0);
  });

  test('one look serves all, and none is planned when nobody is there', async () => {
    const both = [await open({ endsInMs: 5_000 }), await open({ endsInMs: 8_000 })];
    await clock.advance(6_000);
    expect(streams.count).toBe(1);
    await clock.advance(3_000);
    expect(streams.count).toBe(0);
    for (const { over } of both) await over;
    const next = await open({ endsInMs: 2_000 });
    await clock.advance(3_000);
    await next.over;
    expect(streams.count).toBe(0);
  });
});

test('whoever was silent for fifteen seconds says a comment, whoever spoke does not', async () => {
  const { stream, response, over } = await open();
  await clock.advance(10_000);
  stream.write([Buffer.from(control)]);
  await clock.advance(14_000);
  stream.end('gone');
  response.end();
  const other = await open();
  await clock.advance(31_000);
  other.stream.end('life');
  expect([await over, await other.over]).toEqual([control + control, control + comment + comment]);
});

describe('stopping', () => {
  test('ends all that are open', async () => {
    const all = [await open(), await open()];
    draining.abort();
    expect(streams.count).toBe(0);
    for (const { over } of all) expect(await over).toBe(control);
  });

  test('ends at once what comes behind it, and says that nobody has heard', async () => {
    await open();
    draining.abort();
    const { stream, response } = await open({ silent: true });
    expect([stream.unheard, streams.count, response.headersSent]).toEqual(['draining', 0, false]);
    response.end();
  });

  test('what is being opened then has an answer to give', async () => {
    const { stream, response } = await open({ silent: true });
    expect(stream.unheard).toBeUndefined();
    draining.abort();
    expect([stream.unheard, response.headersSent]).toEqual(['draining', false]);
    response.end();
    const begun = await open();
    expect(begun.stream.unheard).toBe('draining');
  });
});
