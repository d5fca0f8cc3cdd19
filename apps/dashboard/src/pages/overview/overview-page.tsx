import './overview.css';
import type { OverviewWindow } from '@muster/protocol';
import { feedAreas } from '@muster/protocol/running';
import { type ReactNode, Suspense } from 'react';
import { problemOf } from '../../api/problem.ts';
import { useOverview } from '../../live/overview.ts';
import { lazyPart } from '../../parts/lazy-part.ts';
import { Page, PageHead } from '../../parts/page.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { oneOf, searchOf } from '../../parts/search.ts';
import { Segmented } from '../../parts/segmented.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Time } from '../../parts/time.tsx';
import { useSearch } from '../../parts/use-search.ts';
import { overviewWords as words } from '../../words/overview.ts';
import { Cards } from './cards.tsx';
import { FirstSteps } from './first-steps.tsx';
import { LiveFeed } from './live-feed.tsx';
import { Failures, Needs, Waits } from './short-lists.tsx';

const windows: readonly OverviewWindow[] = ['15m', '1h', '24h', '7d'];
const search = searchOf({ window: oneOf(windows), feed: oneOf(feedAreas), chart: oneOf(['builds', 'gallery']) });

// Drawing waits; the numbers do not.
const Throughput = lazyPart(() => import('./throughput.tsx').then((part) => part.Throughput));

/** What runs, what waits and why, what failed, what it cost: everything in one look. */
export function OverviewPage(): ReactNode {
  const { values, set } = useSearch(search);
  const window = values.window ?? '1h';
  const { data, error, isPending, isFetching, refetch, dataUpdatedAt } = useOverview(window);
  const problem = problemOf(error);
  return (
    <Page>
      <PageHead
        title={words.title}
        note={
          data ? (
            <span className="text-soft text-sm">
              {words.asOf} <Time at={data.at} />
            </span>
          ) : undefined
        }
        actions={
          <Segmented
            label={words.range}
            value={window}
            onChange={(value) => set({ window: windows.find((each) => each === value) })}
            options={windows.map((each) => ({ value: each, label: words.windows[each] }))}
          />
        }
      />
      {problem ? (
        <ProblemPanel
          problem={problem}
          onRetry={() => void refetch()}
          busy={isFetching}
          {...(dataUpdatedAt === 0 ? {} : { lastGoodAt: dataUpdatedAt })}
        />
      ) : null}
      {isPending ? <Skeleton lines={8} /> : null}
      {data ? (
        <div className="stack">
          <Needs items={data.needsPerson} />
          <Cards overview={data} />
          <FirstSteps />
          <div className="overview">
            <div className="stack">
              <Suspense fallback={<Skeleton lines={6} />}>
                <Throughput
                  overview={data}
                  shown={values.chart}
                  onShow={(chart) => set({ chart }, { replace: true })}
                />
              </Suspense>
              <Waits items={data.waiting} />
              <Failures items={data.failures} />
            </div>
            <LiveFeed area={values.feed} onArea={(feed) => set({ feed }, { replace: true })} />
          </div>
        </div>
      ) : null}
    </Page>
  );
}
