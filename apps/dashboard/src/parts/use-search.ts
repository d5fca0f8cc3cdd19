import { useMemo } from 'react';
import { useNav, usePlace } from './nav.tsx';
import type { InvalidParam, PatchOf, Search, ValuesOf } from './search.ts';

export type SearchState<S> = {
  values: ValuesOf<S>;
  invalid: InvalidParam[];
  /** Changes some values; a step in the history unless `replace`. */
  readonly set: (patch: PatchOf<S>, options?: { replace?: boolean }) => void;
  readonly drop: (invalid: InvalidParam) => void;
  readonly clear: () => void;
  /** Where a link with these values leads. */
  readonly href: (patch: PatchOf<S>) => string;
};

/** The page's parameters, read from the URL and written to it. Stable while the URL is. */
export function useSearch<S>(search: Search<S>): SearchState<S> {
  const { navigate } = useNav();
  const place = usePlace();
  return useMemo(() => {
    const to = (query: string): string => `${place.pathname}${query}`;
    return {
      ...search.parse(place.search),
      set: (patch, options) => navigate(to(search.write(place.search, patch)), options),
      drop: (invalid) => navigate(to(search.drop(place.search, invalid)), { replace: true }),
      clear: () => navigate(to(search.clear(place.search))),
      href: (patch) => to(search.write(place.search, patch)),
    };
  }, [search, navigate, place]);
}
