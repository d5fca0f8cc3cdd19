import { assert, nat, property } from 'fast-check';
import { expect, test } from 'vitest';
import { FakeClock, nearest } from '#kernel/base';
import { mintKey, mintRunToken, mintShortId, parseCredential } from './credentials.ts';
import { AddressSet, isRange, networkOf, RateBuckets } from './index.ts';

test('credentials are words of shells and URLs, and any one changed character is noticed', () => {
  assert(
    property(nat(), nat(61), (at, letter) => {
      const shortId = mintShortId();
      const key = mintKey(shortId);
      expect(key).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(parseCredential(key)).toEqual({ kind: 'key', shortId });
      const place = 13 + (at % (key.length - 13));
      const changed = `${key.slice(0, place)}${'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'[letter]}${key.slice(place + 1)}`;
      expect(parseCredential(changed) === undefined).toBe(changed !== key);
    }),
  );
  expect(parseCredential(mintRunToken('bld'))).toEqual({ kind: 'run', token: 'bld' });
});

test('the nearest name is a slip of the hand, not a guess', () => {
  const known = ['MUSTER_PORT', 'MUSTER_HOST', 'MUSTER_PUBLIC_URL'];
  expect(nearest('MUSTER_PROT', known)).toBe('MUSTER_PORT');
  expect(nearest('muster-public-url', known)).toBe('MUSTER_PUBLIC_URL');
  expect(nearest('DATABASE', known)).toBeUndefined();
});

test('networks: one IPv4 address, one IPv6 /64', () => {
  expect(networkOf('::ffff:10.0.0.1')).toBe('10.0.0.1');
  expect(networkOf('2001:DB8::1')).toBe(networkOf('2001:db8:0:0:ffff::2'));
  expect(networkOf('2001:db8:0:1::1')).not.toBe(networkOf('2001:db8::1'));
  expect(networkOf('::1')).toBe('0:0:0:0::/64');
  expect([isRange('loopback'), isRange('10.0.0.0/8'), isRange('10.0.0.0/99'), isRange('x')]).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(new AddressSet(['loopback']).has('::1')).toBe(true);
});

test('buckets refill with time, and forgetting a key refuses nobody', async () => {
  const clock = new FakeClock();
  const buckets = new RateBuckets({ clock, perSecond: 10, burst: 2, keysMax: 2 });
  expect([buckets.take('a').ok, buckets.take('a').ok, buckets.take('a').ok]).toEqual([true, true, false]);
  expect(buckets.take('a').resetMs).toBe(100);
  await clock.advance(100);
  expect(buckets.take('a').ok).toBe(true);
  buckets.take('b');
  buckets.take('c');
  expect(buckets.take('a').ok).toBe(true);
});
