import { type ReactNode, useCallback, useMemo } from 'react';
import { useNav, usePlace } from '../parts/nav.tsx';
import { ZoneContext } from '../parts/time.tsx';
import { changeKept } from './kept-params.ts';
import { recall, remember } from './preferences.ts';

export type Zone = 'local' | 'utc';

/** The zone of the address counts, so a shared link shows the same; else the one this person likes. */
function zoneOf(search: string): Zone {
  const named = new URLSearchParams(search).get('zone');
  if (named === 'utc' || named === 'local') return named;
  return recall('zone') === 'utc' ? 'utc' : 'local';
}

export function ZoneProvider({ children }: { children: ReactNode }): ReactNode {
  const { search } = usePlace();
  const zone = useMemo(() => zoneOf(search), [search]);
  return <ZoneContext value={zone}>{children}</ZoneContext>;
}

export function useZoneSwitch(): (zone: Zone) => void {
  const nav = useNav();
  const { pathname, search } = usePlace();
  return useCallback(
    (zone) => {
      remember('zone', zone === 'local' ? undefined : zone);
      nav.navigate(`${pathname}${changeKept(search, 'zone', zone)}`, { replace: true });
    },
    [nav, pathname, search],
  );
}
