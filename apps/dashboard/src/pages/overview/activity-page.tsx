import './overview.css';
import type { ActivityPage as FeedPage } from '@muster/protocol';
import { feedAreas } from '@muster/protocol/running';
import { type ReactNode, useMemo } from 'react';
import { useConnection } from '../../api/connection.ts';
import { usePages } from '../../api/pages.ts';
import { Button } from '../../parts/button.tsx';
import { FilterBar } from '../../parts/filter-bar.tsx';
import { BackLink, Page, PageHead } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { many, oneOf, searchOf, text } from '../../parts/search.ts';
import { Skeleton } from '../../parts/skeleton.tsx';
import { useSearch } from '../../parts/use-search.ts';
import { overviewWords as words } from '../../words/overview.ts';
import { FeedList } from './feed-list.tsx';

const search = searchOf({ area: many(oneOf(feedAreas)), kind: many(text(100)), q: text(200) });

/** Everything that happened in the project, as far back as it is kept. */
export function ActivityPage(): ReactNode {
  const connection = useConnection();
  const { values, invalid, set, drop, clear } = useSearch(search);
  const { area, kind, q } = values;
  const query = useMemo(
    () => ({
      ...(area.length > 0 ? { area: area.join(',') } : {}),
      ...(kind.length > 0 ? { kind: kind.join(',') } : {}),
      ...(q === undefined ? {} : { q }),
    }),
    [area, kind, q],
  );
  const { rows, loading, problem, lastGoodAt, retry, more } = usePages({
    key: ['activity', query],
    read: (page, signal) => connection.call<FeedPage>('GET', '/v1/activity', { query: { ...query, ...page }, signal }),
    liveBy: ['builds/events', 'gallery/activity'],
  });
  const failed = problem ?? more.problem;
  return (
    <Page>
      <PageHead title={words.activity} lead={<BackLink to="/">{words.title}</BackLink>} />
      <FilterBar
        keys={[
          {
            key: 'area',
            label: words.feedArea,
            options: feedAreas.map((each) => ({ value: each, label: words.areas[each] })),
          },
          { key: 'kind', label: words.kind },
        ]}
        values={{ area, kind }}
        onChange={(key, next) =>
          set(key === 'kind' ? { kind: next } : { area: feedAreas.filter((each) => next.includes(each)) })
        }
        invalid={invalid}
        onDrop={drop}
        onClear={clear}
        text={{
          value: q ?? '',
          onChange: (next) => set({ q: next === '' ? undefined : next }, { replace: true }),
          placeholder: words.filterText,
        }}
      />
      {failed ? (
        <ProblemPanel
          problem={failed}
          onRetry={problem ? retry : more.load}
          {...(lastGoodAt === undefined ? {} : { lastGoodAt })}
        />
      ) : null}
      <Panel flush>{loading ? <Skeleton lines={10} /> : <FeedList entries={rows} />}</Panel>
      {more.has ? (
        <p>
          <Button onClick={more.load} busy={more.loading}>
            {words.loadMore}
          </Button>
        </p>
      ) : null}
    </Page>
  );
}
