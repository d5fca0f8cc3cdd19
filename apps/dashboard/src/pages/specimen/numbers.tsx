import { type ReactNode, useState } from 'react';
import { ShareBar } from '../../parts/bars.tsx';
import { Chart } from '../../parts/chart.tsx';
import { rate } from '../../parts/format.ts';
import { HeatGrid } from '../../parts/heat-grid.tsx';
import { Panel } from '../../parts/panel.tsx';
import { StatGrid, StatTile } from '../../parts/stat-tile.tsx';

const start = Date.UTC(2026, 10, 20, 11, 0, 0);
const times = Array.from({ length: 120 }, (_, i) => start + i * 30_000);
const wave = (phase: number, size: number): (number | null)[] =>
  times.map((_, i) =>
    i > 60 && i < 66 && phase === 1 ? null : Math.max(0, size * (1 + Math.sin(i / 9 + phase)) + ((i * 37) % 11) / 6),
  );
const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const hours = Array.from({ length: 24 }, (_, i) => String(i));

export function Numbers(): ReactNode {
  const [week, setWeek] = useState(days.map((_, d) => hours.map((_, h) => (h < 7 ? 0 : ((d + h) % 5) / 4))));
  return (
    <div className="stack">
      <StatGrid>
        <StatTile
          label="Builds running"
          value="12"
          to="/builds"
          note="3 wait, oldest 1 m 20 s"
          spark={wave(0, 4)}
          tone="live"
        />
        <StatTile
          label="Acts"
          value="3.2"
          unit="/min"
          delta={{ text: '+12 %', tone: 'done' }}
          spark={wave(1, 3)}
          tone="done"
          note="120 run, 4 pause"
        />
        <StatTile
          label="Failed"
          value="2 %"
          delta={{ text: '+1.4 %', tone: 'failed' }}
          spark={wave(2, 1)}
          tone="failed"
          note="7 of 350 today"
        />
        <StatTile label="Cost today" value="$4.11" unit="of $20.00" note="top: key ci" />
      </StatGrid>
      <Panel>
        <Chart
          title="Builds per minute"
          times={times}
          series={[
            { key: 'started', label: 'started', values: wave(0, 4), tone: 'live' },
            { key: 'finished', label: 'finished', values: wave(1, 3), tone: 'done' },
            { key: 'failed', label: 'failed', values: wave(2, 1), tone: 'failed' },
          ]}
          format={(value) => String(Math.round(value * 10) / 10)}
          threshold={{ value: 9, label: 'alert at 9' }}
          onRange={() => undefined}
        />
      </Panel>
      <div className="grid gap-4 lg:grid-cols-2">
        <Panel>
          <Chart
            title="By area"
            kind="stack"
            times={times}
            series={['builds', 'gallery', 'streams'].map((label, i) => ({ key: label, label, values: wave(i, 3 - i) }))}
            format={(value) => rate(value)}
            height={180}
          />
        </Panel>
        <Panel>
          <Chart
            title="Cost by key"
            kind="bars"
            times={times.filter((_, i) => i % 8 === 0)}
            series={['ci', 'nightly', 'a', 'b', 'c', 'd', 'e', 'f'].map((label, i) => ({
              key: label,
              label,
              values: wave(i, 3).filter((_, at) => at % 8 === 0),
            }))}
            format={(value) => `$${value.toFixed(0)}`}
            height={180}
          />
        </Panel>
        <Panel title="Hours of the week" note="press to change">
          <HeatGrid
            label="Activity by hour"
            rows={days}
            columns={hours}
            values={week}
            cell={(r, c) => `${days[r] ?? ''} ${c}:00, ${Math.round((week[r]?.[c] ?? 0) * 100)} %`}
            onChange={(r, c) =>
              setWeek(
                week.map((row, i) => (i === r ? row.map((each, at) => (at === c ? (each + 0.25) % 1.25 : each)) : row)),
              )
            }
          />
        </Panel>
        <Panel title="Effective mix">
          <ShareBar
            label="Effective mix"
            parts={[
              { label: 'post', value: 30, tone: 'live' },
              { label: 'comment', value: 20, tone: 'done' },
              { label: 'reply', value: 15, tone: 'waiting' },
              { label: 'like', value: 25, tone: 'warn' },
              { label: 'browse', value: 10, tone: 'off' },
            ]}
          />
        </Panel>
      </div>
    </div>
  );
}
