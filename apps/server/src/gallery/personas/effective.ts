import {
  type ActKind,
  actKinds,
  type Odds,
  type Persona,
  sceneFamilies,
  type Traits,
  tierIntervals,
} from '@muster/protocol';
import type { EffectiveTraits } from '#gallery/model';
import { plainPersona } from './built-in.ts';

/** What the fleet says where neither bot nor persona do. */
export type FleetTraits = { mind: string; imageSource?: Traits['imageSource'] };

/** Traits of a bot without a persona. */
export const personaDefaults = {
  tier: 'regular',
  timezone: 'UTC',
  curve: Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => 1)),
  language: 'en',
  odds: { post: 15, comment: 20, reply: 10, like: 30, browse: 25 },
  recipes: Object.fromEntries(sceneFamilies.map((family) => [family, 1])),
} as const satisfies Partial<Traits>;

/**
 * All traits of a bot: its own, else its persona's, else the fleet's and the defaults. A tier of its own brings the
 * intervals of that tier; `decide` is `odds` with the improv mind and `mind` with any other, unless the bot says.
 */
export function effectiveTraits(own: Partial<Traits>, persona: Persona | null, fleet: FleetTraits): EffectiveTraits {
  const words = persona ?? plainPersona();
  const rest = persona ?? personaDefaults;
  const tier = own.tier ?? rest.tier;
  const mind = own.mind ?? fleet.mind;
  const interval = intervalOf(own, tier);
  return {
    personality: own.personality ?? words.personality,
    vibe: own.vibe ?? words.vibe,
    interests: own.interests ?? [...words.interests],
    style: own.style ?? words.style,
    tier,
    ...interval,
    timezone: own.timezone ?? rest.timezone,
    curve: own.curve ?? rest.curve,
    language: own.language ?? rest.language,
    odds: own.odds ?? rest.odds,
    recipes: own.recipes ?? rest.recipes,
    mind,
    decide: own.decide ?? (mind === 'improv' ? 'odds' : 'mind'),
    imageSource: own.imageSource ?? fleet.imageSource ?? 'scene',
  };
}

/** One bound of its own moves the tier's other one along, so that min ≤ max always holds. */
function intervalOf(own: Partial<Traits>, tier: Traits['tier']): { minIntervalMs: number; maxIntervalMs: number } {
  const { minIntervalMs, maxIntervalMs } = tierIntervals[tier];
  if (own.minIntervalMs !== undefined && own.maxIntervalMs !== undefined) {
    return { minIntervalMs: own.minIntervalMs, maxIntervalMs: own.maxIntervalMs };
  }
  if (own.minIntervalMs !== undefined) {
    return { minIntervalMs: own.minIntervalMs, maxIntervalMs: Math.max(own.minIntervalMs, maxIntervalMs) };
  }
  if (own.maxIntervalMs !== undefined) {
    return { minIntervalMs: Math.min(own.maxIntervalMs, minIntervalMs), maxIntervalMs: own.maxIntervalMs };
  }
  return { minIntervalMs, maxIntervalMs };
}

/** Weights of acts as percentages, for people to read. */
export function mixOf(odds: Odds): Record<ActKind, number> {
  const sum = actKinds.reduce((total, kind) => total + odds[kind], 0);
  return Object.fromEntries(
    actKinds.map((kind) => [kind, sum === 0 ? 0 : Math.round((1000 * odds[kind]) / sum) / 10]),
  ) as Record<ActKind, number>;
}
