import { type ReactNode, useMemo, useState } from 'react';
import { Button } from '../../parts/button.tsx';
import type { Column, Sort } from '../../parts/columns.ts';
import { CopyId } from '../../parts/copy-id.tsx';
import { DateRange } from '../../parts/date-range.tsx';
import { Duration } from '../../parts/duration.tsx';
import { FilterBar, type FilterKey } from '../../parts/filter-bar.tsx';
import { Panel } from '../../parts/panel.tsx';
import { many, oneOf, pair, searchOf, text } from '../../parts/search.ts';
import { State } from '../../parts/state.tsx';
import { DataTable } from '../../parts/table.tsx';
import { useTableLayout } from '../../parts/table-layout.ts';
import { TableOptions } from '../../parts/table-options.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { useSearch } from '../../parts/use-search.ts';
import { type Row, rowAt } from './rows.ts';

const states = ['queued', 'assigned', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled'] as const;
const search = searchOf({
  state: many(oneOf(states)),
  platform: many(oneOf(['ios', 'android'])),
  tag: many(pair()),
  q: text(),
});

const columns: readonly Column<Row>[] = [
  { key: 'state', head: 'State', width: '8.5rem', cell: (row) => <State kind="build" state={row.state} /> },
  {
    key: 'name',
    head: 'Name',
    width: 'minmax(10rem, 1.2fr)',
    main: true,
    fixed: true,
    sortable: true,
    cell: (row) => <Text value={row.name} max={80} />,
  },
  { key: 'id', head: 'Id', width: '9.5rem', cell: (row) => <CopyId id={row.id} short /> },
  { key: 'platform', head: 'Platform', width: '6rem', cell: (row) => row.platform },
  { key: 'worker', head: 'Worker', width: '6rem', cell: (row) => row.worker ?? <span className="text-soft">–</span> },
  {
    key: 'why',
    head: 'Why',
    width: 'minmax(10rem, 1.4fr)',
    cell: (row) => (row.why === null ? null : <Text value={row.why} className="text-soft" />),
  },
  { key: 'ms', head: 'Took', width: '6rem', align: 'end', sortable: true, cell: (row) => <Duration ms={row.ms} /> },
  { key: 'at', head: 'Submitted', width: '6.5rem', align: 'end', sortable: true, cell: (row) => <Time at={row.at} /> },
];

const keys: readonly FilterKey[] = [
  { key: 'state', label: 'state', options: states.map((value) => ({ value, label: value })) },
  { key: 'platform', label: 'platform', options: ['ios', 'android'].map((value) => ({ value, label: value })) },
  { key: 'tag', label: 'tag', pair: true },
];

export function Lists(): ReactNode {
  const { values, invalid, set, drop, clear } = useSearch(search);
  const [layout, setLayout] = useTableLayout('specimen');
  const [sort, setSort] = useState<Sort | null>({ key: 'at', dir: 'desc' });
  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set([rowAt(1).id, rowAt(2).id, rowAt(3).id]));
  const [all, setAll] = useState(false);
  const [loaded, setLoaded] = useState(50);
  const [touched, setTouched] = useState(0);
  const rows = useMemo(
    () =>
      Array.from({ length: loaded }, (_, i) => rowAt(i))
        .filter((row) => values.state.length === 0 || values.state.some((state) => state === row.state))
        .map((row, i) => (i === 1 ? { ...row, version: touched } : row)),
    [loaded, values, touched],
  );
  return (
    <div className="stack">
      <FilterBar
        keys={keys}
        values={{ state: values.state, platform: values.platform, tag: values.tag }}
        onChange={(key, next) => set({ [key]: next })}
        invalid={invalid}
        onDrop={drop}
        onClear={clear}
        text={{
          value: values.q ?? '',
          onChange: (q) => set({ q: q === '' ? undefined : q }),
          placeholder: 'Filter by state, platform, tag, or search…',
        }}
        end={
          <>
            <DateRange value={{ last: '24h' }} onChange={() => undefined} />
            <Button onClick={() => setTouched(touched + 1)}>Touch row 2</Button>
            <TableOptions columns={columns} layout={layout} onLayout={setLayout} />
          </>
        }
      />
      <DataTable
        label="Builds"
        columns={columns}
        rows={rows}
        rowKey={(row) => row.id}
        rowTo={(row) => `/builds/${row.id}`}
        rowLabel={(row) => row.id}
        height={440}
        keyboard
        sort={sort}
        onSort={setSort}
        selection={selection}
        onSelection={setSelection}
        allMatching={all}
        onAllMatching={setAll}
        total={4_312}
        bulk={
          <>
            <Button size="s">Cancel 1</Button>
            <Button size="s">Retry 1</Button>
            <Button size="s" disabledReason="None of them is queued">
              Priority…
            </Button>
          </>
        }
        more={{ has: loaded < 4_000, loading: false, load: () => setLoaded(loaded + 50) }}
        newAbove={{ count: 12, show: () => undefined }}
        rowMenu={() => [
          { key: 'retry', label: 'Retry' },
          { key: 'cancel', label: 'Cancel', disabledReason: 'A finished build cannot be cancelled' },
        ]}
        card={(row) => ({
          lead: <State kind="build" state={row.state} />,
          title: <Text value={row.name} max={80} />,
          sub: row.why === null ? row.worker : <Text value={row.why} />,
          end: <Time at={row.at} />,
        })}
        layout={layout}
        version={(row) => row.version}
      />
      <Panel title="Latest failures" flush>
        <DataTable
          label="Latest failures"
          columns={columns.filter(({ key }) => ['state', 'name', 'why', 'at'].includes(key))}
          rows={rows.filter(({ state }) => state === 'failed').slice(0, 4)}
          rowKey={(row) => row.id}
          rowTo={(row) => `/builds/${row.id}`}
        />
      </Panel>
    </div>
  );
}
