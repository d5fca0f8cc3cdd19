import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Deadlines } from './deadlines.ts';
import { StreamHead } from './head.ts';

const headOf = (streamNo: number): StreamHead =>
  new StreamHead({
    streamNo,
    key: { projectId: 'p', path: String(streamNo) },
    shard: 0,
    contentType: 'text/plain',
    eras: [{ era: 1, first: 1 }],
    createdAt: 0,
    configuration: {},
  });

function taken(deadlines: Deadlines, now: number): number[] {
  const numbers: number[] = [];
  for (let head = deadlines.take(now); head; head = deadlines.take(now)) numbers.push(head.streamNo);
  return numbers.sort((a, b) => a - b);
}

test('each head is taken once, at its deadline as it is by then, however often it moved', () => {
  const act = fc.record({
    act: fc.constantFrom('track', 'later', 'drop', 'pass'),
    head: fc.nat(7),
    ms: fc.integer({ min: 0, max: 50 }),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
      const deadlines = new Deadlines();
      const heads = Array.from({ length: 8 }, (_, i) => headOf(i));
      const tracked = new Set<StreamHead>();
      let now = 0;
      for (const { act: what, head: which, ms } of acts) {
        const head = heads[which] as StreamHead;
        if (what === 'track') {
          head.deadline = ms === 50 ? Number.POSITIVE_INFINITY : now + ms;
          deadlines.track(head);
          if (ms === 50) tracked.delete(head);
          else tracked.add(head);
        } else if (what === 'later' && tracked.has(head)) {
          head.deadline += ms;
        } else if (what === 'drop') {
          deadlines.drop(head);
          tracked.delete(head);
        } else if (what === 'pass') {
          now += ms;
          const due = [...tracked].filter(({ deadline }) => deadline <= now);
          expect(taken(deadlines, now)).toEqual(due.map(({ streamNo }) => streamNo).sort((a, b) => a - b));
          for (const over of due) tracked.delete(over);
        }
        expect(deadlines.size).toBe(tracked.size);
        expect(new Set(deadlines.heads())).toEqual(tracked);
        for (const { deadline } of tracked) expect(deadlines.next).toBeLessThanOrEqual(deadline);
      }
    }),
  );
});

test('what left does not stay in memory: stale entries are cleared away', () => {
  const deadlines = new Deadlines();
  let told = 0;
  deadlines.sooner = () => void told++;
  const last = headOf(0);
  last.deadline = 5_000_000;
  deadlines.track(last);
  for (let i = 1; i <= 5_000; i++) {
    const head = headOf(i);
    head.deadline = 1_000_000 + i;
    deadlines.track(head);
    deadlines.drop(head);
  }
  expect(deadlines.size).toBe(1);
  expect(deadlines.entries).toBeLessThan(2_500);
  expect(deadlines.take(4_999_999)).toBeUndefined();
  expect(deadlines.take(5_000_000)).toBe(last);
  expect(told).toBeGreaterThan(0);
});
