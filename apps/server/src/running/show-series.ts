import {
  type SampleMetricName,
  type Series,
  type SeriesQuery,
  sampleMetricNames,
  sampleMetrics,
  seriesPointsMax,
} from '@muster/protocol';
import { type Clock, invalid, nearest } from '#kernel/base';
import type { Sampler } from './sampler.ts';

const niceSeconds = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600];
const usualRangeMs = 3_600_000;
const rangeMsMax = 24 * 3_600_000;

/** Numbers of this node over a range of the last day, in at most 500 steps. Errors: `invalid` `invalid_query`. */
export async function showSeries(
  deps: { clock: Clock; node: { name: string }; sampler: Sampler },
  query: SeriesQuery,
): Promise<Series> {
  const { clock, node, sampler } = deps;
  if (query.node !== undefined && query.node !== node.name)
    throw refuse('node', `There is no node ${query.node} here; this one is ${node.name}.`);
  const names = query.metric.split(',').map(metricOf);
  const now = clock.now();
  const to = query.to === undefined ? now : Date.parse(query.to);
  const from = query.from === undefined ? to - usualRangeMs : Date.parse(query.from);
  if (from >= to) throw refuse('from', 'The range ends before it begins.');
  if (to - from > rangeMsMax) throw refuse('from', 'Samples are kept for 24 hours; a longer range has none.');
  await sampler.filled();
  const finest = sampler.rings.finest(from, now);
  const stepMs = Math.max(finest, stepOf(query.step, to - from));
  const first = Math.floor(from / stepMs) * stepMs;
  const at: number[] = [];
  for (let step = first; step < to; step += stepMs) at.push(step);
  return {
    node: node.name,
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    stepMs,
    at,
    metrics: names.map((metric) => {
      const steps = at.map((step) => sampler.rings.over(metric, step, step + stepMs));
      const { unit, warnAt, badAt } = sampleMetrics[metric];
      return {
        metric,
        unit,
        warnAt,
        badAt,
        mean: steps.map((step) => (step === undefined ? null : rounded(step.mean))),
        worst: steps.map((step) => (step === undefined ? null : rounded(step.worst))),
      };
    }),
  };
}

function metricOf(text: string): SampleMetricName {
  const name = text.trim();
  const known = sampleMetricNames.find((candidate) => candidate === name);
  if (known) return known;
  const near = nearest(name, sampleMetricNames);
  throw refuse('metric', `There is no metric ${name}.${near === undefined ? '' : ` Did you mean ${near}?`}`);
}

function stepOf(text: string | undefined, rangeMs: number): number {
  const least = rangeMs / seriesPointsMax;
  if (text === undefined) return 1_000 * (niceSeconds.find((seconds) => seconds * 1_000 >= least) ?? 3_600);
  const [, count, unit] = /^(\d{1,6})([smh])$/.exec(text) ?? [];
  const ms = Number(count) * (unit === 'h' ? 3_600_000 : unit === 'm' ? 60_000 : 1_000);
  if (!(ms >= 1_000)) throw refuse('step', 'A step is a number of seconds, minutes or hours, such as 10s.');
  if (ms < least)
    throw refuse(
      'step',
      `That would be more than ${seriesPointsMax} points; take a step of at least ${Math.ceil(least / 1_000)}s.`,
    );
  return ms;
}

function refuse(parameter: string, detail: string): Error {
  return invalid('invalid_query', detail, { errors: [{ pointer: `?${parameter}`, detail }] });
}

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;
