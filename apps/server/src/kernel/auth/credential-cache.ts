import { type AddressSet, type Clock, never } from '#kernel/base';
import type { Principal } from './auth.ts';
import { authLimits } from './limits.ts';

export type Known = {
  principal: Principal;
  /** Where it may be used from; `undefined`: anywhere. */
  from: AddressSet | undefined;
  untilMs: number;
};
/** What may have changed: everything that names it is forgotten. */
export type Changed = {
  key?: string;
  worker?: string;
  build?: string;
  term?: number;
  endUser?: string;
  person?: string;
  project?: string;
};

/**
 * Credentials seen in the last minute, by the hash of their text. A change heard while a row was being read makes that
 * read worthless: `generation` tells.
 */
export class CredentialCache {
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();
  readonly #bySubject = new Map<string, Set<string>>();
  generation = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#known.size;
  }

  get(hash: string): Known | undefined {
    const known = this.#known.get(hash);
    if (!known) return undefined;
    if (known.untilMs > this.#clock.monotonic()) return known;
    this.#forget(hash);
    return undefined;
  }

  /** `endsInMs`: when the credential itself ends, by the database's clock. */
  put(hash: string, entry: Omit<Known, 'untilMs'>, endsInMs: number | null, generation: number): void {
    if (generation !== this.generation) return;
    this.#forget(hash);
    if (this.#known.size >= authLimits.cacheEntriesMax) {
      const oldest = this.#known.keys().next().value;
      if (oldest !== undefined) this.#forget(oldest);
    }
    const lifeMs = Math.min(authLimits.cacheMs, endsInMs ?? Number.POSITIVE_INFINITY);
    this.#known.set(hash, { ...entry, untilMs: this.#clock.monotonic() + lifeMs });
    for (const subject of subjectsOf(entry.principal)) {
      const hashes = this.#bySubject.get(subject);
      if (hashes) hashes.add(hash);
      else this.#bySubject.set(subject, new Set([hash]));
    }
  }

  /** `undefined`: something was missed, so nothing is known any more. */
  changed(what: Changed | undefined): void {
    this.generation += 1;
    if (!what) {
      this.#known.clear();
      this.#bySubject.clear();
      return;
    }
    for (const subject of [
      what.key && `key:${what.key}`,
      what.worker && `worker:${what.worker}`,
      what.build && `build:${what.build}`,
      what.endUser && `endUser:${what.endUser}`,
    ]) {
      if (subject) for (const hash of new Set(this.#bySubject.get(subject))) this.#forget(hash);
    }
  }

  #forget(hash: string): void {
    const known = this.#known.get(hash);
    if (!known) return;
    this.#known.delete(hash);
    for (const subject of subjectsOf(known.principal)) {
      const hashes = this.#bySubject.get(subject);
      hashes?.delete(hash);
      if (hashes?.size === 0) this.#bySubject.delete(subject);
    }
  }
}

/** End users are known by the names their project gives them. */
export const endUserOf = (projectId: string, subject: string): string => `${projectId}/${subject}`;

export function subjectsOf(who: Principal): string[] {
  switch (who.kind) {
    case 'key':
      return [`key:${who.keyId}`];
    case 'worker':
      return [`worker:${who.workerId}`];
    case 'attempt':
    case 'build':
      return [`build:${who.buildId}`];
    case 'browser':
      return who.subject === null
        ? [`key:${who.keyId}`]
        : [`key:${who.keyId}`, `endUser:${endUserOf(who.projectId, who.subject)}`];
    case 'person':
      return [`person:${who.personId}`, `project:${who.projectId}`];
    case 'anonymous':
    case 'system':
      return [];
    default:
      return never(who);
  }
}
