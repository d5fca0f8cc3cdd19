import type { Limit } from '@muster/client';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useClient } from '../../api/client.ts';
import { problemOf } from '../../api/problem.ts';
import { NothingMatches } from '../../parts/empty-state.tsx';
import { FilterBar } from '../../parts/filter-bar.tsx';
import { bytes, count, duration, rate } from '../../parts/format.ts';
import { Page, PageHead } from '../../parts/page.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { Meter } from '../../parts/progress.tsx';
import { searchOf, text } from '../../parts/search.ts';
import { type Column, DataTable } from '../../parts/table.tsx';
import { useSearch } from '../../parts/use-search.ts';
import { settingsWords } from '../../words/settings.ts';
import { SettingsTabs } from './settings-tabs.tsx';

const w = settingsWords.limits;
const limitsSearch = searchOf({ q: text(100) });

const says: Readonly<Record<Limit['unit'], (n: number) => string>> = {
  count,
  bytes,
  ms: duration,
  perSecond: rate,
};

const columns: Column<Limit>[] = [
  {
    key: 'name',
    head: w.name,
    main: true,
    fixed: true,
    mono: true,
    width: 'minmax(180px,1fr)',
    cell: ({ name }) => name,
  },
  {
    key: 'value',
    head: w.value,
    width: '110px',
    align: 'end',
    cell: ({ unit, value }) => <span className="num">{says[unit](value)}</span>,
  },
  {
    key: 'present',
    head: w.present,
    width: '180px',
    cell: ({ name, unit, value, present }) =>
      present === null ? (
        <span className="text-soft">{w.notCounted}</span>
      ) : (
        <Meter label={name} used={present} limit={value} format={says[unit]} />
      ),
  },
  {
    key: 'peak',
    head: w.peak,
    width: '96px',
    align: 'end',
    cell: ({ unit, peak }) => <span className="num">{peak === null ? '–' : says[unit](peak)}</span>,
  },
  {
    key: 'full',
    head: w.full,
    width: 'minmax(200px,1.4fr)',
    cell: ({ whenFull }) => <span className="clip">{whenFull}</span>,
    title: ({ whenFull }) => whenFull,
  },
  {
    key: 'setting',
    head: w.setting,
    width: 'minmax(150px,1fr)',
    mono: true,
    cell: ({ setting }) => setting ?? <span className="text-soft">{w.fixed}</span>,
  },
];

/** Every bound of the server, its use now, and what happens at it. */
export function LimitsPage(): ReactNode {
  const client = useClient();
  const { values, invalid, set, drop, clear } = useSearch(limitsSearch);
  const limits = useQuery({
    queryKey: ['accounts', 'limits'],
    queryFn: ({ signal }) => client.accounts.limits(signal),
    refetchInterval: 10_000,
  });
  const problem = problemOf(limits.error);
  const needle = values.q?.toLowerCase();
  const rows = (limits.data?.items ?? []).filter(
    ({ name, setting, whenFull }) =>
      needle === undefined || [name, setting ?? '', whenFull].some((each) => each.toLowerCase().includes(needle)),
  );
  return (
    <Page fill>
      <PageHead title={w.title} tabs={<SettingsTabs />}>
        <p className="text-soft">{w.lead}</p>
      </PageHead>
      <FilterBar
        keys={[]}
        values={{}}
        onChange={() => undefined}
        invalid={invalid}
        onDrop={drop}
        onClear={clear}
        text={{
          value: values.q ?? '',
          onChange: (q) => set({ q: q === '' ? undefined : q }, { replace: true }),
          placeholder: w.text,
        }}
      />
      {problem ? (
        <ProblemPanel
          problem={problem}
          onRetry={() => void limits.refetch()}
          {...(limits.data ? { lastGoodAt: limits.dataUpdatedAt } : {})}
        />
      ) : null}
      <DataTable<Limit>
        label={w.title}
        columns={columns}
        rows={rows}
        rowKey={({ name }) => name}
        height="fill"
        loading={limits.isPending}
        total={rows.length}
        card={({ name, unit, value, present, whenFull }) => ({
          lead: <span className="num">{says[unit](value)}</span>,
          title: <span className="mono">{name}</span>,
          sub: whenFull,
          end: present === null ? '' : says[unit](present),
        })}
        empty={<NothingMatches chips={needle === undefined ? [] : [{ value: needle }]} onClear={clear} />}
      />
    </Page>
  );
}
