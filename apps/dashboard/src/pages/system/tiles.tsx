import type { Series, System } from '@muster/protocol';
import { type SampleMetricName, sampleMetrics } from '@muster/protocol/running';
import type { ReactNode } from 'react';
import { Chart } from '../../parts/chart.tsx';
import { Drawer } from '../../parts/drawer.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Sparkline } from '../../parts/sparkline.tsx';
import { Sign } from '../../parts/state.tsx';
import { systemWords as w } from '../../words/system.ts';
import { told, toneOfPart } from './metric-words.ts';

export type TilesProps = {
  tiles: System['tiles'];
  series: Series | undefined;
  open: SampleMetricName | undefined;
  onOpen: (metric: SampleMetricName | undefined) => void;
};

/** One tile a number: its value, its shape, and whether somebody should look. Pressed, it shows its history. */
export function Tiles({ tiles, series, open, onOpen }: TilesProps): ReactNode {
  const shown = tiles.find(({ metric }) => metric === open);
  const line = series?.metrics.find(({ metric }) => metric === open);
  return (
    <Panel title={w.tiles} note={w.tilesNote}>
      <ul className="grid grid-cols-[repeat(auto-fill,minmax(200px,1fr))] gap-2">
        {tiles.map(({ metric, value, state }) => (
          <li key={metric}>
            <button
              type="button"
              className="flex w-full flex-col gap-1 rounded-md border border-hair p-3 text-left hover:bg-hover"
              onClick={() => onOpen(metric)}
            >
              <span className="clip text-sm text-soft">{w.metrics[metric]}</span>
              <span className="flex items-baseline justify-between gap-2">
                <span className="num text-lg font-medium">{told(metric, value)}</span>
                {state === 'ok' || state === 'unknown' ? null : <Sign tone={toneOfPart[state]}>{w.states[state]}</Sign>}
              </span>
              <Sparkline
                points={series?.metrics.find((each) => each.metric === metric)?.mean ?? []}
                label={`${w.metrics[metric]}: ${told(metric, value)}`}
                tone={state === 'ok' || state === 'unknown' ? 'live' : toneOfPart[state]}
              />
            </button>
          </li>
        ))}
      </ul>
      <Drawer
        open={shown !== undefined}
        onClose={() => onOpen(undefined)}
        title={shown ? w.metrics[shown.metric] : ''}
        width="l"
      >
        {shown ? (
          <div className="stack">
            <p className="row">
              <span className="num text-xl">{told(shown.metric, shown.value)}</span>
              <Sign tone={toneOfPart[shown.state]}>{w.states[shown.state]}</Sign>
            </p>
            {series && line ? (
              <Chart
                title={w.metrics[shown.metric]}
                times={series.at}
                series={[
                  { key: 'mean', label: w.mean, values: line.mean },
                  { key: 'worst', label: w.worst, values: line.worst, tone: 'warn' },
                ]}
                format={(value) => told(shown.metric, value)}
                height={260}
                {...thresholdOf(shown.metric)}
              />
            ) : null}
            <div>
              <h3 className="font-medium">{w.what}</h3>
              <p>{shown.what}</p>
            </div>
            <div>
              <h3 className="font-medium">{w.whatToDo}</h3>
              <p>{shown.whatToDo}</p>
            </div>
          </div>
        ) : null}
      </Drawer>
    </Panel>
  );
}

function thresholdOf(metric: SampleMetricName): { threshold?: { value: number; label: string } } {
  const { warnAt } = sampleMetrics[metric];
  return warnAt === null ? {} : { threshold: { value: warnAt, label: w.threshold(told(metric, warnAt)) } };
}
