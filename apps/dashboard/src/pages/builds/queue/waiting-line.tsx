import type { BuildSummary } from '@muster/protocol';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import { useClient } from '../../../api/client.ts';
import { problemOf } from '../../../api/problem.ts';
import { Button } from '../../../parts/button.tsx';
import { CopyId } from '../../../parts/copy-id.tsx';
import { Elapsed } from '../../../parts/duration.tsx';
import { plain } from '../../../parts/plain.ts';
import { ProblemPanel } from '../../../parts/problem-panel.tsx';
import { State } from '../../../parts/state.tsx';
import { type Column, DataTable } from '../../../parts/table.tsx';
import { Text } from '../../../parts/text.tsx';
import { buildsWords as w } from '../../../words/builds.ts';
import { buildCard } from '../list/build-card.tsx';
import { buildPath } from '../list/columns.tsx';
import { lineQuery } from '../queries.ts';
import { Why } from '../why.tsx';

const columns: Column<BuildSummary>[] = [
  {
    key: 'state',
    head: w.columns.state,
    fixed: true,
    width: '112px',
    cell: ({ state }) => <State kind="build" state={state} />,
  },
  {
    key: 'name',
    head: w.columns.name,
    main: true,
    width: 'minmax(9rem,1fr)',
    cell: ({ name }) =>
      name === null ? <span className="text-soft">{w.unnamed}</span> : <Text value={name} max={80} />,
  },
  { key: 'id', head: w.columns.id, width: '116px', mono: true, cell: ({ id }) => <CopyId id={id} short /> },
  {
    key: 'why',
    head: w.columns.why,
    width: 'minmax(13rem,2.5fr)',
    title: ({ waiting }) => plain(waiting?.detail ?? '', 1_000),
    cell: (build) => <Why build={build} />,
  },
  {
    key: 'priority',
    head: w.columns.priority,
    align: 'end',
    width: '80px',
    cell: ({ priority }) => <span className="num">{priority}</span>,
  },
  {
    key: 'waits',
    head: w.columns.waits,
    align: 'end',
    width: '104px',
    cell: ({ submittedAt }) => <Elapsed since={submittedAt} />,
  },
];

/** What waits in one queue, first what is taken first. */
export function WaitingLine({ queue }: { queue: string }): ReactNode {
  const client = useClient();
  const line = useInfiniteQuery(lineQuery(client, queue));
  const rows = useMemo(() => line.data?.pages.flatMap(({ items }) => items) ?? [], [line.data]);
  const problem = problemOf(line.error);
  return (
    <>
      {problem ? <ProblemPanel problem={problem} onRetry={() => void line.refetch()} busy={line.isFetching} /> : null}
      <DataTable<BuildSummary>
        label={w.queue.lineOf(queue)}
        columns={columns}
        rows={rows}
        rowKey={({ id }) => id}
        rowTo={({ id }) => buildPath(id)}
        rowLabel={({ name, id }) => name ?? id}
        height="auto"
        loading={line.isPending}
        card={buildCard}
      />
      {line.hasNextPage ? (
        <Button size="s" busy={line.isFetchingNextPage} onClick={() => void line.fetchNextPage()}>
          {w.queue.more}
        </Button>
      ) : null}
    </>
  );
}
