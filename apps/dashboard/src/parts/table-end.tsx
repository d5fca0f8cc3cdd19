import type { ReactNode } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Button } from './button.tsx';
import { count } from './format.ts';
import { type ProblemLike, ProblemPanel } from './problem-panel.tsx';
import { Skeleton } from './skeleton.tsx';

/** The rest of a keyset list: the table asks for it when its end comes near. */
export type TableMore = { has: boolean; loading: boolean; load: () => void; problem?: ProblemLike | undefined };

type EndProps = { more: TableMore | undefined; loading: boolean; loaded: number; virtual: boolean };

/** What stands below the last row: more is coming, it failed, or that was all. */
export function TableEnd({ more, loading, loaded, virtual }: EndProps): ReactNode {
  if (more?.problem) {
    return (
      <div className="p-3">
        <ProblemPanel problem={more.problem} onRetry={more.load} busy={more.loading} />
      </div>
    );
  }
  if (loading || more?.loading) {
    return (
      <div className="dt-wait">
        <Skeleton lines={loaded === 0 ? 6 : 2} />
      </div>
    );
  }
  if (more?.has) {
    return (
      <div className="dt-last">
        <Button size="s" onClick={more.load}>
          {words.table.loadMore}
        </Button>
      </div>
    );
  }
  return virtual && more && loaded > 0 ? <p className="dt-last">{words.table.end(count(loaded), loaded)}</p> : null;
}
