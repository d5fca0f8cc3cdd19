import type { StreamItem } from '@muster/client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { problemOf } from '../../api/problem.ts';
import { Button } from '../../parts/button.tsx';
import { useConfirm } from '../../parts/confirm.tsx';
import { CopyButton } from '../../parts/copy-button.tsx';
import { Facts } from '../../parts/facts.tsx';
import { bytes, count, duration } from '../../parts/format.ts';
import { Link, useNav } from '../../parts/nav.tsx';
import { BackLink, Page, PageHead } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { searchOf, text } from '../../parts/search.ts';
import { Segmented } from '../../parts/segmented.tsx';
import { Sign } from '../../parts/state.tsx';
import { Text } from '../../parts/text.tsx';
import { Time } from '../../parts/time.tsx';
import { useToast } from '../../parts/toast.tsx';
import { useSearch } from '../../parts/use-search.ts';
import { usePathParam } from '../../shell/path-param.ts';
import { useTitle } from '../../shell/use-title.ts';
import { streamsWords } from '../../words/streams.ts';
import { AppendBox } from './append-box.tsx';
import { RecordList } from './record-list.tsx';
import { streamPath } from './stream-path.ts';

const w = streamsWords.one;
const pageSearch = searchOf({ from: text(100) });
/** Streams of Muster's own rooms: read like any other, written by them alone. */
const ofRooms = /^(?:builds|gallery|projects|installation)\//;

/** One stream: what it is, and what is in it. */
export function StreamPage(): ReactNode {
  const path = usePathParam('*');
  useTitle(path);
  const client = useClient();
  const queries = useQueryClient();
  const { navigate } = useNav();
  const operate = useMay('streams:operate');
  const admin = useMay('streams:admin');
  const confirm = useConfirm();
  const toast = useToast();
  const { values, set } = useSearch(pageSearch);
  const from = values.from ?? '-1';
  const ofRoom = ofRooms.test(path);
  const stream = useQuery({
    queryKey: ['streams', 'one', path],
    queryFn: () => client.streams.get(path),
    refetchInterval: 5_000,
    enabled: !ofRoom,
  });
  const problem = problemOf(stream.error);
  const item = stream.data;

  const run = async (call: () => Promise<unknown>, said: string): Promise<boolean> => {
    try {
      await call();
      toast({ title: said });
      return true;
    } catch (error) {
      toast({ title: streamsWords.failed, detail: problemOf(error)?.detail, tone: 'failed' });
      return false;
    } finally {
      void queries.invalidateQueries({ queryKey: ['streams'] });
    }
  };
  const close = async (): Promise<void> => {
    const asked = { title: w.closeTitle(path), detail: w.closeDetail, action: w.closeDo, keep: w.closeKeep };
    if (await confirm({ ...asked, danger: true })) await run(() => client.stream(path).close(), w.closedNow(path));
  };
  const remove = async ({ messages }: StreamItem): Promise<void> => {
    const yes = await confirm({
      title: w.removeTitle(path),
      detail: w.removeDetail(count(messages)),
      action: w.removeDo,
      keep: w.removeKeep,
      danger: true,
    });
    if (yes && (await run(() => client.stream(path).delete(), w.removed(path)))) navigate('/streams');
  };

  return (
    <Page>
      <PageHead
        title={<Text value={path} mono max={200} />}
        lead={<BackLink to="/streams">{streamsWords.title}</BackLink>}
        note={
          item ? (
            <Sign tone={item.closed ? 'off' : 'live'}>{item.closed ? streamsWords.closed : streamsWords.open}</Sign>
          ) : undefined
        }
        actions={
          <>
            <CopyButton text={path} />
            {item ? (
              <>
                <Button
                  disabledReason={operate.reason ?? (item.closed ? w.isClosed : undefined)}
                  onClick={() => void close()}
                >
                  {w.close}
                </Button>
                <Button variant="danger" disabledReason={admin.reason} onClick={() => void remove(item)}>
                  {w.remove}
                </Button>
              </>
            ) : null}
          </>
        }
      />
      {problem ? (
        <ProblemPanel
          problem={problem}
          onRetry={() => void stream.refetch()}
          {...(item ? { lastGoodAt: stream.dataUpdatedAt } : {})}
        />
      ) : null}
      {item ? (
        <Panel>
          <Facts columns={3} items={factsOf(item)} />
        </Panel>
      ) : null}
      {problem && !item ? null : (
        <>
          <Panel
            title={w.records}
            flush
            actions={
              <Segmented
                label={w.from}
                value={from === 'now' ? 'now' : '-1'}
                onChange={(next) => set({ from: next === 'now' ? 'now' : undefined })}
                options={[
                  { value: '-1', label: w.fromStart },
                  { value: 'now', label: w.fromNow },
                ]}
              />
            }
          >
            <RecordList path={path} from={from} />
          </Panel>
          {item && !item.closed && operate.may ? <AppendBox path={path} contentType={item.contentType} /> : null}
          {ofRoom ? <p className="text-soft">{w.roomOwned}</p> : null}
        </>
      )}
    </Page>
  );
}

function factsOf(item: StreamItem): { label: string; value: ReactNode }[] {
  const { maxAgeMs, maxBytes, maxMessages } = item.retention ?? {};
  const kept = [
    ...(maxAgeMs === undefined ? [] : [duration(maxAgeMs)]),
    ...(maxBytes === undefined ? [] : [bytes(maxBytes)]),
    ...(maxMessages === undefined ? [] : [count(maxMessages)]),
  ];
  return [
    { label: streamsWords.type, value: <Text value={item.contentType} /> },
    { label: streamsWords.messages, value: <span className="num">{count(item.messages)}</span> },
    { label: streamsWords.size, value: <span className="num">{bytes(item.bytes)}</span> },
    { label: streamsWords.readers, value: <span className="num">{count(item.followers)}</span> },
    { label: w.kept, value: kept.length === 0 ? w.keptAll : kept.join(', ') },
    { label: w.first, value: <Text value={item.firstOffset} mono /> },
    { label: w.next, value: <Text value={item.nextOffset} mono /> },
    { label: w.made, value: <Time at={item.createdAt} /> },
    { label: streamsWords.changed, value: <Time at={item.updatedAt} /> },
    ...(item.expiresAt === null ? [] : [{ label: w.expires, value: <Time at={item.expiresAt} /> }]),
    ...(item.forkedFrom === null
      ? []
      : [
          {
            label: w.forked,
            value: (
              <Link to={streamPath(item.forkedFrom)}>
                <Text value={item.forkedFrom} mono />
              </Link>
            ),
          },
        ]),
  ];
}
