import type { Tone } from '@muster/protocol/tones';
import { type ReactNode, Suspense, useMemo, useState } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Button } from './button.tsx';
import { ChartTable } from './chart-table.tsx';
import { count } from './format.ts';
import { Text } from './text.tsx';
import { Time } from './time.tsx';
import './chart.css';
import { lazyPart } from './lazy-part.ts';

export type ChartSeries = {
  key: string;
  label: string;
  /** One for each of `times`; `null` where nothing was measured. */
  values: readonly (number | null)[];
  tone?: Tone | undefined;
};

export type ChartProps = {
  title: string;
  /** Milliseconds, growing. */
  times: readonly number[];
  series: readonly ChartSeries[];
  kind?: 'line' | 'stack' | 'bars' | undefined;
  format?: ((value: number) => string) | undefined;
  height?: number | undefined;
  threshold?: { value: number; label: string } | undefined;
  /** A part of the time was marked. */
  onRange?: ((from: number, to: number) => void) | undefined;
  actions?: ReactNode;
};

export type Drawn = ChartSeries & { tone: Tone };

const seriesMax = 6;
const order: readonly Tone[] = ['live', 'done', 'waiting', 'warn', 'failed', 'off'];
const Plot = lazyPart(() => import('./chart-plot.tsx').then(({ ChartPlot }) => ChartPlot));

/** Numbers over time, at most six; what they say stands beside them in words, and all of it can be read as a table. */
export function Chart(props: ChartProps): ReactNode {
  const { title, times, kind = 'line', format = count, height = 200, threshold, onRange, actions } = props;
  const [asTable, setAsTable] = useState(false);
  const [at, setAt] = useState<number | null>(null);
  const series = useMemo(() => atMostSix(props.series, times.length), [props.series, times.length]);
  const isEmpty = times.length === 0 || series.every(({ values }) => values.every((value) => value === null));
  const index = at ?? lastKnown(series, times.length);
  return (
    <figure className="chart" aria-label={title}>
      <figcaption className="chart-head">
        <span className="chart-title">{title}</span>
        <ul className="chart-key">
          {series.map(({ key, label, tone, values }, i) => (
            <li key={key} className={`tone-${tone}`}>
              <svg aria-hidden width="14" height="8" viewBox="0 0 14 8">
                <path d="M0 4h14" className="chart-dash" strokeDasharray={dashOf(i, kind)?.join(' ')} />
              </svg>
              <Text value={label} max={40} />
              <span className="num">{told(values[index], format)}</span>
            </li>
          ))}
          <li className="chart-at">{at === null || isEmpty ? null : <Time at={times[at]} show="clock" />}</li>
        </ul>
        <span className="head-actions">
          {actions}
          <Button size="s" variant="quiet" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
            {asTable ? words.chart.asChart : words.chart.asTable}
          </Button>
        </span>
      </figcaption>
      {isEmpty ? (
        <p className="chart-none" style={{ height }}>
          {words.chart.none}
        </p>
      ) : asTable ? (
        <ChartTable title={title} times={times} series={series} format={format} />
      ) : (
        <Suspense fallback={<div style={{ height }} />}>
          <Plot {...{ times, series, kind, format, height, threshold, onRange }} onAt={setAt} />
        </Suspense>
      )}
      <p className="visually-hidden">
        {isEmpty ? words.chart.none : series.map((each) => summary(each, format)).join(' ')}
      </p>
    </figure>
  );
}

/** Lines differ by more than colour. */
export function dashOf(index: number, kind: ChartProps['kind']): number[] | undefined {
  if (kind !== 'line') return undefined;
  return [undefined, [6, 3], [2, 2], [8, 2, 2, 2], [4, 4], [1, 3]][index];
}

const told = (value: number | null | undefined, format: (value: number) => string): string =>
  value === null || value === undefined ? '–' : format(value);

function lastKnown(series: readonly ChartSeries[], length: number): number {
  for (let i = length - 1; i > 0; i -= 1)
    if (series.some(({ values }) => values[i] !== null && values[i] !== undefined)) return i;
  return 0;
}

function summary({ label, values }: ChartSeries, format: (value: number) => string): string {
  const known = values.filter((value) => value !== null);
  const last = known.at(-1);
  if (last === undefined) return `${label}: ${words.chart.none}`;
  return words.chart.summary(label, format(last), format(Math.min(...known)), format(Math.max(...known)));
}

function atMostSix(all: readonly ChartSeries[], length: number): Drawn[] {
  const kept = all.length > seriesMax ? all.slice(0, seriesMax - 1) : all;
  const free = order.filter((tone) => !kept.some((each) => each.tone === tone));
  const drawn: Drawn[] = kept.map((each) => ({ ...each, tone: each.tone ?? free.shift() ?? 'off' }));
  if (all.length <= seriesMax) return drawn;
  const rest = all.slice(seriesMax - 1);
  const values = Array.from({ length }, (_, i) => {
    const known = rest.map(({ values }) => values[i]).filter((value) => value !== null && value !== undefined);
    return known.length === 0 ? null : known.reduce((a, b) => a + b, 0);
  });
  return [...drawn, { key: 'other', label: words.chart.other, values, tone: 'off' }];
}
