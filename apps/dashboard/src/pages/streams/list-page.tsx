import type { StreamItem } from '@muster/client';
import { Plus } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { usePages } from '../../api/pages.ts';
import { Button } from '../../parts/button.tsx';
import { EmptyState, NothingMatches } from '../../parts/empty-state.tsx';
import { FilterBar } from '../../parts/filter-bar.tsx';
import { bytes, count } from '../../parts/format.ts';
import { Page, PageHead } from '../../parts/page.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { oneOf, searchOf, text } from '../../parts/search.ts';
import { snippetTabs } from '../../parts/snippet.tsx';
import { Sign } from '../../parts/state.tsx';
import { type Column, DataTable } from '../../parts/table.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { useSearch } from '../../parts/use-search.ts';
import { streamsWords as w } from '../../words/streams.ts';
import { NewStream } from './new-stream.tsx';
import { streamPath } from './stream-path.ts';

const states = ['open', 'closed'] as const;
const streamSearch = searchOf({ prefix: text(200), state: oneOf(states) });

const columns: Column<StreamItem>[] = [
  {
    key: 'state',
    head: w.state,
    width: '104px',
    cell: ({ closed }) => <Sign tone={closed ? 'off' : 'live'}>{closed ? w.closed : w.open}</Sign>,
  },
  {
    key: 'path',
    head: w.path,
    main: true,
    fixed: true,
    mono: true,
    width: 'minmax(220px,2fr)',
    cell: ({ path }) => <Text value={path} mono max={200} />,
  },
  {
    key: 'type',
    head: w.type,
    width: 'minmax(140px,1fr)',
    cell: ({ contentType }) => <Text value={contentType} max={60} />,
  },
  {
    key: 'messages',
    head: w.messages,
    width: '110px',
    align: 'end',
    cell: ({ messages }) => <span className="num">{count(messages)}</span>,
  },
  {
    key: 'size',
    head: w.size,
    width: '100px',
    align: 'end',
    cell: (stream) => <span className="num">{bytes(stream.bytes)}</span>,
  },
  {
    key: 'readers',
    head: w.readers,
    width: '110px',
    align: 'end',
    cell: ({ followers }) => <span className="num">{count(followers)}</span>,
  },
  { key: 'changed', head: w.changed, width: '120px', align: 'end', cell: ({ updatedAt }) => <Time at={updatedAt} /> },
];

const snippets = snippetTabs({
  curl: 'curl -X PUT $MUSTER_URL/v1/stream/demo/log -H "Authorization: Bearer $MUSTER_API_KEY" -H "Content-Type: text/plain"',
  cli: 'muster streams create demo/log --type text/plain\necho hello | muster streams append demo/log\nmuster streams tail -f demo/log',
  sdk: "const log = client.stream('demo/log', 'text/plain');\nawait log.create();\nawait log.append('hello');",
});

/** Everything with a history, by path. */
export function StreamsPage(): ReactNode {
  const client = useClient();
  const operate = useMay('streams:operate');
  const { values, invalid, set, drop, clear } = useSearch(streamSearch);
  const [adding, setAdding] = useState(false);
  const { prefix, state } = values;
  const streams = usePages<StreamItem>({
    key: ['streams', 'list', prefix, state],
    read: (page) =>
      client.streams.list({
        ...page,
        ...(prefix === undefined ? {} : { prefix }),
        ...(state === undefined ? {} : { closed: state === 'closed' }),
      }),
  });
  const add = (
    <Button
      variant="primary"
      icon={<Plus aria-hidden />}
      disabledReason={operate.reason}
      onClick={() => setAdding(true)}
    >
      {w.add}
    </Button>
  );
  const filtered = prefix !== undefined || state !== undefined;
  return (
    <Page fill>
      <PageHead title={w.title} actions={add} />
      <FilterBar
        keys={[
          { key: 'state', label: w.state, one: true, options: states.map((value) => ({ value, label: w[value] })) },
        ]}
        values={{ state: state === undefined ? [] : [state] }}
        onChange={(_key, [next]) => set({ state: states.find((each) => each === next) })}
        invalid={invalid}
        onDrop={drop}
        onClear={clear}
        text={{
          value: prefix ?? '',
          onChange: (next) => set({ prefix: next === '' ? undefined : next }, { replace: true }),
          placeholder: w.prefix,
        }}
      />
      {streams.problem ? (
        <ProblemPanel
          problem={streams.problem}
          onRetry={streams.retry}
          {...(streams.lastGoodAt === undefined ? {} : { lastGoodAt: streams.lastGoodAt })}
        />
      ) : null}
      <DataTable<StreamItem>
        label={w.title}
        columns={columns}
        rows={streams.rows}
        rowKey={({ path }) => path}
        rowTo={({ path }) => streamPath(path)}
        height="fill"
        loading={streams.loading}
        more={streams.more}
        keyboard
        card={({ path, closed, messages, updatedAt }) => ({
          lead: <Sign tone={closed ? 'off' : 'live'}>{closed ? w.closed : w.open}</Sign>,
          title: <Text value={path} mono max={80} />,
          sub: `${count(messages)} ${w.messages}`,
          end: <Time at={updatedAt} />,
        })}
        empty={
          filtered ? (
            <NothingMatches
              chips={[
                ...(prefix === undefined ? [] : [{ name: w.path, value: prefix }]),
                ...(state === undefined ? [] : [{ value: w[state] }]),
              ]}
              onClear={clear}
            />
          ) : (
            <EmptyState title={w.emptyTitle} detail={w.emptyDetail} action={add} snippets={snippets} />
          )
        }
      />
      <NewStream open={adding} onClose={() => setAdding(false)} />
    </Page>
  );
}
