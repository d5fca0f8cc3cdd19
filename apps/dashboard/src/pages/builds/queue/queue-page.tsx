import type { BuildQueue } from '@muster/protocol';
import { useQuery } from '@tanstack/react-query';
import { Pause, Play, Plus } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../../api/client.ts';
import { useMay } from '../../../api/me.ts';
import { problemOf } from '../../../api/problem.ts';
import { Badge } from '../../../parts/badge.tsx';
import { Button, ButtonLink } from '../../../parts/button.tsx';
import { EmptyState } from '../../../parts/empty-state.tsx';
import { count, duration } from '../../../parts/format.ts';
import { Page, PageHead } from '../../../parts/page.tsx';
import { Panel } from '../../../parts/panel.tsx';
import { plain } from '../../../parts/plain.ts';
import { ProblemPanel } from '../../../parts/problem-panel.tsx';
import { searchOf, text } from '../../../parts/search.ts';
import { Skeleton } from '../../../parts/skeleton.tsx';
import { StatGrid, StatTile } from '../../../parts/stat-tile.tsx';
import { useSearch } from '../../../parts/use-search.ts';
import { WhyLine } from '../../../parts/why-line.tsx';
import { buildsWords as w } from '../../../words/builds.ts';
import { BuildsTabs } from '../builds-tabs.tsx';
import { useLiveBuilds } from '../live-builds.ts';
import { queuesQuery } from '../queries.ts';
import { submitSnippets } from '../snippets.ts';
import { Demands } from './demands.tsx';
import { PauseDialog } from './pause-dialog.tsx';
import { useQueueActs } from './use-queue-acts.ts';
import { WaitingLine } from './waiting-line.tsx';

const queueSearch = searchOf({ queue: text(64) });

/** The lines builds wait in: how long, for whom, and why. */
export function QueuePage(): ReactNode {
  const client = useClient();
  const { values, href } = useSearch(queueSearch);
  useLiveBuilds();
  const queues = useQuery(queuesQuery(client));
  const problem = problemOf(queues.error);
  const all = queues.data?.items ?? [];
  const shown = values.queue === undefined ? all : all.filter(({ name }) => name === values.queue);
  const oldest = all.reduce((most, { oldestWaitMs }) => Math.max(most, oldestWaitMs ?? 0), 0);
  return (
    <Page>
      <PageHead
        title={w.queue.title}
        note={w.queue.note}
        actions={
          <ButtonLink to="/builds/new" icon={<Plus aria-hidden />}>
            {w.submit.title}
          </ButtonLink>
        }
        tabs={<BuildsTabs />}
      />
      {problem ? (
        <ProblemPanel
          problem={problem}
          busy={queues.isFetching}
          onRetry={() => void queues.refetch()}
          {...(queues.data ? { lastGoodAt: queues.dataUpdatedAt } : {})}
        />
      ) : null}
      {queues.isPending ? <Skeleton lines={6} /> : null}
      {queues.data ? (
        <StatGrid>
          <StatTile
            label={w.queue.waiting}
            value={count(all.reduce((sum, { depth }) => sum + depth, 0))}
            to="/builds?state=queued"
          />
          <StatTile label={w.queue.oldest} value={oldest === 0 ? '–' : duration(oldest)} />
          <StatTile
            label={w.queue.running}
            value={count(all.reduce((sum, { running }) => sum + running, 0))}
            to="/builds?state=assigned&state=running&state=cancelling"
          />
          <StatTile
            label={w.queue.paused}
            value={count(all.filter(({ paused }) => paused).length)}
            {...(all.some(({ paused }) => paused) ? { tone: 'warn' as const } : {})}
          />
        </StatGrid>
      ) : null}
      {queues.data && all.length === 0 ? (
        <EmptyState
          title={w.queue.emptyTitle}
          detail={w.queue.emptyDetail}
          action={
            <ButtonLink to="/builds/new" variant="primary">
              {w.submit.title}
            </ButtonLink>
          }
          snippets={submitSnippets('any')}
        />
      ) : null}
      {values.queue === undefined ? null : (
        <p>
          {w.queue.only(plain(values.queue, 64))}{' '}
          <ButtonLink to={href({ queue: undefined })} size="s" variant="quiet">
            {w.queue.all}
          </ButtonLink>
        </p>
      )}
      {shown.map((queue) => (
        <OneQueue key={queue.name} queue={queue} />
      ))}
    </Page>
  );
}

function OneQueue({ queue }: { queue: BuildQueue }): ReactNode {
  const admin = useMay('builds:admin');
  const acts = useQueueActs();
  const [pausing, setPausing] = useState(false);
  const name = plain(queue.name, 64);
  const { paused } = queue;
  return (
    <Panel
      title={
        <span className="row">
          <span className="mono">{name}</span>
          {paused ? <Badge tone="warn">{w.queue.pausedBadge}</Badge> : null}
        </span>
      }
      note={w.queue.summary(count(queue.depth), count(queue.running))}
      actions={
        paused ? (
          <Button
            size="s"
            icon={<Play aria-hidden />}
            busy={acts.busy === queue.name}
            disabledReason={admin.reason}
            onClick={() => void acts.resume(queue)}
          >
            {w.queue.resume}
          </Button>
        ) : (
          <Button
            size="s"
            icon={<Pause aria-hidden />}
            busy={acts.busy === queue.name}
            disabledReason={admin.reason}
            onClick={() => setPausing(true)}
          >
            {w.queue.pause}
          </Button>
        )
      }
    >
      <div className="stack">
        {paused ? (
          <WhyLine
            tone="warn"
            reason={w.queue.pausedWhy(paused.by, paused.reason)}
            since={paused.at}
            resumesAt={paused.resumesAt}
            remedy={w.queue.pausedDo}
          />
        ) : null}
        <Demands queue={queue} />
        {queue.depth > 0 ? <WaitingLine queue={queue.name} /> : null}
      </div>
      {pausing ? (
        <PauseDialog
          name={name}
          onClose={() => setPausing(false)}
          onPause={(input) => {
            setPausing(false);
            void acts.pause(queue, input);
          }}
        />
      ) : null}
    </Panel>
  );
}
