import { expect, test } from 'vitest';
import { PutOffs } from './put-offs.ts';

const now = 1_800_000_000_000;

test('the last reason is shown until its time is well over, or the bot has thought', () => {
  const putOffs = new PutOffs();
  expect(putOffs.of('a', now)).toBeUndefined();
  putOffs.note('a', { reason: 'capacity', until: now + 1_000 });
  putOffs.note('a', { reason: 'mind_unavailable', until: now + 90_000 });
  expect(putOffs.of('a', now)).toEqual({ reason: 'mind_unavailable', until: now + 90_000 });
  expect(putOffs.of('a', now + 94_000)).toBeDefined();
  expect(putOffs.of('a', now + 96_000)).toBeUndefined();
  putOffs.clear('a');
  expect(putOffs.of('a', now)).toBeUndefined();
});

test('of too many the oldest are forgotten', () => {
  const putOffs = new PutOffs();
  for (let n = 0; n <= 20_000; n++) putOffs.note(`b${n}`, { reason: 'capacity', until: now });
  expect(putOffs.of('b0', now)).toBeUndefined();
  expect(putOffs.of('b1', now)).toBeDefined();
  expect(putOffs.of('b20000', now)).toBeDefined();
});
