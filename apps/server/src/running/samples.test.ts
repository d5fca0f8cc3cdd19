import { type Sample, sampleMetricNames, stateOfSample } from '@muster/protocol';
import { expect, test } from 'vitest';
import { FakeClock } from '#kernel/base';
import { loneMetrics, silentLogger } from '#kernel/telemetry';
import { Pulse, Recent } from './pulse.ts';
import { SampleRings } from './sample-rings.ts';

const start = Date.parse('2026-03-01T00:00:00Z');
const sampleAt = (second: number, values: Partial<Sample>): Sample => ({
  ...(Object.fromEntries(sampleMetricNames.map((name) => [name, null])) as Omit<Sample, 'at' | 'node'>),
  at: new Date(start + second * 1_000).toISOString(),
  node: 'a',
  ...values,
});

test('the last second and the last ten are what they were, and nothing older', async () => {
  const clock = new FakeClock(start);
  const recent = new Recent(clock);
  for (let ms = 1; ms <= 100; ms++) recent.add(ms);
  await clock.advance(1_000);
  expect(recent.perSecond()).toBe(100);
  expect(recent.percentile(0.5)).toBeGreaterThan(49);
  expect(recent.percentile(0.5)).toBeLessThan(62);
  expect(recent.percentile(0.99)).toBeGreaterThan(98);
  await clock.advance(1_000);
  expect(recent.perSecond()).toBe(0);
  expect(recent.percentile(1)).not.toBeNull();
  await clock.advance(9_000);
  expect(recent.percentile(1)).toBeNull();
});

test('the pulse hears what is observed, and the metrics still get it', async () => {
  const clock = new FakeClock(start);
  const pulse = new Pulse(clock);
  const metrics = loneMetrics(silentLogger);
  const heard = pulse.hears(metrics);
  const seconds = heard.histogram({ name: 'muster_http_request_seconds', help: 'T.', labels: { status: { max: 9 } } });
  seconds.observe({ status: '200' }, 0.01);
  seconds.observe({ status: '503' }, 0.02);
  heard
    .counter({ name: 'muster_log_append_total', help: 'T.', labels: { outcome: ['stored'] } })
    .add({ outcome: 'stored' }, 7);
  await clock.advance(1_000);
  expect([pulse.requests.perSecond(), pulse.errors.perSecond(), pulse.appends.perSecond()]).toEqual([2, 1, 7]);
  expect(await metrics.text()).toContain('muster_http_request_seconds_count{status="200"} 1');
});

test('a range is answered from seconds or minutes: mean and worst, and holes where nothing was', () => {
  const rings = new SampleRings();
  for (let second = 0; second < 120; second++)
    if (second !== 30) rings.add(sampleAt(second, { loopLagMs: second, diskFreeBytes: 1_000 - second }));
  expect(rings.over('loopLagMs', start, start + 10_000)).toEqual({ mean: 4.5, worst: 9 });
  expect(rings.over('loopLagMs', start + 30_000, start + 31_000)).toBeUndefined();
  // Less is worse here.
  expect(rings.over('diskFreeBytes', start, start + 10_000)?.worst).toBe(991);
  expect(rings.over('loopLagMs', start + 60_000, start + 120_000)).toEqual({ mean: 89.5, worst: 119 });
  // An hour later the slot of the first second is another one's.
  rings.add(sampleAt(3_600, { loopLagMs: 7 }));
  expect(rings.over('loopLagMs', start, start + 1_000)).toBeUndefined();
  expect(rings.over('loopLagMs', start, start + 60_000)?.worst).toBe(59);
  expect(rings.finest(start, start + 3_500_000)).toBe(1_000);
  expect(rings.finest(start, start + 7_200_000)).toBe(60_000);
});

test('thresholds are crossed in the direction that is worse', () => {
  expect(stateOfSample('loopLagMs', 10)).toBe('ok');
  expect(stateOfSample('loopLagMs', 60)).toBe('warning');
  expect(stateOfSample('loopLagMs', 300)).toBe('bad');
  expect(stateOfSample('diskFreeBytes', 100)).toBe('bad');
  expect(stateOfSample('diskFreeBytes', null)).toBe('unknown');
});
