import type { BuildSummary } from '@muster/protocol';
import { attributions, buildStates, failureCodes, platforms } from '@muster/protocol/builds';
import { toneOf } from '@muster/protocol/tones';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { type ReactNode, useMemo, useState } from 'react';
import { useClient } from '../../../api/client.ts';
import { useMay } from '../../../api/me.ts';
import { problemOf } from '../../../api/problem.ts';
import { ButtonLink } from '../../../parts/button.tsx';
import { EmptyState, NothingMatches } from '../../../parts/empty-state.tsx';
import { FilterBar, type FilterKey } from '../../../parts/filter-bar.tsx';
import { count } from '../../../parts/format.ts';
import { Page, PageHead } from '../../../parts/page.tsx';
import { ProblemPanel } from '../../../parts/problem-panel.tsx';
import { DataTable } from '../../../parts/table.tsx';
import { useTableLayout } from '../../../parts/table-layout.ts';
import { TableOptions } from '../../../parts/table-options.tsx';
import { useClock } from '../../../parts/time.tsx';
import { useSearch } from '../../../parts/use-search.ts';
import { buildsWords as w } from '../../../words/builds.ts';
import { BuildsTabs } from '../builds-tabs.tsx';
import { buildSearch, filterOf } from '../filters.ts';
import { useLiveBuilds } from '../live-builds.ts';
import { countQuery, listQuery } from '../queries.ts';
import { listSnippets, submitSnippets } from '../snippets.ts';
import { SnippetsUnder } from '../snippets-under.tsx';
import { useBuildActs } from '../use-build-acts.ts';
import { buildCard } from './build-card.tsx';
import { BulkActions } from './bulk-actions.tsx';
import { BulkProgress } from './bulk-progress.tsx';
import { buildColumns, buildPath } from './columns.tsx';
import { useNewRows } from './new-rows.ts';

const filterKeys: FilterKey[] = [
  {
    key: 'state',
    label: w.filters.state,
    options: buildStates.map((value) => ({ value, label: value, tone: toneOf('build', value) })),
  },
  {
    key: 'platform',
    label: w.filters.platform,
    one: true,
    options: platforms.map((value) => ({ value, label: value })),
  },
  { key: 'tag', label: w.filters.tag, one: true, pair: true, hint: w.filters.tagHint },
  { key: 'queue', label: w.filters.queue, one: true },
  { key: 'worker', label: w.filters.worker, one: true, hint: w.filters.workerHint },
  { key: 'key', label: w.filters.key, one: true },
  {
    key: 'attribution',
    label: w.filters.attribution,
    one: true,
    options: attributions.map((value) => ({ value, label: w.attribution[value] })),
  },
  {
    key: 'failure',
    label: w.filters.failure,
    one: true,
    options: Object.keys(failureCodes).map((value) => ({ value, label: value })),
  },
  { key: 'retried', label: w.filters.retried, one: true, options: [{ value: 'true', label: w.filters.retriedYes }] },
  {
    key: 'last',
    label: w.filters.last,
    one: true,
    options: ['15m', '1h', '24h', '7d', '30d'].map((value) => ({ value, label: value })),
  },
];
const manyKeys: ReadonlySet<string> = new Set(['state']);
const nothing: ReadonlySet<string> = new Set();

