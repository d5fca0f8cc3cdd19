import { useQuery } from '@tanstack/react-query';
import { Pause, Play } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { Button } from '../../parts/button.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { galleryWords } from '../../words/gallery.ts';
import { type FeedFilter, fleetQuery } from './data.ts';
import { FeedRow } from './feed-row.tsx';
import { feedRowsMax, useLiveFeed } from './live-feed.ts';
import { ThoughtDrawer } from './thought-drawer.tsx';

const words = galleryWords.feed;

export type FeedListProps = {
  filter: FeedFilter;
  /** So many lines; without it older ones can be loaded. */
  limit?: number;
  nameless?: boolean;
  /** The think whose details are open. */
  thought: string | undefined;
  onThought: (id: string | undefined) => void;
  /** Shown when nothing fits the filters. */
  nothing?: ReactNode;
};

/** Lines of the feed as they come. It stands still under the pointer and when told to, and says what it holds back. */
export function FeedList({ filter, limit, nameless = false, thought, onThought, nothing }: FeedListProps): ReactNode {
  const { data: fleet } = useQuery(fleetQuery(useClient()));
  const [paused, setPaused] = useState(false);
  const [over, setOver] = useState(false);
  const { lines, held, pages, show } = useLiveFeed(filter, paused || over);
  const shown = lines.slice(0, limit ?? feedRowsMax);
  const sandboxes = new Set(fleet?.targets.flatMap(({ id, kind }) => (kind === 'sandbox' ? [id] : [])) ?? ['sandbox']);
  const leave = (): void => {
    setOver(false);
    if (!paused) show();
  };
  const turn = (): void => {
    if (paused) show();
    setPaused(!paused);
  };
  return (
    <>
      <div className="flex min-h-10 items-center justify-between gap-2 border-b border-hair px-4 py-1">
        <span className="text-sm text-soft" role="status">
          {held > 0 ? (
            <Button size="s" variant="quiet" onClick={show}>
              {words.held(held)}
            </Button>
          ) : over && !paused ? (
            words.hoverPaused
          ) : null}
        </span>
        <Button
          size="s"
          variant="quiet"
          icon={paused ? <Play aria-hidden size={14} /> : <Pause aria-hidden size={14} />}
          onClick={turn}
        >
          {paused ? words.resume : words.pause}
        </Button>
      </div>
      {pages.problem ? (
        <div className="p-4">
          <ProblemPanel
            problem={pages.problem}
            onRetry={pages.retry}
            {...(pages.lastGoodAt === undefined ? {} : { lastGoodAt: pages.lastGoodAt })}
          />
        </div>
      ) : null}
      {pages.loading ? (
        <div className="p-4">
          <Skeleton lines={6} />
        </div>
      ) : null}
      {shown.length === 0 && !pages.loading && !pages.problem
        ? (nothing ?? <EmptyState title={words.empty} detail={words.emptyDetail} />)
        : null}
      <ul
        className="m-0 list-none p-0"
        aria-label={words.label}
        onPointerEnter={(event) => setOver(event.pointerType === 'mouse')}
        onPointerLeave={leave}
      >
        {shown.map((line) => (
          <FeedRow
            key={line.id}
            line={line}
            nameless={nameless}
            inSandbox={sandboxes.has(line.row.data.targetId ?? 'sandbox')}
            onOpen={onThought}
          />
        ))}
      </ul>
      {limit === undefined && pages.more.has && lines.length < feedRowsMax ? (
        <div className="p-4">
          <Button busy={pages.more.loading} onClick={pages.more.load}>
            {galleryWords.more}
          </Button>
        </div>
      ) : null}
      {limit === undefined && lines.length >= feedRowsMax ? (
        <p className="m-0 p-4 text-sm text-soft">{words.capped(feedRowsMax)}</p>
      ) : null}
      <ThoughtDrawer id={thought} onClose={() => onThought(undefined)} />
    </>
  );
}
