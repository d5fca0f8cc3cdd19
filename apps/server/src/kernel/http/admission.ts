import { type Auth, type PersonPrincipal, type Principal, RateBuckets } from '#kernel/auth';
import { type Clock, exhausted, forbidden } from '#kernel/base';
import { headerOf } from './call.ts';
import type { AuthRule, RequestHead } from './http.ts';
import type { EdgeLimits } from './limits.ts';
import { isForeign, isOwnPage, isSafe, requirePageType, requireSameOrigin } from './same-origin.ts';

/** Decides who calls and whether they may, before the body is read; then whether they call too often. */
export class Admission {
  readonly #auth: Auth;
  readonly #rates: RateBuckets;
  readonly #publicOrigin: string | undefined;
  #people: ((head: RequestHead) => Promise<PersonPrincipal | undefined>) | undefined;

  constructor(options: { auth: Auth; clock: Clock; limits: EdgeLimits; publicOrigin: string | undefined }) {
    const { clock, limits } = options;
    this.#auth = options.auth;
    this.#publicOrigin = options.publicOrigin;
    this.#rates = new RateBuckets({
      clock,
      perSecond: (limits.requestsPerWindow * 1000) / limits.requestWindowMs,
      burst: limits.requestsPerWindow,
      keysMax: limits.rateKeysMax,
    });
  }

  /** `known` hears who it is as soon as that is known, also when they are then refused. */
  async admit(rule: AuthRule, head: RequestHead, known?: (who: unknown) => void): Promise<unknown> {
    if (rule === 'open') return undefined;
    if (typeof rule === 'function') {
      const who: unknown = await rule(head);
      known?.(who);
      return who;
    }
    const who = (await this.#personAt(rule, head)) ?? (await this.#auth.authenticate(bearerOf(head), head.address));
    known?.(who);
    if (typeof rule === 'string') {
      if (who.kind !== rule && !(rule === 'member' && (who.kind === 'key' || who.kind === 'person')))
        throw wrongKind(rule === 'member' ? 'key' : rule, who);
      return who;
    }
    if (who.kind !== 'key' && who.kind !== 'person' && who.kind !== 'system' && rule.or?.includes(who.kind)) return who;
    this.#auth.requireScope(who, rule.scope);
    return who;
  }

  seePeople(read: (head: RequestHead) => Promise<PersonPrincipal | undefined>): void {
    if (this.#people) throw new Error('invariant broken: two rooms that know people');
    this.#people = read;
  }

  /** Where a bearer credential is given it alone counts; where the call is not for people, cookies are not looked at. */
  async #personAt(
    rule: Exclude<AuthRule, 'open' | ((head: RequestHead) => unknown)>,
    head: RequestHead,
  ): Promise<PersonPrincipal | undefined> {
    const forPeople = rule === 'member' || (typeof rule === 'object' && rule.people !== false);
    const person = forPeople ? await this.person(head) : undefined;
    if (person && !isSafe(head)) requirePageType(head);
    return person;
  }

  /** Who sits before the browser that made this call; `undefined`: nobody, as far as it may tell. `forbidden` `cross_site`. */
  async person(head: RequestHead): Promise<PersonPrincipal | undefined> {
    if (head.headers.cookie === undefined || head.headers.authorization !== undefined) return undefined;
    // What other sites ask for, they ask for as nobody.
    if (isSafe(head) && isForeign(head, this.#publicOrigin)) return undefined;
    const person = await this.#people?.(head);
    if (person && !isSafe(head)) requireSameOrigin(head, this.#publicOrigin);
    return person;
  }

  /** Whether a cookie may count here at all: sockets are opened by pages of any site, with the cookies of ours. */
  isOwnPage(head: RequestHead): boolean {
    return isOwnPage(head, this.#publicOrigin);
  }

  /** `RateLimit-*` headers; `exhausted` `rate` when the bucket of this caller is empty. */
  count(who: unknown, head: RequestHead): Record<string, string> {
    const taken = this.#rates.take(callerOf(who) ?? `address:${head.address}`);
    if (!taken.ok) throw exhausted('rate', 'Too many requests from this credential.', { retryAfterMs: taken.resetMs });
    return {
      'ratelimit-limit': String(taken.limit),
      'ratelimit-remaining': String(taken.remaining),
      'ratelimit-reset': String(Math.ceil(taken.resetMs / 1000)),
    };
  }
}

export const bearerOf = (head: RequestHead): string | undefined => {
  const header = headerOf(head.headers, 'authorization');
  return header === undefined ? undefined : (/^bearer[ \t]+(\S+)[ \t]*$/i.exec(header)?.[1] ?? '');
};

function wrongKind(wanted: string, who: Principal): Error {
  return forbidden(
    'wrong_credential_kind',
    `This call takes a ${wanted} token; the credential given is of kind ${who.kind}.`,
    { extra: { wanted, given: who.kind } },
  );
}

function callerOf(who: unknown): string | undefined {
  if (typeof who !== 'object' || who === null) return undefined;
  for (const name of ['keyId', 'personId', 'workerId', 'buildId']) {
    if (!(name in who)) continue;
    const id: unknown = Reflect.get(who, name);
    if (typeof id === 'string') return id;
  }
  return undefined;
}
