import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { problemOf } from '../../api/problem.ts';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { Skeleton } from '../../parts/skeleton.tsx';

type Known<T> = Pick<UseQueryResult<T>, 'data' | 'error' | 'isFetching' | 'dataUpdatedAt' | 'refetch'>;

/** What a query knows: the last good data stays, with the problem of the last try above it (D9). */
export function Loaded<T>(props: { query: Known<T>; lines?: number; children: (data: T) => ReactNode }): ReactNode {
  const { data, error, isFetching, dataUpdatedAt, refetch } = props.query;
  const problem = problemOf(error);
  return (
    <>
      {problem ? (
        <ProblemPanel
          problem={problem}
          busy={isFetching}
          onRetry={() => void refetch()}
          {...(data === undefined ? {} : { lastGoodAt: dataUpdatedAt })}
        />
      ) : null}
      {data === undefined ? problem ? null : <Skeleton lines={props.lines ?? 4} /> : props.children(data)}
    </>
  );
}
