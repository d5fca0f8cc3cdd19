import type { Worker } from '@muster/protocol';
import { workerStates } from '@muster/protocol/builds';
import { toneOf } from '@muster/protocol/tones';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { type ReactNode, useMemo, useState } from 'react';
import { useClient } from '../../../api/client.ts';
import { useMay } from '../../../api/me.ts';
import { problemOf } from '../../../api/problem.ts';
import { Button } from '../../../parts/button.tsx';
import { Tags } from '../../../parts/chip.tsx';
import { EmptyState, NothingMatches } from '../../../parts/empty-state.tsx';
import { FilterBar } from '../../../parts/filter-bar.tsx';
import { count } from '../../../parts/format.ts';
import { Page, PageHead } from '../../../parts/page.tsx';
import { ProblemPanel } from '../../../parts/problem-panel.tsx';
import { many, oneOf, searchOf, text } from '../../../parts/search.ts';
import { State } from '../../../parts/state.tsx';
import { type Column, DataTable } from '../../../parts/table.tsx';
import type { CardContent } from '../../../parts/table-cards.tsx';
import { useTableLayout } from '../../../parts/table-layout.ts';
import { TableOptions } from '../../../parts/table-options.tsx';
import { Text } from '../../../parts/text.tsx';
import { Time } from '../../../parts/time.tsx';
import { useSearch } from '../../../parts/use-search.ts';
import { buildsWords as w } from '../../../words/builds.ts';
import { BuildsTabs } from '../builds-tabs.tsx';
import { workerPath } from '../list/columns.tsx';
import { useLiveBuilds } from '../live-builds.ts';
import { workersQuery } from '../queries.ts';
import { AddWorker } from './add-worker.tsx';
import { Health } from './health.tsx';
import { Seats } from './seats.tsx';
import { useWorkerActs } from './use-worker-acts.ts';

const workerSearch = searchOf({ state: many(oneOf(workerStates)), q: text() });

const columns: Column<Worker>[] = [
  {
    key: 'state',
    head: w.columns.state,
    fixed: true,
    width: '120px',
    cell: ({ state }) => <State kind="worker" state={state} />,
  },
  {
    key: 'name',
    head: w.columns.name,
    fixed: true,
    main: true,
    width: 'minmax(8rem,1fr)',
    cell: ({ name }) => <Text value={name} max={60} />,
  },
  {
    key: 'platforms',
    head: w.workers.platforms,
    width: '132px',
    cell: ({ platforms }) => <span className="clip">{platforms.join(', ')}</span>,
  },
  {
    key: 'labels',
    head: w.workers.labels,
    width: 'minmax(140px,1fr)',
    cell: ({ labels }) => <Tags tags={labels} max={3} />,
  },
  { key: 'seats', head: w.workers.seats, width: 'minmax(140px,1fr)', cell: (worker) => <Seats worker={worker} /> },
  {
    key: 'seen',
    head: w.workers.seen,
    width: '112px',
    align: 'end',
    cell: ({ lastSeenAt }) => <Time at={lastSeenAt} />,
  },
  {
    key: 'record',
    head: w.workers.record,
    width: '132px',
    title: ({ counters }) => w.workers.recordTold(counters.succeeded, counters.failed, counters.lost),
    align: 'end',
    cell: ({ counters }) => (
      <span className="num">
        {count(counters.succeeded)} / {count(counters.failed)} /{' '}
        <span className={counters.lost > 0 ? 'text-tone-warn' : ''}>{count(counters.lost)}</span>
      </span>
    ),
  },
  {
    key: 'health',
    head: w.workers.health,
    width: '96px',
    cell: ({ diagnostics }) => <Health status={diagnostics?.status} />,
  },
  {
    key: 'version',
    head: w.workers.version,
    width: '96px',
    hidden: true,
    cell: ({ version }) => <Text value={version === '' ? '–' : version} max={30} mono />,
  },
];

const workerCard = (worker: Worker): CardContent => ({
  lead: <State kind="worker" state={worker.state} />,
  title: <Text value={worker.name} max={40} />,
  sub: <Seats worker={worker} />,
  end: <Time at={worker.lastSeenAt} />,
});

