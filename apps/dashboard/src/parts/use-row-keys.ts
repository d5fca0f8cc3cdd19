import { type RefObject, useRef } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { useKeys } from './keys.tsx';

type RowKeys = {
  enabled: boolean;
  box: RefObject<HTMLElement | null>;
  count: number;
  reveal: (index: number) => void;
  toggle: ((index: number) => void) | undefined;
};

/** j and k walk rows by moving the focus to their links, so that Enter opens and voices follow; x selects. */
export function useRowKeys({ enabled, box, count, reveal, toggle }: RowKeys): void {
  const at = useRef(-1);
  const current = (): number => {
    const row = document.activeElement?.closest('[data-index]');
    return row && box.current?.contains(row) ? Number(row.getAttribute('data-index')) : at.current;
  };
  const go = (by: 1 | -1): void => {
    const next = Math.min(Math.max(current() + by, 0), count - 1);
    if (next < 0) return;
    at.current = next;
    reveal(next);
    focusRow(box, next);
  };
  useKeys(
    enabled
      ? [
          { keys: 'j', label: words.table.next, group: words.keys.list, run: () => go(1) },
          { keys: 'k', label: words.table.previous, group: words.keys.list, run: () => go(-1) },
          ...(toggle
            ? [
                {
                  keys: 'x',
                  label: words.table.pick,
                  group: words.keys.list,
                  run: () => {
                    const index = current();
                    if (index >= 0) toggle(index);
                  },
                },
              ]
            : []),
        ]
      : [],
  );
}

/** A row far away is drawn a frame or two after it was asked for. */
function focusRow(box: RefObject<HTMLElement | null>, index: number, tries = 10): void {
  const row = box.current?.querySelector(`[data-index="${index}"]`);
  const target = row?.querySelector<HTMLElement>('.row-link, a, button, input');
  if (target) target.focus();
  else if (tries > 0) requestAnimationFrame(() => focusRow(box, index, tries - 1));
}
