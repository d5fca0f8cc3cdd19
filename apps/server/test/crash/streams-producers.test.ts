/*
 * 64 producers append over HTTP while the server is killed (`kill -9`) and started again, `TEST_KILLS` times. Whoever gets no
 * answer sends the same again. At the end each message is there once, in its producer's order, and every way of reading agrees.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { testDatabase } from '#test/database';
import { by, eventsOf } from '#test/stream-calls';
import { StreamServer } from '#test/stream-server';

const kills = Number(process.env['TEST_KILLS'] ?? 5);
const producers = 64;
const streams = 8;

test(`${kills} kills in the middle of ${producers} producers: nothing lost, nothing doubled, all readers agree`, {
  timeout: 60_000 + kills * 15_000,
}, async () => {
  await using database = await testDatabase();
  await using server = await StreamServer.start(database);
  const headers = { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' };
  const urlOf = (n: number): string => `${server.url}/v1/stream/crash/${n}`;
  for (let n = 0; n < streams; n++) expect((await fetch(urlOf(n), { method: 'PUT', headers })).status).toBe(201);
  const stop = new AbortController();
  const acknowledged = Array.from({ length: producers }, () => 0);
  const wrong: string[] = [];
  let repeats = 0;

  async function produce(who: number): Promise<void> {
    for (let seq = 0; !stop.signal.aborted; ) {
      try {
        const answer = await fetch(urlOf(who % streams), {
          method: 'POST',
          headers: { ...headers, ...by(`p${who}`, 0, seq) },
          body: JSON.stringify({ who, seq }),
        });
        await answer.arrayBuffer();
        if (answer.status === 200 || answer.status === 204) {
          if (answer.status === 204) repeats += 1;
          acknowledged[who] = ++seq;
        } else if (answer.status !== 429 && answer.status !== 503) wrong.push(`p${who}/${seq}: ${answer.status}`);
      } catch {
        // No answer: it may be stored or not, so the same is sent again; not so often that the next life cannot begin.
        await pause(50 + Math.random() * 100);
      }
    }
  }

  /** Follows a stream over all lives, by the ids of its events. */
  async function follow(n: number, until: () => number): Promise<unknown[]> {
    const seen: unknown[] = [];
    let last = '-1';
    while (seen.length < until()) {
      try {
        const answer = await fetch(`${urlOf(n)}?live=sse&offset=${last}`, {
          headers,
          signal: AbortSignal.timeout(20_000),
        });
        let batch: unknown[] = [];
        for await (const { event, data, id } of eventsOf(answer)) {
          if (event === 'data') batch = JSON.parse(data) as unknown[];
          else {
            seen.push(...batch);
            batch = [];
            last = id ?? last;
            if (seen.length >= until()) break;
          }
        }
      } catch {
        await pause(20);
      }
    }
    return seen;
  }

  const total = Array.from({ length: streams }, () => Number.POSITIVE_INFINITY);
  const following = Array.from({ length: streams }, (_, n) => follow(n, () => total[n] ?? 0));
  const producing = Array.from({ length: producers }, (_, who) => produce(who));
  for (let life = 0; life < kills; life++) {
    await pause(200 + Math.random() * 600);
    await server.kill();
    await server.begin();
  }
  stop.abort();
  await Promise.all(producing);
  expect(wrong).toEqual([]);

  for (let n = 0; n < streams; n++) {
    const paged: { who: number; seq: number }[] = [];
    let next = '-1';
    for (let done = false; !done; ) {
      const page = await fetch(`${urlOf(n)}?offset=${next}`, { headers });
      paged.push(...((await page.json()) as { who: number; seq: number }[]));
      next = page.headers.get('stream-next-offset') ?? '';
      done = page.headers.get('stream-up-to-date') === 'true';
    }
    for (let who = n; who < producers; who += streams) {
      const seqs = paged.filter((message) => message.who === who).map(({ seq }) => seq);
      const acked = acknowledged[who] ?? 0;
      expect(seqs.slice(0, acked)).toEqual(Array.from({ length: acked }, (_, seq) => seq));
      // What nobody heard of may be stored, once.
      expect(seqs.length - acked).toBeLessThanOrEqual(1);
    }
    total[n] = paged.length;
    // One more, so that a follower that waits hears how far it has to come.
    await fetch(urlOf(n), { method: 'POST', headers, body: '{"end":true}' });
    total[n] = paged.length + 1;
    expect(await following[n]).toEqual([...paged, { end: true }]);
    const polled = await fetch(`${urlOf(n)}?offset=${next}&live=long-poll`, { headers });
    expect(await polled.json()).toEqual([{ end: true }]);
  }
  const stored = acknowledged.reduce((sum, count) => sum + count, 0);
  process.stdout.write(`producers: ${stored} messages over ${kills} kills, ${repeats} sent again and recognised\n`);
  expect(stored).toBeGreaterThan(producers * kills);
});
