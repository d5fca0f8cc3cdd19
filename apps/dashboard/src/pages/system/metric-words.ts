import { type PartState, type SampleMetricName, type SampleUnit, sampleMetrics } from '@muster/protocol/running';
import type { Tone } from '@muster/protocol/tones';
import { bytes, count, duration, percent, rate } from '../../parts/format.ts';
import { systemWords as w } from '../../words/system.ts';

const says: Readonly<Record<SampleUnit, (value: number) => string>> = {
  ms: duration,
  bytes,
  count,
  perSecond: rate,
  ratio: percent,
};

/** A number of this metric as people read it. */
export const told = (metric: SampleMetricName, value: number | null): string =>
  value === null ? w.none : says[sampleMetrics[metric].unit](value);

export const toneOfPart: Readonly<Record<PartState, Tone>> = {
  ok: 'done',
  warning: 'warn',
  bad: 'failed',
  unknown: 'off',
};
