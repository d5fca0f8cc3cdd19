import { MusterError } from '@muster/protocol/errors';
import { QueryClientProvider, useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useMemo } from 'react';
import { ConnectionContext, makeConnection, useConnection } from '../api/connection.ts';
import { MeContext, meQuery } from '../api/me.ts';
import { signInHref } from '../api/place.ts';
import { problemOf } from '../api/problem.ts';
import { makeQueryClient } from '../api/queries.ts';
import { Live } from '../live/live.ts';
import { LiveContext } from '../live/use-live.ts';
import { ButtonLink } from '../parts/button.tsx';
import { useNav } from '../parts/nav.tsx';
import { Page, PageHead } from '../parts/page.tsx';
import { ProblemPanel } from '../parts/problem-panel.tsx';
import { ClockContext } from '../parts/time.tsx';
import { shellWords as words } from '../words/shell.ts';
import { remember } from './preferences.ts';

/** Everything below sees the server as one person in one project; another project is another session, with nothing of this one. */
export function Session({ project, children }: { project: string | undefined; children: ReactNode }): ReactNode {
  const { connection, queries, live } = useMemo(() => {
    const connection = makeConnection(project);
    const queries = makeQueryClient();
    return { connection, queries, live: new Live(connection, queries) };
  }, [project]);
  useEffect(() => {
    live.start();
    return () => live.stop();
  }, [live]);
  return (
    <QueryClientProvider client={queries}>
      <ConnectionContext value={connection}>
        <LiveContext value={live}>
          <ClockContext value={live.clock}>
            <WhoIsThere>{children}</WhoIsThere>
          </ClockContext>
        </LiveContext>
      </ConnectionContext>
    </QueryClientProvider>
  );
}

function WhoIsThere({ children }: { children: ReactNode }): ReactNode {
  const { data: me, error, isPending, isFetching, refetch } = useQuery(meQuery(useConnection()));
  const nobody = error instanceof MusterError && error.code === 'unauthenticated' && me === undefined;
  useEffect(() => {
    // Nothing has been typed yet, so there is nothing to lose.
    if (nobody) location.replace(signInHref());
  }, [nobody]);
  if (me) return <MeContext value={me}>{me.projectId === null ? <NoProject /> : children}</MeContext>;
  if (isPending || nobody) return <p className="visually-hidden">{words.loading}</p>;
  if (error instanceof MusterError && error.reason === 'no_such_project') return <OtherProject />;
  const problem = problemOf(error);
  return (
    <Alone title={words.startProblem}>
      {problem ? <ProblemPanel problem={problem} onRetry={() => void refetch()} busy={isFetching} /> : null}
    </Alone>
  );
}

/** A page without the frame: there is nobody to show it to. */
function Alone({ title, children }: { title: string; children: ReactNode }): ReactNode {
  return (
    <main>
      <Page>
        <PageHead title={title} />
        {children}
      </Page>
    </main>
  );
}

const NoProject = (): ReactNode => (
  <Alone title={words.noProjectTitle}>
    <p>{words.noProjectDetail}</p>
  </Alone>
);

function OtherProject(): ReactNode {
  const nav = useNav();
  useEffect(() => remember('project', undefined), []);
  return (
    <Alone title={words.otherProjectTitle}>
      <p>{words.otherProjectDetail}</p>
      <p>
        <ButtonLink href={nav.hrefOf('/?project=')} variant="primary">
          {words.otherProjectBack}
        </ButtonLink>
      </p>
    </Alone>
  );
}
