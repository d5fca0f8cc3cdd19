import { idPattern } from '@muster/protocol';
import { expect, test } from 'vitest';
import { seededId } from './seeded-id.ts';

const drawing = { projectId: 'prj_a', targetId: 'sandbox', seed: 1 };

test('the same place of the same drawing has the same id, whenever and wherever; anything else another', () => {
  expect(seededId(drawing, 7)).toBe('gbt_6f0jjxy000e03vxdjytgggf898');
  const others = [
    seededId(drawing, 8),
    seededId({ ...drawing, seed: 2 }, 7),
    seededId({ ...drawing, projectId: 'prj_b' }, 7),
    seededId({ ...drawing, targetId: 'far' }, 7),
    seededId(drawing, 7, 1),
  ];
  expect(new Set([seededId(drawing, 7), ...others]).size).toBe(6);
});

test('ids are ids, and sort in the order of the places', () => {
  const ids = Array.from({ length: 10_000 }, (_, index) => seededId(drawing, index));
  expect(ids.every((id) => idPattern('galleryBot').test(id))).toBe(true);
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
});