/** The machines that pull builds. */
export function WorkersPage(): ReactNode {
  const client = useClient();
  const search = useSearch(workerSearch);
  const { values } = search;
  useLiveBuilds();
  const workers = useInfiniteQuery(workersQuery(client));
  const acts = useWorkerActs();
  const operate = useMay('builds:operate');
  const [adding, setAdding] = useState(false);
  const [layout, setLayout] = useTableLayout('workers');
  const problem = problemOf(workers.error);
  const all = useMemo(() => workers.data?.pages.flatMap(({ items }) => items) ?? [], [workers.data]);
  const needle = values.q?.toLowerCase();
  // A project has few workers, and all of them are here: what they are filtered by is looked for in the page.
  const rows = all.filter(
    (worker) =>
      (values.state.length === 0 || values.state.includes(worker.state)) &&
      (needle === undefined ||
        [
          worker.name,
          worker.id,
          ...worker.platforms,
          ...Object.entries(worker.labels).map(([key, value]) => `${key}=${value}`),
        ].some((each) => each.toLowerCase().includes(needle))),
  );
  return (
    <Page fill wide>
      <PageHead
        title={w.workers.title}
        note={
          workers.data ? w.workers.note(all.filter(({ state }) => state !== 'offline').length, all.length) : undefined
        }
        actions={
          <Button
            variant="primary"
            icon={<Plus aria-hidden />}
            disabledReason={operate.reason}
            onClick={() => setAdding(true)}
          >
            {w.workers.add}
          </Button>
        }
        tabs={<BuildsTabs />}
      />
      <FilterBar
        keys={[
          {
            key: 'state',
            label: w.filters.state,
            options: workerStates.map((value) => ({ value, label: value, tone: toneOf('worker', value) })),
          },
        ]}
        values={{ state: [...values.state] }}
        onChange={(key, next) => search.set({ [key]: next })}
        invalid={search.invalid}
        onDrop={search.drop}
        onClear={search.clear}
        text={{
          value: values.q ?? '',
          onChange: (q) => search.set({ q: q === '' ? undefined : q }, { replace: true }),
          placeholder: w.workers.text,
        }}
        end={<TableOptions columns={columns} layout={layout} onLayout={setLayout} />}
      />
      {problem ? (
        <ProblemPanel
          problem={problem}
          busy={workers.isFetching}
          onRetry={() => void workers.refetch()}
          {...(workers.data ? { lastGoodAt: workers.dataUpdatedAt } : {})}
        />
      ) : null}
      {problem && !workers.data ? null : (
        <DataTable<Worker>
          label={w.workers.title}
          columns={columns}
          rows={rows}
          rowKey={({ id }) => id}
          rowTo={({ id }) => workerPath(id)}
          rowLabel={({ name }) => name}
          version={({ state, held, admission }) => `${state} ${admission} ${held.map(({ buildId }) => buildId).join()}`}
          height="fill"
          layout={layout}
          loading={workers.isPending}
          stale={problem !== undefined}
          more={{
            has: workers.hasNextPage,
            loading: workers.isFetchingNextPage,
            load: () => void workers.fetchNextPage(),
          }}
          keyboard
          rowMenu={(worker) => [
            {
              key: 'drain',
              label: w.worker.drain,
              disabledReason: acts.reason('drain', worker),
              onSelect: () => void acts.drain(worker),
            },
            {
              key: 'resume',
              label: w.worker.resume,
              disabledReason: acts.reason('resume', worker),
              onSelect: () => void acts.resume(worker),
            },
            { key: 'rule', rule: true },
            {
              key: 'remove',
              label: w.worker.remove,
              danger: true,
              disabledReason: acts.reason('remove', worker),
              onSelect: () => void acts.remove(worker),
            },
          ]}
          card={workerCard}
          empty={
            all.length > 0 ? (
              <NothingMatches
                chips={[
                  ...values.state.map((value) => ({ name: w.filters.state, value })),
                  ...(values.q === undefined ? [] : [{ value: values.q }]),
                ]}
                onClear={search.clear}
              />
            ) : (
              <EmptyState
                title={w.workers.emptyTitle}
                detail={w.workers.emptyDetail}
                action={
                  <Button variant="primary" disabledReason={operate.reason} onClick={() => setAdding(true)}>
                    {w.workers.add}
                  </Button>
                }
              />
            )
          }
        />
      )}
      <AddWorker open={adding} onClose={() => setAdding(false)} />
    </Page>
  );
}
