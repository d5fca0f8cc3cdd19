import type { ReactNode } from 'react';
import { useMe } from '../api/me.ts';
import { useKeys } from '../parts/keys.tsx';
import { useNav } from '../parts/nav.tsx';
import { shellWords as words } from '../words/shell.ts';
import type { Area } from './area.ts';
import { mayEnter } from './may-enter.ts';
import { openPalette } from './palette-host.tsx';

/** Keys that act everywhere. */
export function Shortcuts({ areas, onKeys }: { areas: readonly Area[]; onKeys: () => void }): ReactNode {
  const nav = useNav();
  const me = useMe();
  useKeys([
    { keys: 'mod+k', label: words.openPalette, group: words.keysHere, run: () => openPalette() },
    { keys: '?', label: words.showKeys, group: words.keysHere, run: onKeys },
    ...areas
      .filter(({ needs }) => mayEnter(me, needs))
      .map(({ label, letter, to }) => ({
        keys: `g ${letter}`,
        label: words.goTo(label),
        group: words.keysAreas,
        run: () => nav.navigate(to),
      })),
  ]);
  return null;
}
