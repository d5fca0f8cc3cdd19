import type { Overview, Scope } from '@muster/protocol';
import type { LucideIcon } from 'lucide-react';
import type { ComponentType } from 'react';

/** One page. What it shows is loaded when somebody goes there. */
export type AreaRoute = {
  /** Below the base path: `/builds/:id`; a last `*` takes the rest. */
  readonly path: string;
  /** Shown while the page comes, and until it says its own. */
  readonly title: string;
  readonly page: () => Promise<ComponentType>;
  /** Takes no room of its own padding: lists and logs that fill the screen. */
  readonly fill?: boolean;
};

/** The number beside a menu entry: what runs now. `alarm`: something there needs a person. */
export type MenuCount = { readonly count: number | undefined; readonly alarm: boolean };

export type Area = {
  readonly key: string;
  readonly label: string;
  readonly icon: LucideIcon;
  /** Where the menu leads. */
  readonly to: string;
  /** The key behind `g`. */
  readonly letter: string;
  /** Who sees it in the menu. */
  readonly needs?: Scope | 'installation';
  /** Stands in the bottom bar of narrow screens; the others are under "More". */
  readonly main?: boolean;
  readonly count?: (overview: Overview) => MenuCount;
  readonly routes: readonly AreaRoute[];
  /** What the palette offers beside the area itself. */
  readonly pages?: readonly { readonly to: string; readonly label: string; readonly words?: string }[];
};
