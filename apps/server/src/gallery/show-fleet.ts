import { desiredStates, type GalleryFleet, type Gate, galleryBotStates, type PatchFleet } from '@muster/protocol';
import { type Above, shownState } from '#gallery/loop';
import { type Principal, writeAudit } from '#kernel/auth';
import { invalid, must } from '#kernel/base';
import { changeFleet, countFleet, type FleetCount, readFleet, readTargets } from './queries/fleet.ts';
import type { Asker, Room } from './room.ts';

const showGate = ({ state, until, reason }: Gate): GalleryFleet['gate'] => ({
  state,
  until: until === null ? null : new Date(until).toISOString(),
  reason,
});

/** How the whole fleet is: counts by state and persona, why bots wait, gates, mind, what it cost. */
export async function showFleet(room: Room, who: Principal): Promise<GalleryFleet> {
  await room.ready(who.projectId);
  const [row, targets, counts] = await Promise.all([
    readFleet(room.db, who.projectId),
    readTargets(room.db, who.projectId),
    countFleet(room.db, who.projectId),
  ]);
  const fleet = must(row, 'the fleet of a project that is ready');
  const byId = new Map(targets.map((target) => [target.id, target]));
  const now = room.clock.now();
  const shown = counts.map((count) => {
    const target = must(byId.get(count.targetId), 'the target of bots');
    return { ...count, ...shownGroup(count, { fleetGate: fleet.gate, targetGate: target.gate, now, ...target }) };
  });
  const live = shown.filter(({ state }) => state !== 'deleted');
  const sum = (read: (count: Shown) => number): number => live.reduce((total, count) => total + read(count), 0);
  const mind = room.minds.health();
  return {
    projectId: who.projectId,
    bots: sum(({ bots }) => bots),
    states: tally(galleryBotStates, shown, (count) => count.state),
    desired: tally(desiredStates, shown, (count) => count.desired),
    personas: byPersona(live),
    waiting: Object.fromEntries(
      [...new Set(live.flatMap(({ waits }) => (waits === null ? [] : [waits])))].map((reason) => [
        reason,
        live.reduce((total, { waits, bots }) => total + (waits === reason ? bots : 0), 0),
      ]),
    ),
    gate: showGate(fleet.gate),
    panic: fleet.panic,
    targets: targets.map(({ id, kind, gate, share, acknowledged }) => ({
      id,
      kind,
      gate: showGate(gate),
      share,
      acknowledged,
    })),
    seed: fleet.seed,
    mind: {
      name: fleet.mind ?? room.minds.defaultName,
      fallback: fleet.fallbackMind,
      degraded: mind.degraded ? mind.reason : null,
      offline: (fleet.mind ?? room.minds.defaultName) === 'improv',
    },
    counts: {
      posts: sum(({ posts }) => posts),
      comments: sum(({ comments }) => comments),
      replies: sum(({ replies }) => replies),
      likes: sum(({ likes }) => likes),
      browses: sum(({ browses }) => browses),
      thinks: sum(({ thinks }) => thinks),
    },
    costMicros: sum(({ costMicros }) => costMicros),
    runtime: room.loop.health(),
    version: fleet.version,
  };
}

type Shown = Omit<FleetCount, 'state'> & { state: string; waits: string | null };

/** Bots of one state and reason stand for each other; when a single one wakes is for its own page. */
function shownGroup(count: FleetCount, above: Above): { state: string; waits: string | null } {
  const { state, waiting } = shownState({ ...count, sleepUntil: null, retryAt: null, nextThinkAt: null }, above);
  return { state, waits: count.desired === 'running' ? (waiting?.reason ?? null) : null };
}

function tally<W extends string>(
  words: readonly W[],
  counts: readonly Shown[],
  read: (count: Shown) => string,
): Record<W, number> {
  const none = Object.fromEntries(words.map((word) => [word, 0])) as Record<W, number>;
  for (const count of counts) {
    const word = words.find((candidate) => candidate === read(count));
    if (word !== undefined) none[word] += count.bots;
  }
  return none;
}

function byPersona(counts: readonly Shown[]): GalleryFleet['personas'] {
  const groups = new Map<string | null, GalleryFleet['personas'][number]>();
  for (const { personaId, state, bots } of counts) {
    const group = groups.get(personaId) ?? {
      id: personaId,
      bots: 0,
      running: 0,
      sleeping: 0,
      paused: 0,
      error: 0,
      idle: 0,
    };
    groups.set(personaId, group);
    group.bots += bots;
    if (state === 'running' || state === 'sleeping' || state === 'paused' || state === 'error' || state === 'idle')
      group[state] += bots;
  }
  return [...groups.values()].sort((a, b) => b.bots - a.bots || (a.id ?? '').localeCompare(b.id ?? ''));
}

/** The mind of all bots that name none, what steps in for it, the seed of all draws. `invalid` `mind_unknown`. */
export async function patchFleet(room: Room, asker: Asker, input: PatchFleet): Promise<GalleryFleet> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:admin');
  await room.ready(who.projectId);
  for (const name of [input.mind, input.fallbackMind === 'none' ? null : input.fallbackMind]) {
    if (name === undefined || name === null || room.minds.knows(name)) continue;
    throw invalid('mind_unknown', `There is no mind ${name}; GET /v1/gallery/minds lists them.`, {
      errors: [{ pointer: name === input.mind ? '/mind' : '/fallbackMind', detail: 'not a mind of this server' }],
    });
  }
  await room.db.transaction(async (tx) => {
    const before = await readFleet(tx, who.projectId);
    await changeFleet(tx, who.projectId, input, new Date(room.clock.now()));
    await writeAudit(tx, {
      ...asker,
      action: 'gallery.fleet.change',
      subject: who.projectId,
      before: { mind: before?.mind, fallbackMind: before?.fallbackMind, seed: before?.seed },
      after: input,
    });
  });
  await room.loop.changed(who.projectId, 'all');
  return showFleet(room, who);
}
