import { expect, test } from 'vitest';
import { durationSchema } from './duration.ts';

test.each([
  ['50s', 50_000],
  ['1500ms', 1_500],
  ['0s', 0],
  ['24h', 86_400_000],
  ['2m', 120_000],
  ['1d', 86_400_000],
])('%s is %d ms', (text, ms) => {
  expect(durationSchema(86_400_000).parse(text)).toBe(ms);
});

test.each(['50', 's', '-1s', '1.5s', '25h', '', '9999999999s', '1 s'])('%j is refused', (text) => {
  expect(durationSchema(86_400_000).safeParse(text).success).toBe(false);
});
