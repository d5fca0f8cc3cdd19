import type { ConfigAnswer } from '@muster/protocol';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { problemOf } from '../../api/problem.ts';
import { NoRight, NothingMatches } from '../../parts/empty-state.tsx';
import { FilterBar } from '../../parts/filter-bar.tsx';
import { Page, PageHead } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { flag, searchOf, text } from '../../parts/search.ts';
import { Switch } from '../../parts/switch.tsx';
import { type Column, DataTable } from '../../parts/table.tsx';
import { Text } from '../../parts/text.tsx';
import { useSearch } from '../../parts/use-search.ts';
import { settingsWords } from '../../words/settings.ts';
import { SettingsTabs } from './settings-tabs.tsx';

const w = settingsWords.config;
const configSearch = searchOf({ q: text(100), changed: flag() });
type Setting = ConfigAnswer['items'][number];

const columns: Column<Setting>[] = [
  {
    key: 'name',
    head: w.name,
    main: true,
    fixed: true,
    mono: true,
    width: 'minmax(220px,1fr)',
    cell: ({ name, givenAs }) => (
      <span className="clip" title={givenAs === null ? name : w.givenAs(givenAs)}>
        {name}
      </span>
    ),
  },
  {
    key: 'value',
    head: w.value,
    width: 'minmax(140px,1fr)',
    cell: ({ value }) => <Text value={value} mono max={200} />,
  },
  { key: 'origin', head: w.origin, width: '120px', cell: ({ origin }) => origin },
  {
    key: 'says',
    head: w.means,
    width: 'minmax(220px,2fr)',
    cell: ({ says }) => <span className="clip">{says}</span>,
    title: ({ says }) => says,
  },
];

/** What is in effect, and where it comes from. Changed in the environment, with a restart. */
export function ConfigPage(): ReactNode {
  const client = useClient();
  const installation = useMay('installation');
  const { values, invalid, set, drop, clear } = useSearch(configSearch);
  const config = useQuery({
    queryKey: ['running', 'config'],
    queryFn: ({ signal }) => client.running.config(signal),
    enabled: installation.may,
  });
  const problem = problemOf(config.error);
  const needle = values.q?.toLowerCase();
  const rows = (config.data?.items ?? []).filter(
    ({ name, says, origin }) =>
      (!values.changed || origin !== w.standard) &&
      (needle === undefined || name.toLowerCase().includes(needle) || says.toLowerCase().includes(needle)),
  );
  const warnings = config.data?.warnings ?? [];
  return (
    <Page fill>
      <PageHead title={w.title} tabs={<SettingsTabs />}>
        <p className="text-soft">{w.lead}</p>
      </PageHead>
      {installation.may ? null : <NoRight scope="installation" />}
      {warnings.length > 0 ? (
        <Panel title={w.warnings} tone="warn">
          <ul className="stack">
            {warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </Panel>
      ) : null}
      {problem ? <ProblemPanel problem={problem} onRetry={() => void config.refetch()} /> : null}
      {installation.may ? (
        <>
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
            end={<Switch label={w.changed} checked={values.changed} onChange={(changed) => set({ changed })} />}
          />
          <DataTable<Setting>
            label={w.title}
            columns={columns}
            rows={rows}
            rowKey={({ name }) => name}
            height="fill"
            loading={config.isPending}
            total={rows.length}
            card={({ name, value, origin }) => ({
              lead: origin,
              title: <span className="mono">{name}</span>,
              sub: <Text value={value} mono max={80} />,
            })}
            empty={<NothingMatches chips={needle === undefined ? [] : [{ value: needle }]} onClear={clear} />}
          />
        </>
      ) : null}
    </Page>
  );
}
