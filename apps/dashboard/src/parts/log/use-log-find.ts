import { useEffect, useRef, useState } from 'react';
import type { LogHit, LogSource } from './source.ts';

export type Find = {
  total: number;
  hits: readonly LogHit[];
  /** Which hit is looked at; -1 before the first. */
  at: number;
  busy: boolean;
  error: string | undefined;
  step: (by: 1 | -1) => void;
};

const quietMs = 250;
const hitsMax = 5_000;
const nothing = {
  total: 0,
  hits: [] as readonly LogHit[],
  more: false,
  at: -1,
  busy: false,
  error: undefined as string | undefined,
};

/** Looks for text in the whole log, and walks what was found; `go` is told the line of each step. */
export function useLogFind(
  source: LogSource,
  text: string,
  regex: boolean,
  from: () => number,
  go: (n: number) => void,
): Find {
  const [found, setFound] = useState(nothing);
  const stop = useRef<AbortController>(undefined);
  const latest = useRef({ from, go });
  latest.current = { from, go };

  useEffect(() => {
    stop.current?.abort();
    if (text === '' || !source.find) {
      setFound(nothing);
      return undefined;
    }
    const own = new AbortController();
    stop.current = own;
    const timer = setTimeout(() => {
      setFound((before) => ({ ...before, busy: true, error: undefined }));
      source.find?.({ text, regex, from: 0 }, own.signal).then(
        ({ total, hits, more }) => {
          if (own.signal.aborted) return;
          const begin = latest.current.from();
          const at = Math.max(
            0,
            hits.findIndex((hit) => hit.n >= begin),
          );
          setFound({ total, hits, more, at: hits.length === 0 ? -1 : at, busy: false, error: undefined });
          const first = hits[at];
          if (first) latest.current.go(first.n);
        },
        (error: unknown) => {
          if (!own.signal.aborted)
            setFound({ ...nothing, error: error instanceof Error ? error.message : String(error) });
        },
      );
    }, quietMs);
    return () => {
      own.abort();
      clearTimeout(timer);
    };
  }, [source, text, regex]);

  const step = (by: 1 | -1): void => {
    const { hits, at, more, busy } = found;
    if (hits.length === 0) return;
    const last = hits.at(-1);
    if (by === 1 && at === hits.length - 1 && more && last && !busy && hits.length < hitsMax) {
      readOn(last.n + 1);
      return;
    }
    const next = (at + by + hits.length) % hits.length;
    setFound((before) => ({ ...before, at: next }));
    const hit = hits[next];
    if (hit) go(hit.n);
  };

  const readOn = (line: number): void => {
    const own = stop.current;
    if (!own) return;
    setFound((before) => ({ ...before, busy: true }));
    source.find?.({ text, regex, from: line }, own.signal).then(
      (page) => {
        if (own.signal.aborted) return;
        setFound((before) => ({
          ...before,
          hits: [...before.hits, ...page.hits],
          more: page.more,
          at: before.at + (page.hits.length > 0 ? 1 : 0),
          busy: false,
        }));
        const first = page.hits[0];
        if (first) latest.current.go(first.n);
      },
      (error: unknown) => {
        if (!own.signal.aborted)
          setFound((before) => ({
            ...before,
            busy: false,
            error: error instanceof Error ? error.message : String(error),
          }));
      },
    );
  };

  return { total: found.total, hits: found.hits, at: found.at, busy: found.busy, error: found.error, step };
}
