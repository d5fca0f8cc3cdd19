/**
 * How many streams each project has: those that live, and removed ones that forks still keep. Rows tell at start, births and
 * ends from then on, so asking costs nothing.
 */
export class StreamCounts {
  readonly #of = new Map<string, number>();

  of(projectId: string): number {
    return this.#of.get(projectId) ?? 0;
  }

  /** Of the project that has most. */
  get most(): number {
    let most = 0;
    for (const count of this.#of.values()) if (count > most) most = count;
    return most;
  }

  add(projectId: string, change: number): void {
    const count = this.of(projectId) + change;
    if (count === 0) this.#of.delete(projectId);
    else this.#of.set(projectId, count);
  }
}
