import { type ReactNode, startTransition, useEffect, useRef, useState } from 'react';
import { areas } from './areas.ts';
import { type Nav, NavProvider } from './parts/nav.tsx';
import { CrashBoundary } from './shell/crash.tsx';
import { go, type Here, hereNow, hrefOf, onMove } from './shell/history.ts';
import { matcherOf } from './shell/match-path.ts';
import { PageView } from './shell/page-view.tsx';
import { Shell } from './shell/shell.tsx';

const match = matcherOf(areas.flatMap(({ routes }) => routes));

const nav: Nav = {
  hrefOf,
  navigate: go,
  preload: (to) => {
    // What cannot be fetched now is said when somebody goes there.
    match(to.split(/[?#]/, 1)[0] ?? '/')
      ?.route.page()
      .catch(() => undefined);
  },
};

/** The whole console: an address, the page it means, and the shell around it. */
export function Router(): ReactNode {
  const [here, setHere] = useState<Here>(hereNow);
  const shown = useRef(here.pathname);
  useEffect(
    () =>
      onMove((next) => {
        // A page stays until the next one is there; what is typed into a filter is there at once.
        if (next.pathname === shown.current) setHere(next);
        else startTransition(() => setHere(next));
        shown.current = next.pathname;
      }),
    [],
  );
  return (
    <NavProvider value={nav} location={here}>
      <CrashBoundary>
        <Shell areas={areas} step={here.key}>
          <PageView match={match(here.pathname)} />
        </Shell>
      </CrashBoundary>
    </NavProvider>
  );
}
