import type { Build, BuildEventRecord } from '@muster/protocol';
import { isTerminal } from '@muster/protocol/builds';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, Suspense, useMemo } from 'react';
import { useClient } from '../../../api/client.ts';
import { bytes, percent } from '../../../parts/format.ts';
import { lazyPart } from '../../../parts/lazy-part.ts';
import { usePlace } from '../../../parts/nav.tsx';
import { Panel } from '../../../parts/panel.tsx';
import { Skeleton } from '../../../parts/skeleton.tsx';
import { useNow } from '../../../parts/time.tsx';
import { buildsWords as w } from '../../../words/builds.ts';
import { telemetryQuery } from '../queries.ts';
import { AttemptsTable } from './attempts-table.tsx';
import type { BuildLog } from './log-source.ts';
import { timelineOf } from './timeline.ts';

const Gantt = lazyPart(() => import('../../../parts/gantt.tsx').then((part) => part.Gantt));
const Chart = lazyPart(() => import('../../../parts/chart.tsx').then((part) => part.Chart));
const LogTail = lazyPart(() => import('../../../parts/log/log-tail.tsx').then((part) => part.LogTail));

/** A curve of two points tells nothing. */
const pointsMin = 3;

/** The life of a build as bars, the last it said, its attempts and what its machine measured. */
export function TimelineTab(props: { build: Build; events: readonly BuildEventRecord[]; log: BuildLog }): ReactNode {
  const { build, events, log } = props;
  const { pathname } = usePlace();
  const over = isTerminal(build.state);
  const now = useNow(over ? 60_000 : 1_000);
  const until = over && build.finishedAt !== null ? Date.parse(build.finishedAt) : now;
  const rows = useMemo(() => timelineOf(build, events, until), [build, events, until]);
  return (
    <div className="stack">
      <Suspense fallback={<Skeleton lines={4} />}>
        <Gantt label={w.run.timeline} rows={rows} now={over ? null : now} />
      </Suspense>
      <Panel title={w.run.lastLines} flush>
        <Suspense fallback={<Skeleton lines={6} />}>
          <LogTail source={log} to={`${pathname}?tab=log`} />
        </Suspense>
      </Panel>
      {build.attempts.length > 0 ? (
        <Panel title={w.run.attempts} flush>
          <AttemptsTable build={build} />
        </Panel>
      ) : null}
      <Telemetry id={build.id} runs={build.state === 'running'} />
    </div>
  );
}

/** Processor, memory and disk of the machine while it ran this build. */
function Telemetry({ id, runs }: { id: string; runs: boolean }): ReactNode {
  const client = useClient();
  const { data } = useQuery(telemetryQuery(client, id, runs));
  const points = data?.items ?? [];
  if (points.length < pointsMin) return null;
  const times = points.map(({ at }) => Date.parse(at));
  const hasDisk = points.some(({ diskPercent }) => diskPercent !== null);
  return (
    <Suspense fallback={<Skeleton lines={6} />}>
      <Chart
        title={w.run.cpu}
        times={times}
        series={[
          {
            key: 'cpu',
            label: w.run.cpuSeries,
            values: points.map(({ cpuPercent }) => share(cpuPercent)),
            tone: 'live',
          },
          ...(hasDisk
            ? [
                {
                  key: 'disk',
                  label: w.run.diskSeries,
                  values: points.map(({ diskPercent }) => share(diskPercent)),
                  tone: 'off' as const,
                },
              ]
            : []),
        ]}
        format={(value) => percent(value)}
        height={160}
      />
      <Chart
        title={w.run.memory}
        times={times}
        series={[
          {
            key: 'memory',
            label: w.run.memorySeries,
            values: points.map(({ memoryMb }) => (memoryMb === null ? null : memoryMb * 2 ** 20)),
            tone: 'done',
          },
        ]}
        format={(value) => bytes(value)}
        height={160}
      />
    </Suspense>
  );
}

const share = (hundredths: number | null): number | null => (hundredths === null ? null : hundredths / 100);
