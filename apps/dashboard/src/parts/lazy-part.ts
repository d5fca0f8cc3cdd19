import { type ComponentType, type LazyExoticComponent, lazy } from 'react';

const againMs = 1_500;
/** A server that has just come back may still stumble. */
const triesMax = 3;
const reloadedKey = 'muster.reloaded';

/** Code of a page or part, fetched when it is first wanted. */
export const lazyPart = <P>(load: () => Promise<ComponentType<P>>): LazyExoticComponent<ComponentType<P>> =>
  lazy(async () => ({ default: await fetchPart(load) }));

/**
 * What cannot be fetched while the server is away comes when it is back. With the server there, the part is most often one of a
 * build that is gone: the page is loaded anew, once, at the same address. A failure after that is a real one.
 */
async function fetchPart<C>(load: () => Promise<C>): Promise<C> {
  for (let tries = 1; ; ) {
    try {
      const part = await load();
      sessionStorage.removeItem(reloadedKey);
      return part;
    } catch (error) {
      if (await isThere()) tries += 1;
      if (tries <= triesMax) {
        await new Promise((resolve) => setTimeout(resolve, againMs));
        continue;
      }
      if (sessionStorage.getItem(reloadedKey) === location.href) throw error;
      sessionStorage.setItem(reloadedKey, location.href);
      location.reload();
      return new Promise(() => undefined);
    }
  }
}

async function isThere(): Promise<boolean> {
  try {
    return (await fetch(new URL('health', document.baseURI), { cache: 'no-store' })).ok;
  } catch {
    return false;
  }
}
