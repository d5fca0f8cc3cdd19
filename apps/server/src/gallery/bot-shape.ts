import type { GalleryBot, Persona, TraitName, Traits } from '@muster/protocol';
import { traitSchemas } from '@muster/protocol';
import { type Above, asleepUntil, type LiveLoop, shownState } from '#gallery/loop';
import { effectiveTraits, mixOf } from '#gallery/personas';
import { must } from '#kernel/base';
import type { Reader } from '#kernel/db';
import type { BotSheet } from './queries/bot-row.ts';
import { type FleetSheet, readFleet, readOwnedShards, readTargets, type TargetGlance } from './queries/fleet.ts';
import { readBodies } from './queries/personas.ts';
import type { Room } from './room.ts';

/** What one has to know besides a bot's row to say how it is. */
export type Surroundings = {
  fleet: FleetSheet;
  targets: ReadonlyMap<string, TargetGlance>;
  personas: ReadonlyMap<string, Persona>;
  defaultMind: string;
  /** Shards that a node holds. */
  owned: ReadonlySet<number>;
  waits: LiveLoop['waits'];
  now: number;
};

const traitNames = Object.keys(traitSchemas) as TraitName[];
const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

export async function surroundings(
  room: Pick<Room, 'minds' | 'clock' | 'loop'>,
  reader: Reader,
  projectId: string,
  personaIds: readonly string[] | null,
): Promise<Surroundings> {
  const [fleet, targets, bodies, owned] = await Promise.all([
    readFleet(reader, projectId),
    readTargets(reader, projectId),
    readBodies(reader, projectId, personaIds),
    readOwnedShards(reader),
  ]);
  return {
    fleet: must(fleet, 'the fleet of a project that has bots'),
    targets: new Map(targets.map((target) => [target.id, target])),
    personas: new Map(bodies.map(({ id, body }) => [id, body])),
    defaultMind: room.minds.defaultName,
    owned,
    waits: (bot) => room.loop.waits(bot),
    now: room.clock.now(),
  };
}

export const effectiveOf = (
  bot: Pick<BotSheet, 'traits' | 'personaId'>,
  { personas, fleet, defaultMind }: Pick<Surroundings, 'personas' | 'fleet' | 'defaultMind'>,
): Traits =>
  effectiveTraits(bot.traits, bot.personaId === null ? null : (personas.get(bot.personaId) ?? null), {
    mind: fleet.mind ?? defaultMind,
  });

/** As the API shows it: own traits, effective ones, the state below its gates and why it waits. */
export function showBot(bot: BotSheet, around: Surroundings): GalleryBot {
  const effective = effectiveOf(bot, around);
  const target = must(around.targets.get(bot.targetId), 'the target of a bot');
  const { state, waiting } = shownState(bot, {
    fleetGate: around.fleet.gate,
    targetGate: target.gate,
    acknowledged: target.acknowledged,
    share: target.share,
    asleepUntil: bot.state === 'running' ? asleepUntil(effective, around.now) : null,
    now: around.now,
    ...ownerOf(bot, around),
  });
  const own = Object.fromEntries(traitNames.map((name) => [name, bot.traits[name] ?? null])) as {
    [Name in TraitName]: Traits[Name] | null;
  };
  return {
    id: bot.id,
    projectId: bot.projectId,
    name: bot.name,
    username: bot.username,
    targetId: bot.targetId,
    personaId: bot.personaId,
    isAgent: true,
    disclosureLabel: bot.disclosureLabel,
    ...own,
    effective: { ...effective, mix: mixOf(effective.odds) },
    budget: bot.caps,
    seed: bot.seed,
    seedIndex: bot.seedIndex,
    desired: bot.desired,
    state,
    waiting,
    sleepUntil: iso(bot.sleepUntil),
    retryAt: iso(bot.retryAt),
    failures: bot.failures,
    lastError: bot.lastError,
    nextThinkAt: iso(bot.nextThinkAt),
    thinkNo: bot.thinkNo,
    provision: { state: bot.provision, detail: bot.provisionDetail, userId: bot.remoteUserId },
    counts: bot.counts,
    costMicros: bot.costMicros,
    lastActionAt: iso(bot.lastActionAt),
    version: bot.version,
    createdAt: new Date(bot.createdAt).toISOString(),
    updatedAt: new Date(bot.updatedAt).toISOString(),
    deletedAt: iso(bot.deletedAt),
  };
}

/** What only its owner knows of why it waits; of a bot of another node no more than that somebody owns it. */
function ownerOf(bot: BotSheet, { owned, waits }: Surroundings): Pick<Above, 'owner' | 'putOff'> {
  if (bot.state !== 'running') return {};
  if (!owned.has(bot.shard)) return { owner: 'no_owner' };
  const waiting = waits(bot);
  if (!waiting) return {};
  const { reason } = waiting;
  return reason === 'restoring' || reason === 'draining' ? { owner: reason } : { putOff: waiting };
}

export async function showBots(room: Room, reader: Reader, bots: readonly BotSheet[]): Promise<GalleryBot[]> {
  const [first] = bots;
  if (!first) return [];
  const personaIds = [...new Set(bots.flatMap(({ personaId }) => (personaId === null ? [] : [personaId])))];
  const around = await surroundings(room, reader, first.projectId, personaIds);
  return bots.map((bot) => showBot(bot, around));
}

export async function showOneBot(room: Room, reader: Reader, bot: BotSheet): Promise<GalleryBot> {
  const [shown] = await showBots(room, reader, [bot]);
  return must(shown, 'the bot that was shown');
}
