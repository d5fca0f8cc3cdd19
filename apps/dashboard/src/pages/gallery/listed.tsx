import type { ReactNode } from 'react';
import type { Pages } from '../../api/pages.ts';
import { Button } from '../../parts/button.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';
import { galleryWords as words } from '../../words/gallery.ts';

type Known = Pick<Pages<unknown>, 'rows' | 'loading' | 'problem' | 'lastGoodAt' | 'retry' | 'more'>;

/** A list that is no table, and grows by its end: what went wrong, what is there, and more of it. */
export function Listed({ pages, empty, children }: { pages: Known; empty: ReactNode; children: ReactNode }): ReactNode {
  const { rows, loading, problem, lastGoodAt, retry, more } = pages;
  return (
    <>
      {problem ? (
        <ProblemPanel problem={problem} onRetry={retry} {...(lastGoodAt === undefined ? {} : { lastGoodAt })} />
      ) : null}
      {loading ? <Skeleton lines={6} /> : null}
      {!loading && rows.length === 0 && !more.has && !problem ? empty : children}
      {more.problem ? <ProblemPanel problem={more.problem} onRetry={more.load} /> : null}
      {more.has && !more.problem ? (
        <div>
          <Button busy={more.loading} onClick={more.load}>
            {words.more}
          </Button>
        </div>
      ) : null}
    </>
  );
}
