import { type KeyboardEvent, type ReactNode, useEffect, useRef } from 'react';
import { count } from './format.ts';
import { Link } from './nav.tsx';

export type TabItem = {
  key: string;
  label: string;
  count?: number | null | undefined;
  /** Stands behind the label: a state, a mark. */
  mark?: ReactNode;
};

export type TabsProps = {
  /** What the tabs are of; also ties panels to them. */
  label: string;
  items: readonly TabItem[];
  value: string;
  onChange: (key: string) => void;
};

const idOf = (label: string, part: 'tab' | 'panel', key: string): string =>
  `${label.replaceAll(/\W+/g, '-').toLowerCase()}-${part}-${key}`;

/** Parts of one page. Arrow keys walk them; they scroll sideways where room is short. */
export function Tabs({ label, items, value, onChange }: TabsProps): ReactNode {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = list.current;
    const chosen = box?.querySelector<HTMLElement>('[aria-selected=true]');
    if (!box || !chosen) return;
    // Only the row of tabs moves: `scrollIntoView` would take the whole page along.
    const from = chosen.offsetLeft - box.offsetLeft;
    if (from < box.scrollLeft) box.scrollLeft = from;
    else if (from + chosen.offsetWidth > box.scrollLeft + box.clientWidth)
      box.scrollLeft = from + chosen.offsetWidth - box.clientWidth;
  }, [value]);
  const walk = (event: KeyboardEvent): void => {
    const at = items.findIndex((item) => item.key === value);
    const to = nextIndex(event.key, at, items.length);
    const next = to === undefined ? undefined : items[to];
    if (!next) return;
    event.preventDefault();
    onChange(next.key);
    document.getElementById(idOf(label, 'tab', next.key))?.focus();
  };
  return (
    <div ref={list} role="tablist" aria-label={label} className="tabs" onKeyDown={walk}>
      {items.map((item) => {
        const chosen = item.key === value;
        return (
          <button
            key={item.key}
            type="button"
            role="tab"
            id={idOf(label, 'tab', item.key)}
            aria-selected={chosen}
            aria-controls={chosen ? idOf(label, 'panel', item.key) : undefined}
            tabIndex={chosen ? 0 : -1}
            className="tab"
            onClick={() => onChange(item.key)}
          >
            <Face label={item.label} count={item.count} mark={item.mark} />
          </button>
        );
      })}
    </div>
  );
}

function nextIndex(key: string, at: number, length: number): number | undefined {
  if (key === 'ArrowRight') return (at + 1) % length;
  if (key === 'ArrowLeft') return (at - 1 + length) % length;
  if (key === 'Home') return 0;
  if (key === 'End') return length - 1;
  return undefined;
}

function Face({ label, count: number, mark }: Pick<TabItem, 'label' | 'count' | 'mark'>): ReactNode {
  return (
    <>
      {label}
      {number === undefined || number === null ? null : <span className="tab-count">{count(number)}</span>}
      {mark}
    </>
  );
}

export type TabPanelProps = {
  /** The same as of its `Tabs`. */
  label: string;
  tab: string;
  /** Which tab is chosen; without, the caller shows only that one. */
  value?: string | undefined;
  children: ReactNode;
};

/** What a tab shows, while it is chosen. */
export function TabPanel({ label, tab, value, children }: TabPanelProps): ReactNode {
  if (value !== undefined && tab !== value) return null;
  return (
    <div role="tabpanel" id={idOf(label, 'panel', tab)} aria-labelledby={idOf(label, 'tab', tab)} className="tab-panel">
      {children}
    </div>
  );
}

export type TabLink = {
  to: string;
  label: string;
  count?: number | null | undefined;
  current: boolean;
  mark?: ReactNode;
};

/** The same look for links between the pages of an area. */
export function TabLinks({ label, items }: { label: string; items: readonly TabLink[] }): ReactNode {
  return (
    <nav aria-label={label} className="tabs">
      {items.map((item) => (
        <Link key={item.to} to={item.to} className="tab" aria-current={item.current ? 'page' : undefined}>
          <Face label={item.label} count={item.count} mark={item.mark} />
        </Link>
      ))}
    </nav>
  );
}
