import type { z } from 'zod';
import { invalid, type MusterError, nearest, notFound } from '#kernel/base';
import type { AuthRule, ErrorMapper, Route } from './http.ts';

export type AnyRoute = Route<AuthRule, z.ZodType, z.ZodType, z.ZodType>;
/** What the reference says of an operation, whoever serves it. `headers`: those it reads. */
export type Documented = Omit<AnyRoute, 'handle'> & { headers?: z.ZodType };
export type Registered = { route: AnyRoute; errors: ErrorMapper | undefined; matches: RegExp };

/** Every declared route, for unknown paths (nearest, `Allow`), preflights and the reference. */
export class RouteTable {
  readonly all: Registered[] = [];
  readonly #areas: { prefix: string; errors: ErrorMapper }[] = [];

  add(route: AnyRoute, errors: ErrorMapper | undefined): void {
    this.all.push({ route, errors, matches: patternOf(route.path) });
  }

  addArea(prefixes: readonly string[], errors: ErrorMapper): void {
    for (const prefix of prefixes) this.#areas.push({ prefix, errors });
  }

  at(path: string): Registered[] {
    return this.all.filter(({ matches }) => matches.test(path));
  }

  errorsAt(path: string): ErrorMapper | undefined {
    return this.#areas.find(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`))?.errors;
  }

  /** Path parameters of the wrong form name nothing. */
  noSuch(pattern: string, params: Readonly<Record<string, string>>): MusterError {
    const given = Object.values(params).map((value) => JSON.stringify(value.slice(0, 64)));
    return notFound('not_found', `${pattern} has nothing for ${given.join(', ')}.`);
  }

  /** What to say of a path and method nobody declared. */
  missing(method: string, path: string): { error: MusterError; allow: string[] } {
    const here = this.at(path);
    if (here.length > 0) {
      const allow = allowed(here);
      return {
        allow,
        error: invalid('wrong_method', `${path} takes ${allow.join(', ')}, not ${method}.`, {
          status: 405,
          extra: { allow },
        }),
      };
    }
    const known = new Set(this.all.filter(({ route }) => route.hidden !== true).map(({ route }) => route.path));
    const near = nearest(path, known) ?? this.#longestShared(path, known);
    const detail = `There is nothing at ${path.slice(0, 200)}.${near ? ` Did you mean ${near}?` : ''}`;
    return { allow: [], error: notFound('no_such_path', detail, near ? { extra: { nearest: near } } : {}) };
  }

  /** The declared path that shares the most leading steps, two at least. */
  #longestShared(path: string, known: Iterable<string>): string | undefined {
    const steps = path.split('/');
    let best: { path: string; shared: number } | undefined;
    for (const candidate of known) {
      const wanted = candidate.split('/');
      let shared = 0;
      while (shared < steps.length && (wanted[shared] === steps[shared] || wanted[shared]?.startsWith(':') === true))
        shared++;
      if (shared > 2 && shared > (best?.shared ?? 0)) best = { path: candidate, shared };
    }
    return best?.path;
  }
}

export function allowed(here: readonly Registered[]): string[] {
  const methods = new Set<string>(here.map(({ route }) => route.method));
  if (methods.has('GET')) methods.add('HEAD');
  methods.add('OPTIONS');
  return [...methods].sort();
}

function patternOf(path: string): RegExp {
  const source = path
    .split('/')
    .map((step) =>
      step.startsWith(':') ? '[^/]+' : step === '*' ? '.*' : step.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`),
    )
    .join('/');
  return new RegExp(`^${source}/?$`);
}
