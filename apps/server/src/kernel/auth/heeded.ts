import { asError, type Clock, forbidden, MusterError } from '#kernel/base';
import type { Logger } from '#kernel/telemetry';
import type { PersonPrincipal, Principal } from './auth.ts';
import { type Changed, subjectsOf } from './credential-cache.ts';
import { authLimits } from './limits.ts';

type Heedful = {
  who: Principal;
  ended: (why: MusterError) => void;
  changed?: (now: PersonPrincipal) => void;
  /** The last time it was asked for: an answer to an earlier asking may be older, and does not count. */
  asking: number;
};
type Options = { clock: Clock; logger: Logger; again: (who: Principal) => Promise<Principal> };

/*
 * Long calls, and whose right they run by. When something is said to have changed, those it names are asked for again in the
 * rows, once per principal; every minute all are, since a hint may be lost and a credential may expire without one. A row that
 * could not be read ends nobody (I6).
 */
export class Heeded {
  readonly #options: Options;
  readonly #heedful = new Set<Heedful>();
  #again: Disposable | undefined;
  #askings = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  start(): void {
    this.#again = this.#options.clock.after(authLimits.heedEveryMs, () => {
      this.changed(undefined);
      this.start();
    });
  }

  [Symbol.dispose](): void {
    this.#again?.[Symbol.dispose]();
  }

  add(who: Principal, ended: Heedful['ended'], changed?: Heedful['changed']): Disposable {
    const heedful: Heedful = { who, ended, asking: 0, ...(changed ? { changed } : {}) };
    if (identityOf(who) !== undefined) this.#heedful.add(heedful);
    // People are read from the rows for each call: what changed between that reading and now was told to nobody.
    if (who.kind === 'person') void this.#ask([[heedful]]);
    return { [Symbol.dispose]: () => void this.#heedful.delete(heedful) };
  }

  /** `undefined`: anything may have changed. */
  changed(what: Changed | undefined): void {
    const named = what && new Set(subjectsIn(what));
    const asked = new Map<string, Heedful[]>();
    for (const heedful of this.#heedful) {
      const name = identityOf(heedful.who);
      if (name === undefined || (named && !subjectsOf(heedful.who).some((subject) => named.has(subject)))) continue;
      const same = asked.get(name);
      if (same) same.push(heedful);
      else asked.set(name, [heedful]);
    }
    if (asked.size > 0) void this.#ask([...asked.values()]);
  }

  async #ask(groups: readonly (readonly Heedful[])[]): Promise<void> {
    for (const group of groups) {
      const [first] = group;
      if (!first) continue;
      const asking = ++this.#askings;
      for (const heedful of group) heedful.asking = asking;
      const still = (heedful: Heedful): boolean => this.#heedful.has(heedful) && heedful.asking === asking;
      try {
        const now = await this.#options.again(first.who);
        if (now.kind === 'person') for (const heedful of group.filter(still)) this.#tell(heedful, now);
      } catch (error) {
        if (!isEnd(error)) {
          this.#options.logger.warn(
            { error: asError(error) },
            'whether a credential of long calls still stands is not known',
          );
          continue;
        }
        for (const heedful of group.filter(still)) this.#end(heedful, error);
      }
    }
  }

  #tell(heedful: Heedful, now: PersonPrincipal): void {
    if (rightsOf(heedful.who) === rightsOf(now)) return;
    heedful.who = now;
    if (heedful.changed) heedful.changed(now);
    else this.#end(heedful, forbidden('rights_changed', 'What you may do has changed; ask again.'));
  }

  #end(heedful: Heedful, why: MusterError): void {
    if (this.#heedful.delete(heedful)) heedful.ended(why);
  }
}

/** What ends a right, as opposed to what keeps us from knowing. */
const isEnd = (error: unknown): error is MusterError =>
  error instanceof MusterError && ['unauthenticated', 'forbidden', 'notFound'].includes(error.code);

/** Those who are asked for again; others end in ways of their own. */
function identityOf(who: Principal): string | undefined {
  if (who.kind === 'browser') return `browser:${who.tokenId}`;
  if (who.kind === 'key') return `key:${who.keyId}`;
  return who.kind === 'person' ? `person:${who.signInId}/${who.projectId}` : undefined;
}

const rightsOf = (who: Principal): string =>
  who.kind === 'person' ? JSON.stringify([who.role, who.scopes, who.installationAdmin]) : '';

const subjectsIn = (what: Changed): string[] => [
  ...(what.key === undefined ? [] : [`key:${what.key}`]),
  ...(what.endUser === undefined ? [] : [`endUser:${what.endUser}`]),
  ...(what.person === undefined ? [] : [`person:${what.person}`]),
  ...(what.project === undefined ? [] : [`project:${what.project}`]),
];
