import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { Chunks } from './chunks.ts';
import type { LogSnapshot, LogSource } from './source.ts';

/** The lines of a source, read as they are looked at. Draws anew when lines came or the log grew. */
export function useLogLines(source: LogSource): { snapshot: LogSnapshot; chunks: Chunks } {
  const subscribe = useCallback((listener: () => void) => source.subscribe(listener), [source]);
  const snapshot = useSyncExternalStore(subscribe, () => source.snapshot());
  const [, draw] = useState(0);
  const [chunks, setChunks] = useState(() => new Chunks(source, () => draw((n) => n + 1)));
  const [shown, setShown] = useState(source);
  if (shown !== source) {
    setShown(source);
    setChunks(new Chunks(source, () => draw((n) => n + 1)));
  }
  useEffect(() => () => chunks.close(), [chunks]);
  return { snapshot, chunks };
}
