import type { Platform } from '@muster/protocol';

/** What makes workers equal for the claim: one statement serves any number of them. */
export type Ability = {
  readonly projectId: string;
  /** Sorted, as stored. */
  readonly platforms: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
};

/** What the builds of one demand ask of a worker. Never changes for a `sig`. */
export type DemandFacts = {
  readonly sig: number;
  readonly projectId: string;
  readonly platform: Platform;
  readonly requires: Readonly<Record<string, string>>;
};

export function abilityKey({ projectId, platforms, labels }: Ability): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([projectId, platforms, sorted]);
}

/** The same answer as the claim statement's hard match: `platform = any(…)` and `requires <@ labels`. */
export function suits(ability: Ability, demand: DemandFacts): boolean {
  return (
    demand.projectId === ability.projectId &&
    (demand.platform === 'any' || ability.platforms.includes(demand.platform)) &&
    Object.entries(demand.requires).every(([label, value]) => ability.labels[label] === value)
  );
}
