import type { Client } from '@muster/client';
import { useCallback, useEffect, useReducer, useRef } from 'react';
import { useClient } from '../../api/client.ts';
import { type Problem, problemOf } from '../../api/problem.ts';
import { useFollow } from '../../live/use-live.ts';

/** Rows kept; older ones go from the top, so a long stream costs no more than this. */
export const shownMax = 2_000;

export type Shown = { key: number; value: unknown };
export type Records = {
  rows: readonly Shown[];
  dropped: number;
  /** Where reading goes on. */
  next: string;
  atEnd: boolean;
  closed: boolean;
  reading: boolean;
  problem: Problem | undefined;
  more: () => void;
};

type State = Omit<Records, 'more'> & { count: number };
type Event =
  | { kind: 'begin'; from: string }
  | { kind: 'reading' }
  | { kind: 'came'; values: readonly unknown[]; next: string; atEnd: boolean; closed: boolean }
  | { kind: 'failed'; problem: Problem | undefined };

const begun = (from: string): State => ({
  rows: [],
  dropped: 0,
  next: from,
  atEnd: false,
  closed: false,
  reading: true,
  problem: undefined,
  count: 0,
});

const step = (state: State, event: Event): State => {
  if (event.kind === 'begin') return begun(event.from);
  if (event.kind === 'reading') return { ...state, reading: true, problem: undefined };
  if (event.kind === 'failed') return { ...state, reading: false, problem: event.problem };
  const { values, next, atEnd, closed } = event;
  const all = [...state.rows, ...values.map((value, i) => ({ key: state.count + i, value }))];
  const over = Math.max(0, all.length - shownMax);
  return {
    ...state,
    rows: over === 0 ? all : all.slice(over),
    dropped: state.dropped + over,
    count: state.count + values.length,
    next,
    atEnd,
    closed,
    reading: false,
  };
};

/**
 * Records of a stream from an offset on: a part at a time as they are asked for, and by themselves once the end was
 * reached, until the stream is closed.
 */
export function useRecords(path: string, from: string): Records {
  const client = useClient();
  const [state, tell] = useReducer(step, from, begun);
  const abort = useRef<AbortController>(undefined);

  const read = useCallback(
    (at: string): void => {
      abort.current?.abort();
      const own = new AbortController();
      abort.current = own;
      tell({ kind: 'reading' });
      readPart(client, path, at, own.signal).then(
        (part) => (own.signal.aborted ? undefined : tell({ kind: 'came', ...part })),
        (error: unknown) => (own.signal.aborted ? undefined : tell({ kind: 'failed', problem: problemOf(error) })),
      );
    },
    [client, path],
  );
  useEffect(() => {
    tell({ kind: 'begin', from });
    read(from);
    return () => abort.current?.abort();
  }, [read, from]);

  useFollow<unknown>(
    state.atEnd && !state.closed ? path : undefined,
    {
      take: (values, { next, closed }) => tell({ kind: 'came', values, next, atEnd: true, closed }),
      failed: (error) => tell({ kind: 'failed', problem: problemOf(error) }),
    },
    state.atEnd ? state.next : undefined,
  );
  return { ...state, more: () => read(state.next) };
}

/** One part of what is there by now. */
async function readPart(
  client: Client,
  path: string,
  from: string,
  signal: AbortSignal,
): Promise<{ values: readonly unknown[]; next: string; atEnd: boolean; closed: boolean }> {
  for await (const { records, next, upToDate, closed } of client
    .stream(path)
    .read({ from, signal, onGap: () => 'continue' }))
    return { values: records, next, atEnd: upToDate, closed };
  const head = await client.stream(path).head(signal);
  return { values: [], next: head.next, atEnd: true, closed: head.closed };
}
