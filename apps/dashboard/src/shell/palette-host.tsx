import type { SearchAnswer } from '@muster/protocol';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ReactNode, Suspense, useDeferredValue, useMemo, useState, useSyncExternalStore } from 'react';
import { useConnection } from '../api/connection.ts';
import { useMe } from '../api/me.ts';
import { type Signal, signal } from '../api/signal.ts';
import { lazyPart } from '../parts/lazy-part.ts';
import { useNav } from '../parts/nav.tsx';
import type { PaletteGroup } from '../parts/palette.tsx';
import { plain } from '../parts/plain.ts';
import { shellWords as words } from '../words/shell.ts';
import type { Area } from './area.ts';
import { mayEnter } from './may-enter.ts';
import { usePaletteGroups } from './palette-items.ts';
import { setTheme, themes } from './preferences.ts';

const Palette = lazyPart(() => import('../parts/palette.tsx').then((part) => part.Palette));

/** What is searched for; `undefined`: it is closed. */
const asked: Signal<string | undefined> = signal<string | undefined>(undefined);

export const openPalette = (text = ''): void => asked.set(text);

/** The palette, loaded when it is first wanted. */
export function PaletteHost({ areas }: { areas: readonly Area[] }): ReactNode {
  const text = useSyncExternalStore(asked.subscribe, asked.get);
  if (text === undefined) return null;
  return (
    <Suspense>
      <OpenPalette areas={areas} first={text} />
    </Suspense>
  );
}

function OpenPalette({ areas, first }: { areas: readonly Area[]; first: string }): ReactNode {
  const nav = useNav();
  const me = useMe();
  const [text, setText] = useState(first);
  const found = useFound(text);
  const ofPage = usePaletteGroups();
  const go = (to: string) => () => nav.navigate(to);
  const open = useMemo(() => areas.filter(({ needs }) => mayEnter(me, needs)), [areas, me]);
  const groups: PaletteGroup[] = [
    ...(found.items.length > 0
      ? [
          {
            title: words.paletteFound,
            items: found.items.map(({ kind, id, name, path }) => ({
              id: `found-${kind}-${id}`,
              label: plain(name ?? id, 80),
              hint: `${kind} ${id}`,
              words: `${id} ${text}`,
              run: go(path),
            })),
          },
        ]
      : []),
    ...ofPage,
    {
      title: words.paletteArea,
      items: open.map(({ key, label, to, letter }) => ({ id: `area-${key}`, label, keys: `g ${letter}`, run: go(to) })),
    },
    {
      title: words.palettePages,
      items: open.flatMap(({ label: area, pages = [] }) =>
        pages.map(({ to, label, words: more }) => ({
          id: `page-${to}`,
          label,
          hint: area,
          ...(more === undefined ? {} : { words: more }),
          run: go(to),
        })),
      ),
    },
    {
      title: words.paletteSettings,
      items: themes.map((theme) => ({
        id: `theme-${theme}`,
        label: words.paletteTheme(words.themes[theme]),
        run: () => setTheme(theme),
      })),
    },
  ];
  return (
    <Palette
      open
      groups={groups}
      first={first}
      onQuery={setText}
      busy={found.busy}
      onClose={() => asked.set(undefined)}
    />
  );
}

/** Things of the server whose id or name begins with, or holds, what is typed. */
function useFound(text: string): { items: SearchAnswer['items']; busy: boolean } {
  const connection = useConnection();
  const q = useDeferredValue(text.trim());
  const { data, isFetching } = useQuery({
    queryKey: ['running', 'search', q],
    queryFn: ({ signal }) =>
      connection.call<SearchAnswer>('GET', '/v1/search', { query: { q: q.slice(0, 200), limit: 12 }, signal }),
    enabled: q !== '',
    placeholderData: keepPreviousData,
    retry: false,
  });
  return { items: q === '' ? [] : (data?.items ?? []), busy: isFetching };
}
