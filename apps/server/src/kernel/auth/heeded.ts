import { asError, type Clock } from '#kernel/base';
import type { Logger } from '#kernel/telemetry';
import type { Principal } from './auth.ts';
import { type Changed, subjectsOf } from './credential-cache.ts';
import { authLimits } from './limits.ts';

type Heedful = { who: Principal; ended: () => void };
type Options = { clock: Clock; logger: Logger; stands: (who: Principal) => Promise<boolean> };

/*
 * Long calls, and whose right they run by. When something is said to have changed, those it names are asked for again in the
 * rows, once per principal; every minute all are, since a hint may be lost and a key may expire without one. A row that could not
 * be read ends nobody (I6).
 */
export class Heeded {
  readonly #options: Options;
  readonly #heedful = new Set<Heedful>();
  #again: Disposable | undefined;

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

  add(who: Principal, ended: () => void): Disposable {
    const heedful = { who, ended };
    if (who.kind === 'key' || who.kind === 'browser') this.#heedful.add(heedful);
    return { [Symbol.dispose]: () => void this.#heedful.delete(heedful) };
  }

  /** `undefined`: anything may have changed. */
  changed(what: Changed | undefined): void {
    const named = what && new Set(subjectsIn(what));
    const asked = new Map<string, Heedful[]>();
    for (const heedful of this.#heedful) {
      if (named && !subjectsOf(heedful.who).some((subject) => named.has(subject))) continue;
      const name = identityOf(heedful.who);
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
      try {
        if (await this.#options.stands(first.who)) continue;
      } catch (error) {
        this.#options.logger.warn(
          { error: asError(error) },
          'whether a credential of long calls still stands is not known',
        );
        continue;
      }
      for (const heedful of group) if (this.#heedful.delete(heedful)) heedful.ended();
    }
  }
}

const identityOf = (who: Principal): string =>
  who.kind === 'browser' ? `browser:${who.tokenId}` : who.kind === 'key' ? `key:${who.keyId}` : who.kind;

const subjectsIn = (what: Changed): string[] => [
  ...(what.key === undefined ? [] : [`key:${what.key}`]),
  ...(what.endUser === undefined ? [] : [`endUser:${what.endUser}`]),
];
