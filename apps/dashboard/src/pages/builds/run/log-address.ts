import { useCallback, useMemo, useSyncExternalStore } from 'react';
import { useNav, usePlace } from '../../../parts/nav.tsx';

/* Lines are meant by the address' fragment, `#L10-L20`, as everywhere lines can be linked. */

const subscribe = (heard: () => void): (() => void) => {
  addEventListener('hashchange', heard);
  addEventListener('popstate', heard);
  return () => {
    removeEventListener('hashchange', heard);
    removeEventListener('popstate', heard);
  };
};
const hashNow = (): string => location.hash.replace(/^#/, '');

/** Which lines are meant, and the means to say so. */
export function useLogAddress(): { anchor?: string; onAnchor: (anchor: string | undefined) => void } {
  const nav = useNav();
  const { pathname, search } = usePlace();
  const hash = useSyncExternalStore(subscribe, hashNow);
  const onAnchor = useCallback(
    (anchor: string | undefined) =>
      nav.navigate(`${pathname}${search}${anchor === undefined ? '' : `#${anchor}`}`, { replace: true }),
    [nav, pathname, search],
  );
  return useMemo(() => (/^L\d+(-L\d+)?$/.test(hash) ? { anchor: hash, onAnchor } : { onAnchor }), [hash, onAnchor]);
}
