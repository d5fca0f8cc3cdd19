import { idPattern } from '@muster/protocol';
import { expect, test } from 'vitest';
import { activityIds } from './many-ids.ts';

test('ids are ids, all different, with the time of their moment', () => {
  const ids = activityIds(10_000, 1_800_000_000_000);
  expect(ids.every((id) => idPattern('activity').test(id))).toBe(true);
  expect(new Set(ids).size).toBe(10_000);
  expect(new Set(ids.map((id) => id.slice(0, 14))).size).toBe(1);
});
