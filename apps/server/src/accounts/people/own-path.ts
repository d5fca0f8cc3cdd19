/**
 * Where to go after signing in: only ever a path of this server, below its base path. Everything else, also what merely looks
 * like a path to us and like another site to a browser (`//host`, `/\host`, tabs and line ends inside), leads to `fallback`.
 */
export function ownPath(given: string | undefined, basePath: string, fallback: string): string {
  if (
    given === undefined ||
    given.length > 2000 ||
    !/^\/(?![/\\])[\u0021-\u007e]*$/.test(given) ||
    given.includes('\\')
  )
    return fallback;
  const here = new URL('http://own.invalid');
  if (!URL.canParse(given, here.href)) return fallback;
  const url = new URL(given, here);
  if (url.origin !== here.origin || url.pathname.startsWith('//')) return fallback;
  const inside = basePath === '' || url.pathname === basePath || url.pathname.startsWith(`${basePath}/`);
  return inside ? `${url.pathname}${url.search}${url.hash}` : fallback;
}
