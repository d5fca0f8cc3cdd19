import { expect, test } from 'vitest';
import { FakeClock } from '#kernel/base';
import { HostPlaces } from './host-places.ts';
import { subscriptionLimits } from './limits.ts';

const max = subscriptionLimits.placesPerHostMax;

test('a host that hangs takes its own places and no more; nobody waits for it', () => {
  const places = new HostPlaces(new FakeClock());
  const held = Array.from({ length: max }, () => places.take('hangs'));
  expect(held.every((place) => place !== undefined)).toBe(true);
  expect(places.take('hangs')).toBeUndefined();
  expect(places.take('other')).toBeDefined();
});

test('at a host that answers, the next in line has the place at once, in order', async () => {
  const clock = new FakeClock();
  const places = new HostPlaces(clock);
  const held = await Promise.all(Array.from({ length: max }, async () => places.take('quick')));
  held[0]?.[Symbol.dispose]();
  held[0]?.[Symbol.dispose]();
  const again = await places.take('quick');
  expect(again).toBeDefined();
  const came: number[] = [];
  const waiting = [1, 2].map(async (n) => {
    const place = await places.take('quick');
    came.push(n);
    return place;
  });
  held[1]?.[Symbol.dispose]();
  await waiting[0];
  expect(came).toEqual([1]);
  (await waiting[0])?.[Symbol.dispose]();
  await waiting[1];
  expect(came).toEqual([1, 2]);
  await clock.advance(subscriptionLimits.quickHostMs);
  expect(places.take('quick')).toBeUndefined();
});
