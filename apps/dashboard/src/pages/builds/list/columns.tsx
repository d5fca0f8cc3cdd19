import type { BuildSummary } from '@muster/protocol';
import { Tags } from '../../../parts/chip.tsx';
import { CopyId } from '../../../parts/copy-id.tsx';
import { Duration, Elapsed } from '../../../parts/duration.tsx';
import { Link } from '../../../parts/nav.tsx';
import { plain } from '../../../parts/plain.ts';
import { State } from '../../../parts/state.tsx';
import type { Column } from '../../../parts/table.tsx';
import { Text } from '../../../parts/text.tsx';
import { Time } from '../../../parts/time.tsx';
import { buildsWords as w } from '../../../words/builds.ts';
import { spanOf, Why } from '../why.tsx';

export const buildPath = (id: string): string => `/builds/${id}`;
export const workerPath = (id: string): string => `/builds/workers/${id}`;

/** The columns of every list of builds. `onTag`: filters by a pressed tag. */
export const buildColumns = (onTag: (key: string, value: string) => void): Column<BuildSummary>[] => [
  {
    key: 'state',
    head: w.columns.state,
    fixed: true,
    width: '7rem',
    cell: ({ state }) => <State kind="build" state={state} />,
  },
  {
    key: 'name',
    head: w.columns.name,
    fixed: true,
    main: true,
    width: 'minmax(200px,1.4fr)',
    cell: ({ name }) =>
      name === null ? <span className="text-soft">{w.unnamed}</span> : <Text value={name} max={80} />,
  },
  {
    key: 'id',
    head: w.columns.id,
    hidden: true,
    width: '8.25rem',
    mono: true,
    cell: ({ id }) => <CopyId id={id} short />,
  },
  {
    key: 'why',
    head: w.columns.why,
    width: 'minmax(11rem,2.2fr)',
    title: ({ waiting, failure }) => plain(waiting?.detail ?? failure?.detail ?? '', 1_000),
    cell: (build) => <Why build={build} />,
  },
  {
    key: 'tags',
    head: w.tags,
    width: 'minmax(5.5rem,0.8fr)',
    cell: ({ tags }) => <Tags tags={tags} max={1} onPick={onTag} />,
  },
  { key: 'platform', head: w.columns.platform, width: '84px', cell: ({ platform }) => platform },
  {
    key: 'worker',
    head: w.columns.worker,
    width: '5.5rem',
    cell: ({ workerId, workerName }) =>
      workerId === null ? (
        <span className="text-soft">–</span>
      ) : (
        <Link to={workerPath(workerId)} className="quiet-link clip">
          <Text value={workerName ?? workerId} max={40} />
        </Link>
      ),
  },
  {
    key: 'attempt',
    head: w.columns.attempt,
    width: '4.75rem',
    align: 'end',
    cell: ({ term }) => <span className={`num ${term > 1 ? 'text-tone-warn' : ''}`}>{term === 0 ? '–' : term}</span>,
  },
  {
    key: 'submitted',
    head: w.columns.submitted,
    width: '5.5rem',
    align: 'end',
    cell: ({ submittedAt }) => <Time at={submittedAt} />,
  },
  {
    key: 'took',
    head: w.columns.took,
    width: '5rem',
    align: 'end',
    cell: (build) => {
      const span = spanOf(build);
      if (!span) return <span className="text-soft">–</span>;
      return span.until === null ? <Elapsed since={span.from} /> : <Duration ms={span.until - span.from} />;
    },
  },
  {
    key: 'queue',
    head: w.columns.queue,
    width: '6.5rem',
    hidden: true,
    cell: ({ queue }) => <Text value={queue} max={64} />,
  },
  {
    key: 'priority',
    head: w.columns.priority,
    width: '5.25rem',
    align: 'end',
    hidden: true,
    cell: ({ priority }) => <span className="num">{priority}</span>,
  },
  {
    key: 'by',
    head: w.columns.by,
    width: '8.75rem',
    hidden: true,
    cell: ({ submittedBy }) => <Text value={submittedBy} max={60} />,
  },
];
