import { type RefObject, useLayoutEffect, useRef } from 'react';

/**
 * Keeps what the reader looks at where it is when rows of one height come or go above it: new ones, or an older page that
 * was dropped. At the very top the newest row stays in sight instead.
 */
export function useSteadyScroll<Row>(
  box: RefObject<HTMLElement | null>,
  rows: readonly Row[],
  rowKey: (row: Row) => string,
  rowPx: number,
): void {
  const before = useRef<readonly string[]>([]);
  useLayoutEffect(() => {
    const old = before.current;
    const keys = rows.map(rowKey);
    before.current = keys;
    const [oldFirst] = old;
    const [first] = keys;
    if (!box.current || rowPx === 0 || oldFirst === undefined || first === undefined || oldFirst === first) return;
    if (box.current.scrollTop < rowPx) return;
    const came = keys.indexOf(oldFirst);
    const went = came === -1 ? old.indexOf(first) : 0;
    // Nothing in common: another list, which is read from its top.
    box.current.scrollTop =
      came > 0 ? box.current.scrollTop + came * rowPx : went > 0 ? box.current.scrollTop - went * rowPx : 0;
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- only other rows move what is seen
  }, [rows]);
}
