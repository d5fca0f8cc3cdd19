import { ChevronLeft, ChevronRight } from 'lucide-react';
import type { ReactNode } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Button } from './button.tsx';
import { count } from './format.ts';

export type PagerProps = {
  shown: number;
  total?: number | null | undefined;
  hasPrevious: boolean;
  hasNext: boolean;
  onPrevious: () => void;
  onNext: () => void;
  busy?: boolean | undefined;
};

/** One page of a keyset list at a time. */
export function Pager({ shown, total, hasPrevious, hasNext, onPrevious, onNext, busy }: PagerProps): ReactNode {
  return (
    <nav aria-label={words.pager.label} className="spread">
      <span className="text-sm text-soft" role="status">
        {total === undefined || total === null
          ? words.pager.shown(count(shown))
          : words.pager.shownOf(count(shown), count(total))}
      </span>
      <span className="row">
        <Button
          size="s"
          icon={<ChevronLeft aria-hidden />}
          disabledReason={hasPrevious ? undefined : words.pager.first}
          onClick={onPrevious}
        >
          {words.pager.previous}
        </Button>
        <Button
          size="s"
          iconEnd={<ChevronRight aria-hidden />}
          busy={busy}
          disabledReason={hasNext ? undefined : words.pager.last}
          onClick={onNext}
        >
          {words.pager.next}
        </Button>
      </span>
    </nav>
  );
}
