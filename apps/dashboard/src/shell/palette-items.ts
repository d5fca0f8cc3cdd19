import { useEffect, useId, useSyncExternalStore } from 'react';
import { type Signal, signal } from '../api/signal.ts';
import type { PaletteGroup, PaletteItem } from '../parts/palette.tsx';

const groups: Signal<ReadonlyMap<string, PaletteGroup>> = signal<ReadonlyMap<string, PaletteGroup>>(new Map());

/** What the page that is open adds to the palette: its actions, with their reasons where they may not be done. */
export function usePaletteItems(title: string, items: readonly PaletteItem[]): void {
  const id = useId();
  useEffect(() => {
    groups.set(new Map(groups.get()).set(id, { title, items: [...items] }));
    return () => {
      const rest = new Map(groups.get());
      rest.delete(id);
      groups.set(rest);
    };
  }, [id, title, items]);
}

export function usePaletteGroups(): readonly PaletteGroup[] {
  const all = useSyncExternalStore(groups.subscribe, groups.get);
  return [...all.values()];
}
