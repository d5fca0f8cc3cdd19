/**
 * Patterns of stream paths: `*` is one segment, `**` any number of them, also none; everything else stands for itself.
 * Used by subscriptions, browser tokens and public prefixes alike.
 */

export const pathPatternBytesMax = 512;
export const pathPatternSegmentsMax = 16;

/** What is wrong with a pattern, as a sentence; `undefined` when nothing is. */
export function faultOfPattern(pattern: string): string | undefined {
  if (pattern.length === 0) return 'A pattern has at least one segment.';
  if (new TextEncoder().encode(pattern).length > pathPatternBytesMax)
    return `A pattern has at most ${pathPatternBytesMax} bytes.`;
  const segments = pattern.split('/');
  if (segments.length > pathPatternSegmentsMax) return `A pattern has at most ${pathPatternSegmentsMax} segments.`;
  for (const segment of segments) {
    if (segment === '') return 'A pattern has no empty segments: no slash at its start or end, and never two together.';
    if (segment === '.' || segment === '..') return 'A pattern has no segments "." or "..".';
    if (hasControl(segment)) return 'A pattern has no control characters.';
    if (segment !== '*' && segment !== '**' && segment.includes('*'))
      return 'A star stands alone in its segment: "*" for one segment, "**" for any number.';
  }
  return undefined;
}

const hasControl = (text: string): boolean => /\p{Cc}/u.test(text) || !text.isWellFormed();

/** A function that says whether a path matches any of the patterns. Made once, asked often. */
export function pathMatcher(patterns: readonly string[]): (path: string) => boolean {
  const plain = new Set(patterns.filter((pattern) => !pattern.includes('*')));
  const wild = patterns.filter((pattern) => pattern.includes('*')).map((pattern) => pattern.split('/'));
  if (wild.length === 0) return (path) => plain.has(path);
  return (path) => {
    if (plain.has(path)) return true;
    const segments = path.split('/');
    return wild.some((pattern) => matches(pattern, segments));
  };
}

/**
 * Whether everything `inner` matches is matched by `outer` too. Sound, not complete: a "no" may be too careful, a "yes" never
 * is wrong.
 */
export function patternCovers(outer: string, inner: string): boolean {
  return matches(outer.split('/'), inner.split('/'));
}

/**
 * Goes through both once and comes back to the last `**` only: a pattern with many of them costs no more than the product of
 * both lengths. A `**` among `segments` (they may be a pattern's) is matched by `**` alone, a `*` by either.
 */
function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  let i = 0;
  while (i < segments.length) {
    const wanted = pattern[at];
    const segment = segments[i];
    if (wanted === '**') {
      star = at++;
      resume = i;
    } else if (wanted !== undefined && segment !== '**' && (wanted === '*' || wanted === segment)) {
      at++;
      i++;
    } else if (star >= 0) {
      at = star + 1;
      i = ++resume;
    } else return false;
  }
  while (pattern[at] === '**') at++;
  return at === pattern.length;
}
