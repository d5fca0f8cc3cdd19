import type { FeedEntry } from '@muster/protocol/running';
import { expect, it } from 'vitest';
import { feedRows, feedRowsMax, mergeFeed } from './feed.ts';

const entry = (n: number, area: FeedEntry['area'] = 'builds', second = n): FeedEntry => ({
  id: `${area}-${n}`,
  area,
  kind: 'build.started',
  at: new Date(Date.UTC(2026, 0, 1) + second * 1000 + (n % 1000)).toISOString(),
  tone: 'neutral',
  text: `number ${n}`,
  actor: null,
  subject: null,
  reason: null,
});

it('keeps the newest, each once', () => {
  const held = mergeFeed([], [entry(1), entry(3)]);
  const next = mergeFeed(held, [entry(2), entry(3), entry(3)]);
  expect(next.map(({ id }) => id)).toEqual(['builds-3', 'builds-2', 'builds-1']);
  expect(mergeFeed(next, [entry(2)])).toBe(next);
  const many = mergeFeed(
    next,
    Array.from({ length: 300 }, (_, n) => entry(n + 10)),
  );
  expect(many).toHaveLength(feedRowsMax);
  expect(many[0]?.id).toBe('builds-309');
});

it('shows up to twenty of a second one by one, and more as one row', () => {
  const twenty = Array.from({ length: 20 }, (_, n) => entry(n, 'gallery', 5));
  expect(feedRows(twenty)).toHaveLength(20);
  const rows = feedRows([...twenty, entry(20, 'gallery', 5), entry(1, 'builds', 5)]);
  expect(rows).toHaveLength(2);
  expect(rows[0]).toMatchObject({ kind: 'more', area: 'gallery', count: 21 });
  expect(rows[1]).toMatchObject({ kind: 'entry' });
});
