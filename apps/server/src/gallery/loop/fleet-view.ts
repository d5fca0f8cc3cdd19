import type { BotRow, EffectiveTraits, FleetRow, PersonaRow, TargetRow } from '#gallery/model';
import { effectiveTraits } from '#gallery/personas';
import type { Db } from '#kernel/db';
import {
  type PersonaVersion,
  readFleetRows,
  readPersonaRows,
  readPersonaVersions,
  readTargetRows,
} from './queries/fleet-rows.ts';

/** What a look found to be other than before. */
export type ViewChange = {
  /** Whose share moved, as `keyOf`. */
  shares: readonly string[];
  /** Personas whose rhythm (curve, zone, tier) is another one now. */
  rhythms: readonly { projectId: string; personaId: string }[];
};

export const keyOf = (projectId: string, id: string): string => `${projectId}\n${id}`;

/**
 * Fleets, targets and personas as the rows had them at the last look: the loop asks memory, many times for each think. A
 * look is taken after every change that is told of, and at each renewal of the lease. Two looks never overlap, and one that
 * began before it was asked for does not count.
 */
export class FleetView {
  readonly #db: Db;
  readonly #defaultMind: () => string;
  #fleets = new Map<string, FleetRow>();
  #targets = new Map<string, TargetRow>();
  #personas = new Map<string, PersonaRow & { projectId: string }>();
  #looking: Promise<ViewChange> | undefined;
  #next: Promise<ViewChange> | undefined;

  constructor(db: Db, defaultMind: () => string) {
    this.#db = db;
    this.#defaultMind = defaultMind;
  }

  fleet(projectId: string): FleetRow | undefined {
    return this.#fleets.get(projectId);
  }

  target(projectId: string, targetId: string): TargetRow | undefined {
    return this.#targets.get(keyOf(projectId, targetId));
  }

  persona(projectId: string, personaId: string): PersonaRow | undefined {
    return this.#personas.get(keyOf(projectId, personaId));
  }

  targets(): IterableIterator<TargetRow> {
    return this.#targets.values();
  }

  fleets(): IterableIterator<FleetRow> {
    return this.#fleets.values();
  }

  traitsOf(bot: Pick<BotRow, 'projectId' | 'personaId' | 'traits'>): EffectiveTraits {
    const persona = bot.personaId === null ? undefined : this.persona(bot.projectId, bot.personaId);
    const mind = this.fleet(bot.projectId)?.mind ?? this.#defaultMind();
    return effectiveTraits(bot.traits, persona?.body ?? null, { mind });
  }

  /** Reads the rows again. Resolves with a look that began after the call. */
  look(): Promise<ViewChange> {
    if (!this.#looking) {
      this.#looking = this.#read().finally(() => {
        this.#looking = undefined;
      });
      return this.#looking;
    }
    this.#next ??= this.#looking
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.look();
      });
    return this.#next;
  }

  async #read(): Promise<ViewChange> {
    const [fleets, targets, versions] = await this.#db.together((reader) =>
      Promise.all([readFleetRows(reader), readTargetRows(reader), readPersonaVersions(reader)]),
    );
    const rhythms = await this.#readPersonas(versions);
    const shares = targets.filter((row) => {
      const before = this.#targets.get(keyOf(row.projectId, row.id));
      return before !== undefined && before.share !== row.share;
    });
    this.#fleets = new Map(fleets.map((row) => [row.projectId, row]));
    this.#targets = new Map(targets.map((row) => [keyOf(row.projectId, row.id), row]));
    return { shares: shares.map((row) => keyOf(row.projectId, row.id)), rhythms };
  }

  async #readPersonas(versions: readonly PersonaVersion[]): Promise<ViewChange['rhythms']> {
    const stale = versions.filter(
      ({ projectId, id, version }) => this.#personas.get(keyOf(projectId, id))?.version !== version,
    );
    const there = new Set(versions.map(({ projectId, id }) => keyOf(projectId, id)));
    for (const key of this.#personas.keys()) if (!there.has(key)) this.#personas.delete(key);
    if (stale.length === 0) return [];
    const rhythms: { projectId: string; personaId: string }[] = [];
    for (const row of await readPersonaRows(this.#db, stale)) {
      const key = keyOf(row.projectId, row.id);
      const before = this.#personas.get(key);
      if (before && rhythmOf(before) !== rhythmOf(row)) rhythms.push({ projectId: row.projectId, personaId: row.id });
      this.#personas.set(key, row);
    }
    return rhythms;
  }
}

const rhythmOf = ({ body }: PersonaRow): string => JSON.stringify([body.curve, body.timezone, body.tier]);
