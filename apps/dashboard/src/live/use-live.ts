import { createContext, useContext, useEffect, useRef, useSyncExternalStore } from 'react';
import type { Taker } from './follow.ts';
import type { Live } from './live.ts';
import type { PillState } from './pill-state.ts';

export const LiveContext: React.Context<Live | undefined> = createContext<Live | undefined>(undefined);

export function useLive(): Live {
  const live = useContext(LiveContext);
  if (!live) throw new Error('invariant broken: outside of a session');
  return live;
}

export function usePill(): PillState {
  const { pill } = useLive();
  return useSyncExternalStore(pill.subscribe, pill.get);
}

/**
 * Takes from a stream while the component is there: what comes from now on, or all behind `from`. `undefined` follows nothing.
 * What is handed over may change with each render.
 *
 * @example
 * useFollow<BuildEventRecord>('builds/events', { take: (records) => patchBuilds(queries, records) });
 */
export function useFollow<T>(path: string | undefined, taker: Taker<T>, from?: string): void {
  const live = useLive();
  const latest = useRef(taker);
  useEffect(() => {
    latest.current = taker;
  });
  useEffect(() => {
    if (path === undefined) return undefined;
    return live.follow<T>(
      path,
      {
        take: (records, at) => latest.current.take(records, at),
        gap: (gap) => latest.current.gap?.(gap),
        ended: () => latest.current.ended?.(),
        failed: (error) => latest.current.failed?.(error),
      },
      from,
    );
  }, [live, path, from]);
}
