import type { System } from '@muster/protocol';
import { type SampleMetricName, sampleMetricNames } from '@muster/protocol/running';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { problemOf } from '../../api/problem.ts';
import { NoRight } from '../../parts/empty-state.tsx';
import { Facts } from '../../parts/facts.tsx';
import { bytes, duration } from '../../parts/format.ts';
import { Page, PageHead } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { oneOf, searchOf } from '../../parts/search.ts';
import { Segmented } from '../../parts/segmented.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Sign } from '../../parts/state.tsx';
import { type Column, DataTable } from '../../parts/table.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { useSearch } from '../../parts/use-search.ts';
import { systemWords as w } from '../../words/system.ts';
import { toneOfPart } from './metric-words.ts';
import { SystemTabs } from './system-tabs.tsx';
import { Tiles } from './tiles.tsx';

const ranges = ['15m', '1h', '6h', '24h'] as const;
const systemSearch = searchOf({ range: oneOf(ranges) });
const everyMs = 5_000;
const rangeMs = { '15m': 900_000, '1h': 3_600_000, '6h': 21_600_000, '24h': 86_400_000 } as const;

/** How this server is: what is wrong first, then the numbers with their history. */
export function SystemPage(): ReactNode {
  const client = useClient();
  const installation = useMay('installation');
  const { values, set } = useSearch(systemSearch);
  const range = values.range ?? '15m';
  const [metric, setMetric] = useState<SampleMetricName>();
  const system = useQuery({
    queryKey: ['system', 'now'],
    queryFn: ({ signal }) => client.running.system(signal),
    refetchInterval: everyMs,
    enabled: installation.may,
  });
  const series = useQuery({
    queryKey: ['system', 'series', range],
    queryFn: ({ signal }) =>
      client.running.series(
        { metric: sampleMetricNames.join(','), from: new Date(Date.now() - rangeMs[range]).toISOString() },
        signal,
      ),
    refetchInterval: everyMs * 2,
    placeholderData: keepPreviousData,
    enabled: installation.may,
  });
  const problem = problemOf(system.error ?? series.error);
  if (!installation.may) {
    return (
      <Page>
        <PageHead title={w.title} />
        <NoRight scope={w.needsInstallation} />
      </Page>
    );
  }
  const now = system.data;
  return (
    <Page>
      <PageHead
        title={w.title}
        note={now ? <Sign tone={toneOfPart[now.state]}>{w.states[now.state]}</Sign> : undefined}
        actions={
          <Segmented
            label={w.range}
            value={range}
            onChange={(next) => set({ range: ranges.find((each) => each === next) })}
            options={ranges.map((value) => ({ value, label: w.ranges[value] }))}
          />
        }
        tabs={<SystemTabs />}
      />
      {problem ? (
        <ProblemPanel
          problem={problem}
          onRetry={() => void system.refetch()}
          {...(now ? { lastGoodAt: system.dataUpdatedAt } : {})}
        />
      ) : null}
      {now ? (
        <>
          <Warnings of={now} />
          <Parts of={now} />
          <Tiles tiles={now.tiles} series={series.data} open={metric} onOpen={setMetric} />
          <Queues of={now} />
          <Server of={now} />
        </>
      ) : problem ? null : (
        <Skeleton lines={12} />
      )}
    </Page>
  );
}

function Warnings({ of: { warnings } }: { of: System }): ReactNode {
  if (warnings.length === 0) return null;
  return (
    <Panel title={w.warnings} tone="warn">
      <ul className="stack">
        {warnings.map((warning) => (
          <li key={warning}>{warning}</li>
        ))}
      </ul>
    </Panel>
  );
}

function Parts({ of: { parts } }: { of: System }): ReactNode {
  return (
    <Panel title={w.parts} flush>
      <ul>
        {parts.map(({ name, state, detail, whatToDo }) => (
          <li key={name} className="row flex-wrap items-start border-t border-hair px-4 py-2 first:border-t-0">
            <span className="w-[88px] shrink-0 font-medium sm:w-[160px]">{name}</span>
            <Sign tone={toneOfPart[state]}>{w.states[state]}</Sign>
            <span className="min-w-0 flex-1 break-words">
              <Text value={detail} max={300} />
              {whatToDo === null ? null : <span className="block text-soft">{whatToDo}</span>}
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const columns: Column<System['queues'][number]>[] = [
  {
    key: 'kind',
    head: w.kind,
    main: true,
    fixed: true,
    mono: true,
    width: 'minmax(180px,1fr)',
    cell: ({ kind }) => kind,
  },
  {
    key: 'ready',
    head: w.ready,
    width: '96px',
    align: 'end',
    cell: ({ ready }) => <span className="num">{ready}</span>,
  },
  {
    key: 'running',
    head: w.running,
    width: '96px',
    align: 'end',
    cell: ({ running }) => <span className="num">{running}</span>,
  },
  {
    key: 'waiting',
    head: w.waiting,
    width: '96px',
    align: 'end',
    cell: ({ waiting }) => <span className="num">{waiting}</span>,
  },
  {
    key: 'oldest',
    head: w.oldest,
    width: '130px',
    align: 'end',
    cell: ({ oldestReadyMs }) => (
      <span className="num">{oldestReadyMs === null ? w.none : duration(oldestReadyMs)}</span>
    ),
  },
];

function Queues({ of: { queues } }: { of: System }): ReactNode {
  return (
    <Panel title={w.queues} flush>
      {queues.length === 0 ? (
        <p className="p-4 text-soft">{w.noQueues}</p>
      ) : (
        <DataTable
          label={w.queues}
          columns={columns}
          rows={queues}
          rowKey={({ kind }) => kind}
          rowTo={({ kind }) => `/system/jobs?kind=${encodeURIComponent(kind)}`}
          height="auto"
        />
      )}
    </Panel>
  );
}

function Server({ of: { node, database, log, version, at } }: { of: System }): ReactNode {
  const survives = (does: boolean): string =>
    Object.entries(log.survives)
      .filter(([, kept]) => kept === does)
      .map(([what]) => what)
      .join(', ');
  const lost = survives(false);
  return (
    <Panel title={w.node} note={<Time at={at} show="clock" />}>
      <Facts
        items={[
          { label: w.name, value: <Text value={node.name} /> },
          { label: w.version, value: version },
          {
            label: w.runtime,
            value: `${node.runtime}, ${node.platform} ${node.arch}, ${node.cpus} × CPU, ${bytes(node.memoryBytes)}`,
          },
          { label: w.uptime, value: duration(node.uptimeMs) },
          { label: w.data, value: <Text value={node.dataDir} mono /> },
          { label: w.database, value: <Text value={`${database.described} ${database.version ?? ''}`} /> },
          { label: w.size, value: database.sizeBytes === null ? w.none : bytes(database.sizeBytes) },
          { label: w.pool, value: w.poolSays(database.pool.busy, database.pool.max, database.pool.waiting) },
          { label: w.ack, value: log.ackMeans, wide: true },
          { label: w.survives, value: survives(true) },
          ...(lost === '' ? [] : [{ label: w.notSurvives, value: lost }]),
          { label: w.behind, value: `${bytes(log.unflushedBytes)}, ${duration(log.flushLagMs)}` },
        ]}
      />
    </Panel>
  );
}
