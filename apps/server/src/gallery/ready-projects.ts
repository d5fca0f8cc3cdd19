import { builtInPersonas } from '#gallery/personas';
import type { Targets } from '#gallery/targets';
import type { Clock } from '#kernel/base';
import type { Db } from '#kernel/db';
import { ensureFleet } from './queries/fleet.ts';
import { writeBuiltIns } from './queries/personas.ts';

type Deps = { db: Db; clock: Clock; targets: Pick<Targets, 'ensureTargets'>; sandboxUrl: () => string };

/** Projects that have what the gallery needs in each: made at the first use, once in the life of this process. */
export class ReadyProjects {
  readonly #deps: Deps;
  readonly #ready = new Map<string, Promise<void>>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  ready(projectId: string): Promise<void> {
    const known = this.#ready.get(projectId);
    if (known) return known;
    const making = this.#make(projectId);
    this.#ready.set(projectId, making);
    making.catch(() => this.#ready.delete(projectId));
    return making;
  }

  async #make(projectId: string): Promise<void> {
    const { db, clock, targets, sandboxUrl } = this.#deps;
    await db.transaction(
      async (tx) => {
        await ensureFleet(tx, projectId, sandboxUrl());
        await writeBuiltIns(tx, projectId, builtInPersonas(), new Date(clock.now()));
        await targets.ensureTargets(tx, projectId);
      },
      { retries: 3 },
    );
  }
}
