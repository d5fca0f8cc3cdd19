import { drawScene } from '#gallery/images';
import { createLoop, createThinking, FleetView, type LiveLoop } from '#gallery/loop';
import type { Minds } from '#gallery/minds';
import type { TargetRow } from '#gallery/model';
import type { Sandbox } from '#gallery/sandbox';
import type { Targets } from '#gallery/targets';
import type { Service, SimClock } from '#kernel/base';
import type { GalleryDeps } from './deps.ts';
import type { GalleryMetrics } from './metrics.ts';
import { peoplesActsElsewhere } from './people-elsewhere.ts';
import { pictureStore } from './pictures.ts';
import { botsAmong } from './queries/fleet.ts';
import type { Room } from './room.ts';

export type Runtime = Service & {
  readonly loop: LiveLoop;
  /** Fleets and targets as the loop knows them. */
  readonly view: Pick<FleetView, 'fleets' | 'targets'>;
  /** After rows of memory were changed by others; without an id: of all bots. */
  forget(botId?: string): void;
};

export type RuntimeParts = Pick<Room, 'tell' | 'emit'> & {
  deps: GalleryDeps;
  clock: SimClock;
  minds: Minds;
  targets: Targets;
  sandbox: Sandbox;
  metrics: GalleryMetrics;
};

const dayMs = 86_400_000;

/** The living half of the room: who thinks when, and thinking. */
export function createRuntime(parts: RuntimeParts): Runtime {
  const { deps, clock, minds, targets, sandbox, metrics, tell, emit } = parts;
  const { db, bus, random, limits, nodeId, budgets, telemetry, publicBase } = deps;
  const view = new FleetView(db, () => minds.defaultName);
  const thinking = createThinking({
    db,
    clock,
    telemetry,
    view,
    budgets,
    meter: deps.meter,
    minds,
    targets,
    draw: drawScene,
    pictures: pictureStore(deps.blobs, sandbox, publicBase),
    profileUrl: ({ kind, baseUrl }, username) =>
      `${kind === 'sandbox' ? `${publicBase()}/sandbox` : baseUrl.replace(/\/+$/, '')}/u/${encodeURIComponent(username)}`,
    tell,
    emit,
    counts: metrics,
    bounds: deps.config,
    nodeId,
    // While the clock is held one thing comes after the other, so that the same seed gives the same day.
    get ordered() {
      return clock.held;
    },
  });
  const loop = createLoop({
    db,
    bus,
    clock,
    realClock: deps.clock,
    random,
    telemetry,
    limits,
    nodeId,
    view,
    thinking,
    probe: (target, signal) => probe(targets, target, signal),
    humanActionsPerDay: (target, at) => humanActionsPerDay(parts, target, at),
    tell,
    emit,
    config: deps.config,
  });
  return {
    loop,
    view,
    forget: (botId) => thinking.forget(botId),
    start: () => loop.start(),
    [Symbol.asyncDispose]: async () => {
      await loop[Symbol.asyncDispose]();
      await thinking[Symbol.asyncDispose]();
    },
  };
}

/** One read: whether the target answers as it should. */
async function probe(targets: Targets, { projectId, id }: TargetRow, signal: AbortSignal): Promise<boolean> {
  try {
    const target = await targets.of(projectId, id);
    await target.feed('recent', { limit: 1 }, signal);
    targets.calm(projectId, id);
    return true;
  } catch {
    return false;
  }
}

/** Mean over the last seven full UTC days; `null`: it could not be seen (I6). */
async function humanActionsPerDay(
  { deps, sandbox, targets }: RuntimeParts,
  { kind, projectId, id }: TargetRow,
  at: number,
): Promise<number | null> {
  if (kind !== 'sandbox') {
    const target = await targets.of(projectId, id);
    return peoplesActsElsewhere(target, (names) => botsAmong(deps.db, projectId, id, names), at);
  }
  const today = at - (at % dayMs);
  const days = await sandbox.humanActionsPerDay(projectId, today - 7 * dayMs, today - 1);
  return days.length === 0 ? null : days.reduce((sum, { human }) => sum + human, 0) / days.length;
}
