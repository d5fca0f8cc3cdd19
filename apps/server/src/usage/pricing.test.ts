import type { PriceRule } from '@muster/protocol';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { costOf, decimal, faultOf, ruleFor } from './pricing.ts';

const rule = (more: Partial<PriceRule> = {}): PriceRule => ({
  meter: 'build.time',
  match: {},
  price: '1',
  per: 'hour',
  from: '2026-01-01',
  ...more,
});
const at = Date.parse('2026-06-01T00:00:00Z');

test('the rule with most dimensions wins, then the youngest in force', () => {
  const rules = [
    rule({ price: '1' }),
    rule({ price: '2', match: { platform: 'ios' } }),
    rule({ price: '3', match: { platform: 'ios' }, from: '2026-05-01' }),
    rule({ price: '9', match: { platform: 'ios' }, from: '2026-07-01' }),
    rule({ price: '4', match: { platform: 'i*', queue: 'fast' } }),
  ];
  expect(ruleFor(rules, 'build.time', { platform: 'linux' }, at)?.price).toBe('1');
  expect(ruleFor(rules, 'build.time', { platform: 'ios' }, at)?.price).toBe('3');
  expect(ruleFor(rules, 'build.time', { platform: 'ios' }, Date.parse('2026-04-01'))?.price).toBe('2');
  expect(ruleFor(rules, 'build.time', { platform: 'ios', queue: 'fast' }, at)?.price).toBe('4');
  expect(ruleFor(rules, 'build.time', {}, Date.parse('2025-01-01'))).toBeUndefined();
});

test('what nobody said a price of costs nothing that is known', () => {
  expect(costOf([], 'build.time', {}, 1, at)).toBeUndefined();
  expect(costOf([], 'gallery.acts', {}, 1, at)).toBe(0n);
  expect(decimal(costOf([], 'model.cost', {}, 412, at) ?? 0n)).toBe('0.000412');
});

test('amounts are exact: an hour at a third of a cent, a thousand times', () => {
  const rules = [rule({ price: '0.003333' })];
  const cost = Array.from({ length: 1_000 }, () => costOf(rules, 'build.time', {}, 3_600, at) ?? 0n);
  expect(decimal(cost.reduce((sum, one) => sum + one, 0n))).toBe('0.003333');
  expect(decimal(costOf([rule({ price: '6', per: 'hour' })], 'build.time', {}, 600_000, at) ?? 0n)).toBe('1.00');
  const stored = rule({ meter: 'build.storage', price: '0.10', per: 'GiB-month' });
  expect(decimal(costOf([stored], 'build.storage', {}, 2 ** 30 * 730 * 3, at) ?? 0n)).toBe('0.30');
});

test('a cut quantity costs what the whole costs, to a micro', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1e9 }), { maxLength: 20 }), (parts) => {
      const rules = [rule({ price: '0.123457' })];
      const whole =
        costOf(
          rules,
          'build.time',
          {},
          parts.reduce((sum, part) => sum + part, 0),
          at,
        ) ?? 0n;
      const cut = parts.reduce((sum, part) => sum + (costOf(rules, 'build.time', {}, part, at) ?? 0n), 0n);
      expect(whole - cut).toBeLessThanOrEqual(BigInt(parts.length));
      expect(whole - cut).toBeGreaterThanOrEqual(0n);
    }),
  );
});

test.each([
  [[rule({ per: 'GiB' })], 'build.time is counted in ms, not per GiB'],
  [[rule({ match: { bot: 'x' } })], 'build.time has no bot'],
  [[rule(), rule({ price: '2' })], 'stand twice'],
  [[rule({ meter: 'build.transfer', per: 'GiB', match: { kind: 'x' } })], 'nothing to match'],
])('a list that cannot be right is refused: %#', (rules, detail) => {
  expect(faultOf(rules)?.detail).toContain(detail);
});
