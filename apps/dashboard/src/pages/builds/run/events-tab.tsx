import type { BuildEventRecord } from '@muster/protocol';
import { type ReactNode, useMemo, useState } from 'react';
import { Button } from '../../../parts/button.tsx';
import { Drawer } from '../../../parts/drawer.tsx';
import { count } from '../../../parts/format.ts';
import { JsonTree } from '../../../parts/json-tree.tsx';
import { Link } from '../../../parts/nav.tsx';
import { oneOf, searchOf } from '../../../parts/search.ts';
import { Segmented } from '../../../parts/segmented.tsx';
import { type Column, DataTable } from '../../../parts/table.tsx';
import type { CardContent } from '../../../parts/table-cards.tsx';
import { Text } from '../../../parts/text.tsx';
import { Time } from '../../../parts/time.tsx';
import { useSearch } from '../../../parts/use-search.ts';
import { buildsWords as w } from '../../../words/builds.ts';
import { workerPath } from '../list/columns.tsx';

const eventSearch = searchOf({ show: oneOf(['all']) });

const columnsFor = (open: (event: BuildEventRecord) => void): Column<BuildEventRecord>[] => [
  { key: 'at', head: w.columns.at, width: '120px', fixed: true, cell: ({ at }) => <Time at={at} show="clock" /> },
  { key: 'type', head: w.columns.event, width: '160px', fixed: true, cell: ({ type }) => w.eventName(type) },
  {
    key: 'attempt',
    head: w.columns.attempt,
    width: '80px',
    align: 'end',
    cell: ({ term }) => <span className="num">{term === undefined || term === 0 ? '–' : term}</span>,
  },
  {
    key: 'worker',
    head: w.columns.worker,
    width: '160px',
    cell: ({ workerId }) =>
      workerId === undefined ? null : (
        <Link to={workerPath(workerId)} className="mono clip">
          {workerId}
        </Link>
      ),
  },
  {
    key: 'reason',
    head: w.columns.reason,
    width: 'minmax(140px,1fr)',
    cell: ({ reason, data }) => (
      <span className="row clip">
        {reason === undefined || reason === 'none' ? null : <span className="mono">{reason}</span>}
        <Text value={said(data)} max={200} className="clip text-soft" />
      </span>
    ),
  },
  {
    key: 'data',
    head: w.columns.data,
    width: '88px',
    cell: (event) =>
      event.data === undefined ? null : (
        <Button size="s" variant="quiet" onClick={() => open(event)}>
          {w.run.open}
        </Button>
      ),
  },
];

/** What happened, in order. Progress is left out until it is asked for: there is much of it. */
export function EventsTab({ events, cut }: { events: readonly BuildEventRecord[]; cut: number }): ReactNode {
  const { values, set } = useSearch(eventSearch);
  const [open, setOpen] = useState<BuildEventRecord>();
  const rows = useMemo(
    () => events.filter(({ type }) => values.show === 'all' || type !== 'progress').toReversed(),
    [events, values.show],
  );
  const columns = useMemo(() => columnsFor(setOpen), []);
  return (
    <div className="stack">
      <Segmented
        label={w.run.whichEvents}
        value={values.show ?? 'moves'}
        onChange={(value) => set({ show: value === 'all' ? 'all' : undefined }, { replace: true })}
        options={[
          { value: 'moves', label: w.run.moves },
          { value: 'all', label: w.run.everything },
        ]}
      />
      {cut > 0 ? <p className="text-soft">{w.run.eventsCut(count(cut))}</p> : null}
      <DataTable<BuildEventRecord>
        label={w.run.events}
        columns={columns}
        rows={rows}
        rowKey={({ id }) => String(id)}
        height="auto"
        empty={<p className="p-4 text-soft">{w.run.noEvents}</p>}
        card={eventCard}
      />
      <Drawer
        open={open !== undefined}
        onClose={() => setOpen(undefined)}
        title={open ? w.eventName(open.type) : w.run.events}
      >
        {open ? <JsonTree value={open} label={w.run.payload} /> : null}
      </Drawer>
    </div>
  );
}

const eventCard = ({ type, at, reason }: BuildEventRecord): CardContent => ({
  lead: null,
  title: w.eventName(type),
  sub: reason ?? null,
  end: <Time at={at} show="clock" />,
});

/** What an event says in words, where it does. */
function said(data: Readonly<Record<string, unknown>> | undefined): string {
  const { detail, phase, progress, name } = data ?? {};
  if (typeof detail === 'string') return detail;
  if (typeof phase === 'string') return typeof progress === 'number' ? `${phase} ${progress} %` : phase;
  return typeof name === 'string' ? name : '';
}
