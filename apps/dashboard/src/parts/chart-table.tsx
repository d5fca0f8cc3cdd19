import type { ReactNode } from 'react';
import { partsWords as words } from '../words/parts.ts';
import type { ChartSeries } from './chart.tsx';
import { Text } from './text.tsx';
import { Time } from './time.tsx';

export type ChartTableProps = {
  title: string;
  times: readonly number[];
  series: readonly ChartSeries[];
  format: (value: number) => string;
};

/** The values behind a chart. */
export function ChartTable({ title, times, series, format }: ChartTableProps): ReactNode {
  return (
    <div className="plain-table" role="region" aria-label={title} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">{words.chart.time}</th>
            {series.map(({ key, label }) => (
              <th key={key} scope="col" className="dt-end">
                <Text value={label} max={40} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {times.map((at, i) => (
            <tr key={at}>
              <td>
                <Time at={at} show="exact" />
              </td>
              {series.map(({ key, values }) => {
                const value = values[i];
                return (
                  <td key={key} className="num dt-end">
                    {value === null || value === undefined ? '–' : format(value)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
