import type { Build } from '@muster/protocol';
import { isTerminal } from '@muster/protocol/builds';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, Suspense } from 'react';
import { useClient } from '../../../api/client.ts';
import { problemOf } from '../../../api/problem.ts';
import { lazyPart } from '../../../parts/lazy-part.ts';
import { Link } from '../../../parts/nav.tsx';
import { BackLink, Page } from '../../../parts/page.tsx';
import { ProblemPanel } from '../../../parts/problem-panel.tsx';
import { oneOf, searchOf } from '../../../parts/search.ts';
import { Skeleton } from '../../../parts/skeleton.tsx';
import { TabPanel, Tabs } from '../../../parts/tabs.tsx';
import { useSearch } from '../../../parts/use-search.ts';
import { FailureWhy, WaitingWhy, WhyLine } from '../../../parts/why-line.tsx';
import { usePathParam } from '../../../shell/path-param.ts';
import { buildsWords as w } from '../../../words/builds.ts';
import { changeOf } from '../live-builds.ts';
import { buildQuery, keys } from '../queries.ts';
import { RunHead } from './run-head.tsx';
import { TimelineTab } from './timeline-tab.tsx';
import { useBuildEvents } from './use-build-events.ts';
import { useBuildLog } from './use-build-log.ts';

const tabs = ['timeline', 'log', 'events', 'io', 'cost', 'api'] as const;
export type RunTab = (typeof tabs)[number];
const runSearch = searchOf({ tab: oneOf(tabs) });

// Each is read when it is opened: the head and the timeline are what most people come for.
const LogTab = lazyPart(() => import('./log-tab.tsx').then((part) => part.LogTab));
const EventsTab = lazyPart(() => import('./events-tab.tsx').then((part) => part.EventsTab));
const IoTab = lazyPart(() => import('./io-tab.tsx').then((part) => part.IoTab));
const CostTab = lazyPart(() => import('./cost-tab.tsx').then((part) => part.CostTab));
const ApiTab = lazyPart(() => import('./api-tab.tsx').then((part) => part.ApiTab));

/** One build: where it stands, why, what it said, what it made, and what can be done. */
export function RunPage(): ReactNode {
  const id = usePathParam('id');
  const client = useClient();
  const query = useQuery(buildQuery(client, id));
  const problem = problemOf(query.error);
  const { values } = useSearch(runSearch);
  const isLog = values.tab === 'log';
  return (
    <Page fill={isLog} wide={isLog}>
      {problem ? (
        <>
          {query.data ? null : <BackLink to="/builds">{w.title}</BackLink>}
          <ProblemPanel
            problem={problem}
            busy={query.isFetching}
            onRetry={() => void query.refetch()}
            {...(query.data ? { lastGoodAt: query.dataUpdatedAt } : {})}
          />
        </>
      ) : null}
      {query.isPending ? <Skeleton lines={8} /> : null}
      {query.data ? <OneRun key={id} build={query.data} /> : null}
    </Page>
  );
}

function OneRun({ build }: { build: Build }): ReactNode {
  const queries = useQueryClient();
  const { values, set } = useSearch(runSearch);
  const tab = values.tab ?? 'timeline';
  const { log, total } = useBuildLog(build.id);
  const { events, cut } = useBuildEvents(build.id, (records) => {
    const newest = records.at(-1);
    // What is older than the row was read with it already.
    if (!newest || Date.parse(newest.at) < (queries.getQueryState(keys.one(build.id))?.dataUpdatedAt ?? 0) - 60_000)
      return;
    queries.setQueryData<Build>(keys.one(build.id), (row) =>
      row && !isTerminal(row.state)
        ? records.reduce((before, record) => ({ ...before, ...changeOf(record) }), row)
        : row,
    );
    void queries.invalidateQueries({ queryKey: keys.one(build.id) });
  });
  return (
    <>
      <RunHead build={build} onTab={(next) => set({ tab: next })} />
      <Reasons build={build} />
      <Tabs
        label={w.run.tabs}
        value={tab}
        onChange={(next) => set({ tab: tabs.find((each) => each === next) })}
        items={[
          { key: 'timeline', label: w.run.timeline },
          { key: 'log', label: w.run.log, count: total },
          { key: 'events', label: w.run.events, count: events.length + cut },
          { key: 'io', label: w.run.io, count: build.artifacts.length },
          { key: 'cost', label: w.run.cost },
          { key: 'api', label: w.run.api },
        ]}
      />
      <Suspense fallback={<Skeleton lines={6} />}>
        <TabPanel label={w.run.tabs} tab={tab} value="timeline">
          <TimelineTab build={build} events={events} log={log} />
        </TabPanel>
        <TabPanel label={w.run.tabs} tab={tab} value="log">
          <LogTab build={build} log={log} />
        </TabPanel>
        <TabPanel label={w.run.tabs} tab={tab} value="events">
          <EventsTab events={events} cut={cut} />
        </TabPanel>
        <TabPanel label={w.run.tabs} tab={tab} value="io">
          <IoTab build={build} />
        </TabPanel>
        <TabPanel label={w.run.tabs} tab={tab} value="cost">
          <CostTab build={build} />
        </TabPanel>
        <TabPanel label={w.run.tabs} tab={tab} value="api">
          <ApiTab build={build} />
        </TabPanel>
      </Suspense>
    </>
  );
}

/** Why it waits, failed or was stopped (D3). */
function Reasons({ build }: { build: Build }): ReactNode {
  const { waiting, failure, attempts, state, stopReason } = build;
  const lost = attempts.findLast(({ outcome }) => outcome === 'lost' || outcome === 'abandoned');
  return (
    <>
      {state === 'queued' && waiting ? <WaitingWhy waiting={waiting} /> : null}
      {failure ? <FailureWhy failure={failure} /> : null}
      {stopReason !== null && !failure && state !== 'succeeded' ? (
        <WhyLine
          tone={state === 'cancelled' ? 'off' : 'warn'}
          reason={w.stopped[stopReason]}
          since={build.cancelRequestedAt}
        />
      ) : null}
      {!failure && lost && state !== 'succeeded' ? (
        <WhyLine
          tone="warn"
          reason={w.run.earlier(lost.term, lost.failure?.detail ?? lost.outcome ?? '')}
          since={lost.endedAt}
          {...(lost.failure
            ? { who: lost.failure.attribution, remedy: lost.failure.remedy, docsUrl: lost.failure.docsUrl }
            : {})}
        />
      ) : null}
      {build.retryOf === null ? null : (
        <p className="text-soft">
          {w.run.retryOf}{' '}
          <Link to={`/builds/${build.retryOf}`} className="mono">
            {build.retryOf}
          </Link>
        </p>
      )}
    </>
  );
}
