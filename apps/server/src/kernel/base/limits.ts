/** One named bound, shown at `GET /v1/limits` with its present use. Units stand in the name. */
export type Limit = {
  name: string;
  unit: 'count' | 'bytes' | 'ms' | 'perSecond';
  value: number;
  setting?: string;
  /** What happens at the bound, one sentence. */
  whenFull: string;
  used?: () => number;
};

/** The process's list of bounds; rooms add theirs when they are composed. */
export class Limits {
  readonly #limits = new Map<string, Limit & { peak: number }>();

  add(limit: Limit): Limit {
    if (this.#limits.has(limit.name)) throw new Error(`limit ${limit.name} is declared twice`);
    this.#limits.set(limit.name, { ...limit, peak: 0 });
    return limit;
  }

  /** How much of one is in use now; `null` when it has no use to tell. */
  present(name: string): number | null {
    return this.#limits.get(name)?.used?.() ?? null;
  }

  list(): (Omit<Limit, 'used'> & { present: number | null; peak: number | null })[] {
    return [...this.#limits.values()].map((entry) => {
      const { used, ...limit } = entry;
      if (!used) return { ...limit, present: null, peak: null };
      const present = used();
      entry.peak = Math.max(entry.peak, present);
      return { ...limit, present, peak: entry.peak };
    });
  }
}
