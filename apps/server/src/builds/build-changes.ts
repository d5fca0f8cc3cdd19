import type { Head, Log } from '#kernel/log';

const eventsPath = /^builds\/(bld_[0-9a-z]{26})\/events$/;

/**
 * Who waits for a build to move, and a hint to them when it may have. A hint can be missed (another node, a log that is
 * catching up): waiters look for themselves from time to time as well.
 */
export class BuildChanges implements Disposable {
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #watch: Disposable;

  constructor(log: Pick<Log, 'watch'>) {
    // One watch for all waiters: what an append costs does not depend on how many there are.
    this.#watch = log.watch(
      ({ path }) => this.#waiting.size > 0 && eventsPath.test(path),
      (head) => this.#moved(head),
    );
  }

  /** Calls `moved` at each hint about this build until disposed. */
  onChange(buildId: string, moved: () => void): Disposable {
    const waiting = this.#waiting.get(buildId) ?? new Set();
    this.#waiting.set(buildId, waiting.add(moved));
    return {
      [Symbol.dispose]: () => {
        waiting.delete(moved);
        if (waiting.size === 0 && this.#waiting.get(buildId) === waiting) this.#waiting.delete(buildId);
      },
    };
  }

  #moved(head: Head): void {
    const buildId = eventsPath.exec(head.key.path)?.[1];
    if (buildId === undefined) return;
    for (const moved of this.#waiting.get(buildId) ?? []) moved();
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }
}

export const createChanges = (deps: { log: Pick<Log, 'watch'> }): BuildChanges => new BuildChanges(deps.log);
