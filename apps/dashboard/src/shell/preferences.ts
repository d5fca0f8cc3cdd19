import { useSyncExternalStore } from 'react';
import { basePath } from '../api/place.ts';
import { type Signal, signal } from '../api/signal.ts';

/* What one person likes, kept in this browser. A browser that keeps nothing loses no more than that. */

const key = (name: string): string => `muster${basePath}.${name}`;

export function recall(name: string): string | undefined {
  try {
    return localStorage.getItem(key(name)) ?? undefined;
  } catch {
    return undefined;
  }
}

export function remember(name: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(key(name));
    else localStorage.setItem(key(name), value);
  } catch {
    // Storage is off or full: then it counts until the page is left.
  }
}

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const isTheme = (text: string | undefined): text is Theme => themes.some((theme) => theme === text);
const { dataset } = document.documentElement;
const theme: Signal<Theme> = signal<Theme>(isTheme(dataset['theme']) ? dataset['theme'] : 'system');

export const useTheme = (): Theme => useSyncExternalStore(theme.subscribe, theme.get);

/** The server writes the theme into each page, so it is kept where the server sees it. */
export function setTheme(next: Theme): void {
  dataset['theme'] = next;
  document.cookie = `muster_theme=${next}; Path=${basePath === '' ? '/' : basePath}; Max-Age=31536000; SameSite=Lax`;
  theme.set(next);
}

const letters: Signal<boolean> = signal(recall('keys') !== 'off');

/** Whether single keys act. */
export const useLetterKeys = (): boolean => useSyncExternalStore(letters.subscribe, letters.get);

export function setLetterKeys(on: boolean): void {
  remember('keys', on ? undefined : 'off');
  letters.set(on);
}
