import { expect, test } from 'vitest';
import { FakeClock } from '#kernel/base';
import { EtaCheck } from './eta-check.ts';

test('compares the first estimate told with the real wait, once', async () => {
  const clock = new FakeClock();
  const ratios: number[] = [];
  const check = new EtaCheck(clock, { observe: (_, value) => ratios.push(value) });
  check.told('a', 10_000);
  await clock.advance(5_000);
  check.told('a', 99_000);
  await clock.advance(15_000);
  check.started('a');
  check.started('a');
  expect(ratios).toEqual([2]);
});

test('leaves out what was never told, told too short, or ended in line', async () => {
  const clock = new FakeClock();
  const ratios: number[] = [];
  const check = new EtaCheck(clock, { observe: (_, value) => ratios.push(value) });
  check.told('none', null);
  check.told('short', 900);
  check.told('cancelled', 10_000);
  check.gone('cancelled');
  for (const id of ['none', 'short', 'cancelled', 'unknown']) check.started(id);
  expect(ratios).toEqual([]);
});

test('remembers ten thousand', () => {
  const ratios: number[] = [];
  const check = new EtaCheck(new FakeClock(), { observe: (_, value) => ratios.push(value) });
  for (let i = 0; i < 10_001; i++) check.told(`b${i}`, 5_000);
  check.started('b0');
  check.started('b1');
  expect(ratios).toEqual([0]);
});
