import type { Usage, UsageLine } from '@muster/protocol';
import { meters, usageSteps } from '@muster/protocol/usage';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useClient } from '../../api/client.ts';
import { problemOf } from '../../api/problem.ts';
import { useLive } from '../../live/use-live.ts';
import { Chart } from '../../parts/chart.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { bytes, count, duration, money } from '../../parts/format.ts';
import { Page, PageHead } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { oneOf, searchOf } from '../../parts/search.ts';
import { Segmented } from '../../parts/segmented.tsx';
import { Select } from '../../parts/select.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { StatTile } from '../../parts/stat-tile.tsx';
import { type Column, DataTable } from '../../parts/table.tsx';
import { Text } from '../../parts/text.tsx';
import { useZone } from '../../parts/time.tsx';
import { tip } from '../../parts/tips.ts';
import { useSearch } from '../../parts/use-search.ts';
import { usageWords as w } from '../../words/usage.ts';

const ranges = ['24h', '7d', '30d', '90d'] as const;
const groups = ['meter', 'platform', 'queue', 'mind', 'persona', 'kind'] as const;
const usageSearch = searchOf({ range: oneOf(ranges), by: oneOf(usageSteps), group: oneOf(groups) });
const day = 86_400_000;
const rangeMs = { '24h': day, '7d': 7 * day, '30d': 30 * day, '90d': 90 * day } as const;

const says: Readonly<Record<(typeof meters)[keyof typeof meters]['unit'], (n: number) => string>> = {
  ms: duration,
  bytes,
  byteHours: (n) => `${bytes(n)} · h`,
  tokens: count,
  micros: (n) => money(n),
  count,
};
const microsOf = (cost: string): number => Math.round(Number(cost) * 1e6);

const columns: Column<UsageLine>[] = [
  {
    key: 'meter',
    head: w.meter,
    main: true,
    fixed: true,
    width: 'minmax(160px,1fr)',
    cell: ({ meter }) => <span {...tip(meters[meter].what)}>{w.meters[meter]}</span>,
  },
  { key: 'of', head: w.of, width: 'minmax(120px,1fr)', cell: ({ group }) => <Text value={group ?? '–'} max={80} /> },
  {
    key: 'quantity',
    head: w.quantity,
    width: '150px',
    align: 'end',
    cell: ({ meter, quantity, open }) => {
      const said = says[meters[meter].unit];
      return (
        <span className="num" {...(open > 0 ? tip(`${said(open)} ${w.open}`) : {})}>
          {said(quantity)}
        </span>
      );
    },
  },
  {
    key: 'entries',
    head: w.entries,
    width: '110px',
    align: 'end',
    cell: ({ entries }) => <span className="num">{count(entries)}</span>,
  },
  {
    key: 'cost',
    head: w.cost,
    width: '130px',
    align: 'end',
    cell: ({ cost }) =>
      cost === null ? (
        <span className="text-soft">{w.notPriced}</span>
      ) : (
        <span className="num">{money(microsOf(cost))}</span>
      ),
  },
];

/** What was used and what it cost, by days of the reader's zone. */
export function UsagePage(): ReactNode {
  const client = useClient();
  const { clock } = useLive();
  const zone = useZone();
  const { values, set } = useSearch(usageSearch);
  const range = values.range ?? '7d';
  const by = values.by ?? (range === '24h' ? 'hour' : 'day');
  const group = values.group ?? 'meter';
  const tz = zone === 'utc' ? 'UTC' : zone === 'local' ? Intl.DateTimeFormat().resolvedOptions().timeZone : zone;
  const usage = useQuery({
    queryKey: ['usage', range, by, group, tz],
    queryFn: ({ signal }) =>
      client.usage.get({ from: new Date(clock.now() - rangeMs[range]).toISOString(), by, group, tz }, signal),
    refetchInterval: 30_000,
    placeholderData: keepPreviousData,
  });
  const problem = problemOf(usage.error);
  const found = usage.data;
  return (
    <Page>
      <PageHead
        title={w.title}
        actions={
          <>
            <Select
              ariaLabel={w.group}
              value={group}
              onChange={(next) => set({ group: groups.find((each) => each === next) })}
              options={groups.map((value) => ({ value, label: `${w.group} ${w.groups[value]}` }))}
            />
            <Select
              ariaLabel={w.by}
              value={by}
              onChange={(next) => set({ by: usageSteps.find((each) => each === next) })}
              options={usageSteps.map((value) => ({ value, label: `${w.by} ${w.steps[value]}` }))}
            />
            <Segmented
              label={w.range}
              value={range}
              onChange={(next) => set({ range: ranges.find((each) => each === next), by: undefined })}
              options={ranges.map((value) => ({ value, label: w.ranges[value] }))}
            />
          </>
        }
      />
      {problem ? (
        <ProblemPanel
          problem={problem}
          onRetry={() => void usage.refetch()}
          {...(found ? { lastGoodAt: usage.dataUpdatedAt } : {})}
        />
      ) : null}
      {found ? <Found usage={found} /> : problem ? null : <Skeleton lines={10} />}
    </Page>
  );
}

function Found({ usage }: { usage: Usage }): ReactNode {
  const { buckets, total, currency, by } = usage;
  if (total.lines.length === 0) return <EmptyState title={w.emptyTitle} detail={w.emptyDetail} />;
  const times = buckets.map(({ start }) => Date.parse(start));
  const costs = buckets.map(({ money: { cost } }) => microsOf(cost));
  return (
    <>
      <StatTile
        label={w.spent}
        value={money(microsOf(total.money.cost), currency)}
        note={total.money.unpriced > 0 ? w.unpriced(count(total.money.unpriced)) : undefined}
        {...(total.money.unpriced > 0 ? { tone: 'warn' as const } : {})}
      />
      {buckets.length > 1 ? (
        <Panel>
          <Chart
            title={`${w.chart} ${w.steps[by]}`}
            times={times}
            kind="bars"
            series={[{ key: 'cost', label: w.cost, values: costs }]}
            format={(value) => money(value, currency)}
            height={200}
          />
        </Panel>
      ) : null}
      <Panel title={w.table} flush>
        <DataTable<UsageLine>
          label={w.table}
          columns={columns}
          rows={total.lines}
          rowKey={({ meter, group }) => `${meter} ${group ?? ''}`}
          height="auto"
          card={({ meter, group, quantity, cost }) => ({
            lead: cost === null ? w.notPriced : money(microsOf(cost)),
            title: w.meters[meter],
            sub: group ?? '',
            end: says[meters[meter].unit](quantity),
          })}
        />
      </Panel>
    </>
  );
}
