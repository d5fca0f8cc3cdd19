import { expect, test } from 'vitest';
import { conflict, exhausted, forbidden, invalid, notFound, unavailable } from '#kernel/base';
import { pushErrorHeaders } from './answer-headers.ts';

const said = (error: Parameters<typeof pushErrorHeaders>[1]): Record<string, string> => {
  const flat: string[] = [];
  pushErrorHeaders(flat, error);
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : [])));
};

test('what the protocol says of an error in headers', () => {
  const gap = { extra: { requested: '1_1', earliest: '1_5', lostMessages: 4 }, status: 410 };
  for (const reason of ['offset_trimmed', 'stream_recreated', 'restored', 'positions_lost'])
    expect([reason, said(notFound(reason, '', gap))]).toEqual([reason, { 'stream-first-offset': '1_5' }]);
  expect(said(forbidden('producer_fenced', '', { extra: { producerEpoch: 7 } }))).toEqual({ 'producer-epoch': '7' });
  expect(said(conflict('producer_gap', '', { extra: { expectedSeq: 0, receivedSeq: 4 } }))).toEqual({
    'producer-expected-seq': '0',
    'producer-received-seq': '4',
  });
  expect(said(conflict('stream_closed', '', { extra: { next: '1_2' } }))).toEqual({
    'stream-closed': 'true',
    'stream-next-offset': '1_2',
  });
  expect(said(conflict('tail_moved', '', { extra: { next: '1_2' } }))).toEqual({ 'stream-next-offset': '1_2' });
  expect(said(invalid('json_invalid', ''))).toEqual({});
});

test('whoever is told to come back is told when', () => {
  for (const reason of ['shard_moving', 'store_down', 'log_failed', 'outcome_unknown', 'draining'])
    expect([reason, said(unavailable(reason, ''))]).toEqual([reason, { 'retry-after': '1' }]);
  expect(said(exhausted('producers_max', ''))).toEqual({ 'retry-after': '1' });
  // The shell says the exact time when it is known.
  expect(said(exhausted('rate', '', { retryAfterMs: 50 }))).toEqual({});
});
