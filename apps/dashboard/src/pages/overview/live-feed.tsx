import type { FeedArea, FeedEntry } from '@muster/protocol/running';
import { Pause, Play } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { Button } from '../../parts/button.tsx';
import { count } from '../../parts/format.ts';
import { Link } from '../../parts/nav.tsx';
import { Panel } from '../../parts/panel.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { Select } from '../../parts/select.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { overviewWords as words } from '../../words/overview.ts';
import { FeedList } from './feed-list.tsx';
import { useFeed } from './use-feed.ts';

const areas: readonly FeedArea[] = ['builds', 'gallery', 'streams', 'people'];
const isArea = (text: string): text is FeedArea => areas.some((area) => area === text);

/** How many are newer than what is held. */
function cameSince(held: readonly FeedEntry[], entries: readonly FeedEntry[]): number {
  const newest = held[0]?.at ?? '';
  return entries.filter(({ at }) => at > newest).length;
}

type LiveFeedProps = { area: FeedArea | undefined; onArea: (area: FeedArea | undefined) => void };

/** What happens, as it happens; it stands still while somebody points at it or has stopped it. */
export function LiveFeed({ area, onArea }: LiveFeedProps): ReactNode {
  const { entries, loading, problem, retry } = useFeed(area);
  const [stopped, stop] = useState(false);
  const [pointed, point] = useState(false);
  const [held, hold] = useState<readonly FeedEntry[] | undefined>(undefined);
  const still = (yes: boolean): void => hold(yes ? (held ?? entries) : undefined);
  const shown = held ?? entries;
  const waiting = held === undefined ? 0 : cameSince(held, entries);
  return (
    <Panel
      title={words.feed}
      flush
      note={waiting > 0 ? words.newOnes(count(waiting)) : undefined}
      actions={
        <>
          <span className="feed-area">
            <Select
              size="s"
              ariaLabel={words.feedArea}
              value={area ?? ''}
              onChange={(value) => {
                hold(undefined);
                onArea(isArea(value) ? value : undefined);
              }}
              options={[
                { value: '', label: words.allAreas },
                ...areas.map((each) => ({ value: each, label: words.areas[each] })),
              ]}
            />
          </span>
          <Button
            size="s"
            variant="quiet"
            icon={stopped ? <Play aria-hidden /> : <Pause aria-hidden />}
            aria-pressed={stopped}
            onClick={() => {
              stop(!stopped);
              still(!stopped || pointed);
            }}
          >
            {stopped ? words.resume : words.pause}
          </Button>
        </>
      }
    >
      {problem ? <ProblemPanel problem={problem} onRetry={retry} /> : null}
      {/* Pausing by the pointer only helps reading; the button does the same for everybody. */}
      <div
        className="feed-box"
        onPointerEnter={({ pointerType }) => {
          const mouse = pointerType === 'mouse';
          point(mouse);
          still(stopped || mouse);
        }}
        onPointerLeave={() => {
          point(false);
          still(stopped);
        }}
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a box that scrolls has to be reachable by keyboard
        tabIndex={0}
        role="region"
        aria-label={words.feed}
      >
        {loading ? <Skeleton lines={6} /> : <FeedList entries={shown} />}
      </div>
      <p className="feed-none">
        <Link to="/activity">{words.feedAll}</Link>
      </p>
    </Panel>
  );
}