/** Every build of the project, newest first. */
export function ListPage(): ReactNode {
  const client = useClient();
  const clock = useClock();
  const search = useSearch(buildSearch);
  const { values } = search;
  // A filter that counts from now is pinned when it is chosen, not at every render.
  const filter = useMemo(() => filterOf(values, clock.now()), [values, clock]);
  const list = useInfiniteQuery(listQuery(client, filter));
  const total = useQuery(countQuery(client, filter));
  const fresh = useNewRows(filter);
  useLiveBuilds({ submitted: fresh.heard });
  const [selection, setSelection] = useState<ReadonlySet<string>>(nothing);
  const [allMatching, setAllMatching] = useState(false);
  const [layout, setLayout] = useTableLayout('builds');
  const operate = useMay('builds:operate');
  const acts = useBuildActs();
  const columns = useMemo(() => buildColumns((key, value) => search.set({ tag: `${key}=${value}` })), [search]);
  const rows = useMemo(() => list.data?.pages.flatMap(({ items }) => items) ?? [], [list.data]);
  const problem = problemOf(list.error);
  const hasFilter = Object.keys(filter).length > 0;
  const deselect = (): void => {
    setSelection(nothing);
    setAllMatching(false);
  };
  const filterValues = valuesOf(values);

  return (
    <Page fill wide>
      <PageHead
        title={w.title}
        note={total.data ? w.total(count(total.data.count), total.data.exact, hasFilter) : undefined}
        actions={
          <ButtonLink to="/builds/new" variant="primary" icon={<Plus aria-hidden />}>
            {w.submit.title}
          </ButtonLink>
        }
        tabs={<BuildsTabs />}
      />
      <FilterBar
        keys={filterKeys}
        values={filterValues}
        onChange={(key, next) => {
          deselect();
          search.set({ [key]: manyKeys.has(key) ? next : key === 'retried' ? next.length > 0 : next[0] });
        }}
        invalid={search.invalid}
        onDrop={search.drop}
        onClear={() => {
          deselect();
          search.clear();
        }}
        text={{
          value: values.q ?? '',
          onChange: (text) => search.set({ q: text === '' ? undefined : text }, { replace: true }),
          placeholder: w.filters.text,
        }}
        end={<TableOptions columns={columns} layout={layout} onLayout={setLayout} />}
      />
      <BulkProgress jobId={values.bulk} onClose={() => search.set({ bulk: undefined }, { replace: true })} />
      {problem && rows.length > 0 ? (
        <ProblemPanel
          problem={problem}
          lastGoodAt={list.dataUpdatedAt}
          busy={list.isFetching}
          onRetry={() => void list.refetch()}
        />
      ) : null}
      {problem && rows.length === 0 ? (
        <ProblemPanel problem={problem} busy={list.isFetching} onRetry={() => void list.refetch()} />
      ) : (
        <DataTable<BuildSummary>
          label={w.title}
          columns={columns}
          rows={rows}
          rowKey={({ id }) => id}
          rowTo={({ id }) => buildPath(id)}
          rowLabel={({ name, id }) => name ?? id}
          version={({ state, version }) => `${state} ${version}`}
          height="fill"
          layout={layout}
          loading={list.isPending}
          stale={list.isPlaceholderData || problem !== undefined}
          total={total.data?.exact === true ? total.data.count : null}
          selection={selection}
          onSelection={(next) => {
            setSelection(next);
            setAllMatching(false);
          }}
          allMatching={allMatching}
          onAllMatching={setAllMatching}
          bulk={
            <BulkActions
              target={allMatching ? { filter } : { ids: [...selection] }}
              rows={allMatching ? undefined : rows.filter(({ id }) => selection.has(id))}
              disabledReason={operate.reason}
              onStarted={(jobId) => {
                deselect();
                search.set({ bulk: jobId }, { replace: true });
              }}
            />
          }
          more={{
            has: list.hasNextPage,
            loading: list.isFetchingNextPage,
            load: () => void list.fetchNextPage(),
            ...(list.isFetchNextPageError && problem ? { problem } : {}),
          }}
          newAbove={{ count: fresh.count, show: () => void fresh.show() }}
          keyboard
          rowMenu={(build) => [
            {
              key: 'cancel',
              label: w.acts.cancel,
              danger: true,
              disabledReason: acts.reason('cancel', build),
              onSelect: () => void acts.cancel(build),
            },
            {
              key: 'retry',
              label: w.acts.retry,
              disabledReason: acts.reason('retry', build),
              onSelect: () => void acts.retry(build),
            },
            { key: 'log', label: w.acts.openLog, to: `${buildPath(build.id)}?tab=log` },
          ]}
          card={buildCard}
          empty={
            hasFilter ? (
              <NothingMatches chips={chipsOf(filterValues, values.q)} onClear={search.clear} />
            ) : (
              <EmptyState
                title={w.empty.title}
                detail={w.empty.detail}
                action={
                  <ButtonLink to="/builds/new" variant="primary">
                    {w.submit.title}
                  </ButtonLink>
                }
                snippets={submitSnippets('any')}
              />
            )
          }
        />
      )}
      {rows.length === 0 ? null : <SnippetsUnder items={listSnippets(filter)} />}
    </Page>
  );
}

/** For the filter bar, which knows only lists of words. */
function valuesOf(values: ReturnType<typeof buildSearch.parse>['values']): Record<string, string[]> {
  const one = (value: string | undefined): string[] => (value === undefined ? [] : [value]);
  const { state, platform, tag, queue, worker, key, attribution, failure, retried, last } = values;
  return {
    state: [...state],
    platform: one(platform),
    tag: one(tag),
    queue: one(queue),
    worker: one(worker),
    key: one(key),
    attribution: one(attribution),
    failure: one(failure),
    retried: retried ? ['true'] : [],
    last: one(last),
  };
}

const chipsOf = (values: Record<string, string[]>, text: string | undefined): { name?: string; value: string }[] => [
  ...Object.entries(values).flatMap(([name, all]) => all.map((value) => ({ name, value }))),
  ...(text === undefined ? [] : [{ value: text }]),
];
