/** First steps that belong to the server; what it does not know below them is no page. */
const reserved = new Set([
  'v1',
  'api',
  'socket',
  'worker',
  'public',
  'health',
  'ready',
  'metrics',
  'docs',
  'openapi.json',
  'llms.txt',
  'mcp',
  'assets',
  'sandbox',
  'sign-in',
  'sign-out',
  'setup',
  'invite',
  'reset',
]);

export const isReserved = (path: string): boolean => reserved.has(path.split('/')[1] ?? '');

/** Where bookmarks of the consoles that were replaced lead now, as far as what they showed is here. */
const moved: readonly (readonly [from: string, to: string])[] = [
  ['/agents', '/gallery/bots'],
  ['/api-keys', '/settings/keys'],
  ['/keys', '/settings/keys'],
  ['/dev/dashboard', '/system'],
];

/** The console's path in place of an old one, with what stood behind it where that has the same meaning. */
export function movedTo(path: string): string | undefined {
  for (const [from, to] of moved) {
    if (path === from || path === `${from}/`) return to;
    if (from === '/agents' && path.startsWith('/agents/')) return `${to}${path.slice('/agents'.length)}`;
  }
  return undefined;
}
