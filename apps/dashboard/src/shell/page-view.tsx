import { type ComponentType, type ReactNode, Suspense, useLayoutEffect } from 'react';
import { lazyPart } from '../parts/lazy-part.ts';
import { Skeleton } from '../parts/skeleton.tsx';
import type { AreaRoute } from './area.ts';
import { CrashBoundary } from './crash.tsx';
import type { Match } from './match-path.ts';
import { NotFound } from './not-found.tsx';
import { PathContext } from './path-param.ts';

const pages = new Map<AreaRoute, ComponentType>();
function pageOf(route: AreaRoute): ComponentType {
  let page = pages.get(route);
  if (!page) pages.set(route, (page = lazyPart(route.page)));
  return page;
}

/** The page of an address. Another thing of the same kind is another page; the rest of a path is the page's own business. */
export function PageView({ match }: { match: Match<AreaRoute> | undefined }): ReactNode {
  if (!match) return <NotFound />;
  const { route, params } = match;
  const Page = pageOf(route); // oxlint-disable-line react/static-components -- made once for each route
  const named = Object.entries(params).filter(([name]) => name !== '*');
  const key = [route.path, ...named.map(([, value]) => value)].join(' ');
  return (
    <CrashBoundary key={key}>
      <Title text={route.title} />
      <PathContext value={params}>
        <Suspense fallback={<Skeleton lines={6} />}>
          <Page />
        </Suspense>
      </PathContext>
    </CrashBoundary>
  );
}

/** Until the page says a title of its own, which it does in an effect that runs later. */
function Title({ text }: { text: string }): ReactNode {
  useLayoutEffect(() => {
    document.title = `${text} · Muster`;
  }, [text]);
  return null;
}
