import type { Ability, DemandFacts } from './queries/claim.ts';

/** Equal abilities have equal keys. */
export function abilityKey({ projectId, platforms, labels, kind = 'v1' }: Ability): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([projectId, kind, platforms, sorted]);
}

/** The same answer as the claim statement's hard match: `platform = any(…)` and `requires <@ labels`. */
export function suits(ability: Ability, demand: DemandFacts): boolean {
  return (
    demand.projectId === ability.projectId &&
    ((demand.platform === 'any' && ability.kind !== 'legacy') || ability.platforms.includes(demand.platform)) &&
    Object.entries(demand.requires).every(([label, value]) => ability.labels[label] === value)
  );
}
