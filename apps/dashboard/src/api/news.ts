import { useSyncExternalStore } from 'react';
import { pageBuild } from './place.ts';
import { signal } from './signal.ts';

/* What any answer may tell besides what it was asked: that another build is served now, and that nobody is signed in. */

const newBuild = signal(false);
export const signedOut = signal(false);

/** Which build the server serves, whoever heard of it. */
export function noteBuild(id: string | null | undefined): void {
  if (id !== null && id !== undefined && id !== '' && pageBuild !== '' && id !== pageBuild) newBuild.set(true);
}

/** Whether a reload would bring another console. */
export const useNewBuild = (): boolean => useSyncExternalStore(newBuild.subscribe, newBuild.get);
