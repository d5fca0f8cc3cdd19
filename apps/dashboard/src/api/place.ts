/* Where the server is, as the page it sent says. */

const base = new URL(document.baseURI);

/** The path the server is reached below, without a last slash; empty at the root. */
export const basePath: string = base.pathname.replace(/\/+$/, '');

/** For calls: origin and base path. */
export const serverUrl: string = `${base.origin}${basePath}`;

/** The build this page belongs to. */
export const pageBuild: string = document.querySelector<HTMLMetaElement>('meta[name="muster-build"]')?.content ?? '';

/** Of a page of the server that is not the console's, such as `/docs`. */
export const serverPage = (path: string): string => `${basePath}${path}`;

/** Where people sign in, and come back from to where they are now. */
export function signInHref(): string {
  const here = `${location.pathname}${location.search}${location.hash}`;
  return `${serverPage('/sign-in')}?next=${encodeURIComponent(here)}`;
}
