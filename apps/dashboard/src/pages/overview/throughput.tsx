import type { Overview } from '@muster/protocol';
import type { ReactNode } from 'react';
import { Chart } from '../../parts/chart.tsx';
import { count } from '../../parts/format.ts';
import { Panel } from '../../parts/panel.tsx';
import { Segmented } from '../../parts/segmented.tsx';
import { overviewWords as words } from '../../words/overview.ts';

type Shown = 'builds' | 'gallery';
type ThroughputProps = { overview: Overview; shown: Shown | undefined; onShow: (shown: Shown) => void };

/** What started, finished and failed in each step of the range, for one area. */
export function Throughput({ overview, shown, onShow }: ThroughputProps): ReactNode {
  const there = (['builds', 'gallery'] as const).filter((area) => overview[area] !== undefined);
  const area = there.find((each) => each === shown) ?? there[0];
  const line = area === undefined ? undefined : overview[area]?.sparkline;
  if (area === undefined || !line) return null;
  const from = Date.parse(line.from);
  return (
    <Panel>
      <Chart
        title={words.chart(words.areas[area])}
        kind="line"
        times={line.started.map((_, at) => from + at * line.stepMs)}
        series={[
          { key: 'started', label: words.series.started, values: line.started, tone: 'live' },
          { key: 'finished', label: words.series.finished, values: line.finished, tone: 'done' },
          { key: 'failed', label: words.series.failed, values: line.failed, tone: 'failed' },
        ]}
        format={count}
        actions={
          there.length < 2 ? undefined : (
            <Segmented
              label={words.chartOf}
              value={area}
              onChange={(value) => onShow(value === 'gallery' ? 'gallery' : 'builds')}
              options={there.map((each) => ({ value: each, label: words.areas[each] }))}
            />
          )
        }
      />
    </Panel>
  );
}
