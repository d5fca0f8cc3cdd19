import { expect, test } from 'vitest';
import { without } from './unread-rows.ts';

const span = { from: 0, below: 100 };

test('nothing reads it: all of it', () => {
  expect(without(span, [])).toEqual([span]);
});

test('ranges that touch, overlap, lie within each other, or reach over the end', () => {
  const ranges = [
    { first: 1, last: 10 },
    { first: 5, last: 20 },
    { first: 7, last: 8 },
    { first: 21, last: 30 },
    { first: 50, last: 50 },
    { first: 90, last: 200 },
    { first: 300, last: 301 },
  ];
  expect(without(span, ranges)).toEqual([
    { from: 0, below: 1 },
    { from: 31, below: 50 },
    { from: 51, below: 90 },
  ]);
});

test('all of it is read', () => {
  expect(without(span, [{ first: 0, last: 99 }])).toEqual([]);
});
