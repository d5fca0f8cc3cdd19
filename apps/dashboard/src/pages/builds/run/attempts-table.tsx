import type { Attempt, Build } from '@muster/protocol';
import type { StateKind } from '@muster/protocol/tones';
import { type ReactNode, useMemo } from 'react';
import { Elapsed } from '../../../parts/duration.tsx';
import { count } from '../../../parts/format.ts';
import { Link } from '../../../parts/nav.tsx';
import { plain } from '../../../parts/plain.ts';
import { State } from '../../../parts/state.tsx';
import { type Column, DataTable } from '../../../parts/table.tsx';
import { Text } from '../../../parts/text.tsx';
import { Time } from '../../../parts/time.tsx';
import { buildsWords as w } from '../../../words/builds.ts';
import { workerPath } from '../list/columns.tsx';

const columnsFor = (now: Build['state']): Column<Attempt>[] => [
  {
    key: 'term',
    head: w.columns.attempt,
    width: '80px',
    fixed: true,
    cell: ({ term }) => <span className="num">{term}</span>,
  },
  {
    key: 'outcome',
    head: w.columns.state,
    width: '128px',
    cell: ({ outcome }) =>
      outcome === null ? <State kind="build" state={now} /> : <State kind={kindOf(outcome)} state={outcome} />,
  },
  {
    key: 'worker',
    head: w.columns.worker,
    width: 'minmax(120px,1fr)',
    cell: ({ workerId, workerName }) => (
      <Link to={workerPath(workerId)} className="clip">
        <Text value={workerName ?? workerId} max={60} />
      </Link>
    ),
  },
  {
    key: 'started',
    head: w.columns.started,
    width: '112px',
    align: 'end',
    cell: ({ startedAt }) => <Time at={startedAt} show="clock" />,
  },
  {
    key: 'took',
    head: w.columns.took,
    width: '96px',
    align: 'end',
    cell: ({ startedAt, endedAt }) => <Elapsed since={startedAt} until={endedAt} />,
  },
  {
    key: 'lines',
    head: w.columns.lines,
    width: '88px',
    align: 'end',
    cell: ({ logLines }) => <span className="num">{count(logLines)}</span>,
  },
  {
    key: 'exit',
    head: w.columns.exit,
    width: '72px',
    align: 'end',
    cell: ({ exitCode }) => <span className="num">{exitCode ?? '–'}</span>,
  },
  {
    key: 'why',
    head: w.columns.why,
    width: 'minmax(180px,2fr)',
    title: ({ failure }) => plain(failure?.detail ?? '', 1_000),
    cell: ({ failure }) => (failure ? <Text value={failure.detail} max={300} className="clip" /> : null),
  },
];

/** Each attempt: where, how long, how it ended and why. */
export function AttemptsTable({ build }: { build: Build }): ReactNode {
  const columns = useMemo(() => columnsFor(build.state), [build.state]);
  return (
    <DataTable<Attempt>
      label={w.run.attempts}
      columns={columns}
      rows={build.attempts}
      rowKey={({ term }) => String(term)}
      height="auto"
    />
  );
}

/** `lost` and `abandoned` are ends of attempts, the others are states of builds too. */
const kindOf = (outcome: NonNullable<Attempt['outcome']>): StateKind =>
  outcome === 'lost' || outcome === 'abandoned' ? 'attempt' : 'build';
