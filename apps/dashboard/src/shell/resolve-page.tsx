import type { Resolved } from '@muster/protocol';
import { MusterError } from '@muster/protocol/errors';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { useConnection } from '../api/connection.ts';
import { problemOf } from '../api/problem.ts';
import { useNav } from '../parts/nav.tsx';
import { Page, PageHead } from '../parts/page.tsx';
import { plain } from '../parts/plain.ts';
import { ProblemPanel } from '../parts/problem-panel.tsx';
import { shellWords as words } from '../words/shell.ts';
import { NotFound } from './not-found.tsx';
import { usePathParam } from './path-param.ts';

/** `/r/<id>`: an id of any kind leads to the page of its thing. */
export function ResolvePage(): ReactNode {
  const id = usePathParam('id');
  const connection = useConnection();
  const nav = useNav();
  const { data, error, refetch, isFetching } = useQuery({
    queryKey: ['running', 'resolve', id],
    queryFn: ({ signal }) => connection.call<Resolved>('GET', `/v1/resolve/${encodeURIComponent(id)}`, { signal }),
  });
  useEffect(() => {
    if (data) nav.navigate(data.path, { replace: true });
  }, [data, nav]);
  const gone = error instanceof MusterError && (error.code === 'notFound' || error.code === 'invalid');
  if (gone) return <NotFound detail={words.resolveGone(plain(id, 80))} />;
  const problem = problemOf(error);
  return (
    <Page>
      <PageHead title={words.resolving} />
      {problem ? <ProblemPanel problem={problem} onRetry={() => void refetch()} busy={isFetching} /> : null}
    </Page>
  );
}
