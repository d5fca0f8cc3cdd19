import { useState } from 'react';
import { plainLayout, type TableLayout } from './columns.ts';

const storeKey = (id: string): string => `muster.table.${id}`;

/** The reader's layout of a table, kept in this browser. */
export function useTableLayout(id: string): [TableLayout, (layout: TableLayout) => void] {
  const [layout, setLayout] = useState(() => load(id));
  const keep = (next: TableLayout): void => {
    setLayout(next);
    try {
      localStorage.setItem(storeKey(id), JSON.stringify(next));
    } catch {
      // Storage is full or forbidden: the layout lasts as long as the page.
    }
  };
  return [layout, keep];
}

function load(id: string): TableLayout {
  try {
    return layoutOf(JSON.parse(localStorage.getItem(storeKey(id)) ?? 'null'));
  } catch {
    return plainLayout;
  }
}

/** Whatever was stored, by whatever version. */
export function layoutOf(stored: unknown): TableLayout {
  if (typeof stored !== 'object' || stored === null) return plainLayout;
  const { order, shown, density } = stored as Partial<Record<keyof TableLayout, unknown>>;
  return {
    order: Array.isArray(order) ? order.filter((key): key is string => typeof key === 'string') : [],
    shown:
      typeof shown === 'object' && shown !== null
        ? Object.fromEntries(
            Object.entries(shown).filter((entry): entry is [string, boolean] => typeof entry[1] === 'boolean'),
          )
        : {},
    density: density === 'compact' ? 'compact' : 'comfortable',
  };
}
