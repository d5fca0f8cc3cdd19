import type { KeyRequest, ListedKey } from '@muster/protocol';
import type { ReactNode } from 'react';
import { useClient } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { Drawer } from '../../parts/drawer.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { duration } from '../../parts/format.ts';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { type Column, DataTable } from '../../parts/table.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { settingsWords } from '../../words/settings.ts';

const w = settingsWords.keys;

const columns: Column<KeyRequest>[] = [
  { key: 'at', head: w.logColumns.at, width: '96px', cell: ({ at }) => <Time at={at} show="clock" /> },
  {
    key: 'call',
    head: w.logColumns.call,
    width: 'minmax(180px,1fr)',
    mono: true,
    cell: ({ method, route }) => <span className="clip">{`${method} ${route}`}</span>,
  },
  {
    key: 'status',
    head: w.logColumns.status,
    width: '72px',
    align: 'end',
    cell: ({ status }) => <span className={status >= 400 ? 'num text-tone-failed' : 'num'}>{status}</span>,
  },
  {
    key: 'took',
    head: w.logColumns.took,
    width: '80px',
    align: 'end',
    cell: ({ ms }) => <span className="num">{duration(ms)}</span>,
  },
  { key: 'from', head: w.logColumns.address, width: '130px', cell: ({ address }) => <Text value={address} mono /> },
];

/** What a key was used for lately. */
export function KeyCalls({ of, onClose }: { of: ListedKey | undefined; onClose: () => void }): ReactNode {
  return (
    <Drawer open={of !== undefined} onClose={onClose} title={of?.name ?? ''} note={w.logNote} width="l">
      {of ? <Calls id={of.id} /> : null}
    </Drawer>
  );
}

function Calls({ id }: { id: string }): ReactNode {
  const client = useClient();
  const calls = usePages<KeyRequest>({
    key: ['accounts', 'keys', id, 'requests'],
    read: (page, signal) => client.keys.requests(id, page, signal),
  });
  return (
    <>
      {calls.problem ? <ProblemPanel problem={calls.problem} onRetry={calls.retry} /> : null}
      <DataTable<KeyRequest>
        label={w.log}
        columns={columns}
        rows={calls.rows}
        rowKey={(call) => call.id}
        loading={calls.loading}
        more={calls.more}
        height={480}
        empty={<EmptyState title={w.logEmpty} />}
      />
    </>
  );
}
