import type { BuildQueue } from '@muster/protocol';
import type { ReactNode } from 'react';
import { Badge } from '../../../parts/badge.tsx';
import { Tags } from '../../../parts/chip.tsx';
import { count, duration } from '../../../parts/format.ts';
import { type Column, DataTable } from '../../../parts/table.tsx';
import { buildsWords as w } from '../../../words/builds.ts';
import { etaText } from '../why.tsx';

type Demand = BuildQueue['demands'][number];

const keyOf = ({ platform, requires }: Demand): string => `${platform} ${JSON.stringify(requires)}`;
/** What nobody waits or runs for any more says nothing today. */
const isMoving = ({ depth, running }: Demand): boolean => depth > 0 || running > 0;

const columns: Column<Demand>[] = [
  {
    key: 'needs',
    head: w.demand.needs,
    fixed: true,
    width: 'minmax(180px,1.5fr)',
    cell: ({ platform, requires }) => (
      <span className="row clip">
        <span>{platform}</span>
        <Tags tags={requires} max={4} />
      </span>
    ),
  },
  {
    key: 'depth',
    head: w.demand.depth,
    align: 'end',
    width: '80px',
    cell: ({ depth }) => <span className="num">{count(depth)}</span>,
  },
  {
    key: 'running',
    head: w.demand.running,
    align: 'end',
    width: '80px',
    cell: ({ running }) => <span className="num">{count(running)}</span>,
  },
  {
    key: 'oldest',
    head: w.demand.oldest,
    align: 'end',
    width: '104px',
    cell: ({ oldestWaitMs }) => <span className="num">{oldestWaitMs === null ? '–' : duration(oldestWaitMs)}</span>,
  },
  {
    key: 'workers',
    head: w.demand.workers,
    width: 'minmax(150px,1fr)',
    cell: ({ workersOnline, seatsFree, depth }) =>
      workersOnline === 0 && depth > 0 ? (
        <Badge tone="failed">{w.demand.nobody}</Badge>
      ) : (
        <span>{w.demand.online(workersOnline, seatsFree)}</span>
      ),
  },
  {
    key: 'runs',
    head: w.demand.runs,
    align: 'end',
    width: '140px',
    cell: ({ runMsP50, runMsP95 }) => (
      <span className="num">
        {runMsP50 === null ? '–' : w.demand.halfAndMost(duration(runMsP50), duration(runMsP95))}
      </span>
    ),
  },
  {
    key: 'eta',
    head: w.demand.eta,
    align: 'end',
    width: '96px',
    cell: ({ etaMs }) => <span className="num">{etaMs === null ? '–' : etaText(etaMs)}</span>,
  },
];

/** What is asked for in a queue, by platform and labels: the numbers an autoscaler reads. */
export function Demands({ queue }: { queue: BuildQueue }): ReactNode {
  const rows = queue.demands.filter(isMoving);
  if (rows.length === 0) return <p className="text-soft">{w.demand.none}</p>;
  return (
    <DataTable<Demand> label={w.demand.title(queue.name)} columns={columns} rows={rows} rowKey={keyOf} height="auto" />
  );
}
