/** What an address means: the route, and the parts of the address it names. */
export type Match<R> = { readonly route: R; readonly params: Readonly<Record<string, string>> };

type Step = { readonly kind: 'plain' | 'named' | 'rest'; readonly name: string };

const stepsOf = (pattern: string): Step[] =>
  pattern
    .split('/')
    .slice(1)
    .map((step) => {
      if (step === '*') return { kind: 'rest', name: '*' };
      return step.startsWith(':') ? { kind: 'named', name: step.slice(1) } : { kind: 'plain', name: step };
    });

/** Plain steps before named ones, and these before the rest of a path: `/builds/new` before `/builds/:id`. */
const rank: Readonly<Record<Step['kind'], string>> = { plain: '0', named: '1', rest: '2' };

/** Finds the route of a path. A path that is no valid percent-encoding leads nowhere. */
export function matcherOf<R extends { readonly path: string }>(
  routes: readonly R[],
): (path: string) => Match<R> | undefined {
  const known = routes
    .map((route) => ({ route, steps: stepsOf(route.path) }))
    .toSorted((a, b) => (rankOf(a.steps) < rankOf(b.steps) ? -1 : 1));
  return (path) => {
    const given = path
      .replace(/(.)\/+$/, '$1')
      .split('/')
      .slice(1);
    for (const { route, steps } of known) {
      const params = fit(steps, given);
      if (params) return { route, params };
    }
    return undefined;
  };
}

const rankOf = (steps: readonly Step[]): string => steps.map(({ kind }) => rank[kind]).join('');

function fit(steps: readonly Step[], given: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [at, { kind, name }] of steps.entries()) {
    const part = given[at];
    if (kind === 'plain') {
      if (part !== name) return undefined;
      continue;
    }
    if (part === undefined || part === '') return undefined;
    const text = kind === 'rest' ? given.slice(at).map(decoded) : [decoded(part)];
    if (text.includes(undefined)) return undefined;
    params[name] = text.join('/');
    if (kind === 'rest') return params;
  }
  return given.length === steps.length ? params : undefined;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
