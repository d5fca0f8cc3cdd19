import { basePath } from '../api/place.ts';
import { withKept } from './kept-params.ts';

/** Where the reader is: `pathname` below the base path. `key` names the step in the history. */
export type Here = { readonly pathname: string; readonly search: string; readonly hash: string; readonly key: string };

const keyOf = (state: unknown): string =>
  typeof state === 'object' && state !== null && 'key' in state && typeof state.key === 'string' ? state.key : 'first';

export function hereNow(): Here {
  const { pathname, search, hash } = location;
  const inside = pathname.startsWith(basePath) ? pathname.slice(basePath.length) : pathname;
  return { pathname: inside === '' ? '/' : inside, search, hash, key: keyOf(history.state) };
}

const listeners = new Set<(here: Here) => void>();
const tell = (): void => {
  const here = hereNow();
  for (const heard of Array.from(listeners)) heard(here);
};
globalThis.addEventListener('popstate', tell);

export function onMove(heard: (here: Here) => void): () => void {
  listeners.add(heard);
  return () => listeners.delete(heard);
}

/** As an address of this server, with what goes along from page to page. */
export const hrefOf = (to: string): string => `${basePath}${withKept(to, location.search)}`;

let steps = 0;

export function go(to: string, { replace = false }: { replace?: boolean } = {}): void {
  const href = hrefOf(to);
  if (replace) history.replaceState(history.state, '', href);
  else {
    keepScroll();
    history.pushState({ key: `${Date.now().toString(36)}-${++steps}` }, '', href);
  }
  tell();
}

const scrolls = new Map<string, number>();
const scrollsMax = 50;
const box = (): HTMLElement | null => document.querySelector('main');

/** How far the page was scrolled, for whoever comes back to it. */
function keepScroll(): void {
  const key = keyOf(history.state);
  scrolls.delete(key);
  scrolls.set(key, box()?.scrollTop ?? 0);
  const [oldest] = scrolls.keys();
  if (scrolls.size > scrollsMax && oldest !== undefined) scrolls.delete(oldest);
}

export const scrollAt = (key: string): number => scrolls.get(key) ?? 0;
