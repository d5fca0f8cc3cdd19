/**
 * The gallery: disclosed bots that draw, comment and answer on an image gallery, its operator's own or the one built in here.
 * `createGallery` puts the room together; `docs/life-of/thought.md` follows one thought through it.
 */
import type { GateState } from '@muster/protocol';
import { createRaster } from '#gallery/images';
import { createImprov, createMinds } from '#gallery/minds';
import type { TargetRow } from '#gallery/model';
import { createSandbox } from '#gallery/sandbox';
import { createTargets, type Targets } from '#gallery/targets';
import { defaultProjectId } from '#kernel/auth';
import { type Service, SimClock } from '#kernel/base';
import type { Http } from '#kernel/http';
import { BotChanges } from './bot-changes.ts';
import { botRoutes } from './bot-routes.ts';
import { showBots } from './bot-shape.ts';
import type { GalleryDeps } from './deps.ts';
import { galleryTelling } from './events.ts';
import { Feed } from './feed.ts';
import { fleetRoutes } from './fleet-routes.ts';
import { Gauges } from './gauges.ts';
import { type GalleryGlance, galleryGlance } from './glance.ts';
import { readyKind, registerGalleryJobs } from './jobs.ts';
import { declareLimits } from './limits.ts';
import { createGalleryMetrics } from './metrics.ts';
import { tellDegraded } from './mind-degraded.ts';
import { personaRoutes } from './persona-routes.ts';
import { readBots } from './queries/bot-row.ts';
import { ReadyProjects } from './ready-projects.ts';
import { recordRoutes } from './record-routes.ts';
import { relaxedDb } from './relaxed-db.ts';
import type { Room } from './room.ts';
import { createRuntime, type Runtime } from './runtime.ts';
import { type GalleryStreams, galleryStreams } from './stream-room.ts';

export type { GalleryDeps } from './deps.ts';
export { type GalleryConfig, galleryDefaults } from './limits.ts';
export type { GalleryEmission } from './room.ts';

/** Pixels across of a drawing that goes up on another gallery. */
const uploadWidth = 1_024;

export type Gallery = Service & {
  /** Declares every route of the gallery, its sandbox and its targets. Before `http.start`. */
  routes(http: Http): void;
  /** No think begins any more; those under way have their grace when the room is disposed of. */
  drain(): void;
  /** Fields for `/health`, from memory. */
  health(): { ok: boolean; fields: Readonly<Record<string, unknown>> };
  /** Its streams, for the room that serves `/v1/stream/`. */
  readonly streams: GalleryStreams;
  /** For the overview, the search and the first steps. */
  readonly glance: GalleryGlance;
};

/**
 * Call before `auth.start` and `queue.start`: jobs of this room are made known to the queue here. `start` comes after the
 * database is migrated, `routes` before `http.start`.
 */
export function createGallery(deps: GalleryDeps): Gallery {
  const { db, log, telemetry } = deps;
  const { logger } = telemetry;
  const clock = new SimClock(deps.clock);
  const fleetDb = relaxedDb(db, () => clock.held);
  const gauges = new Gauges(telemetry.metrics, () => room);
  const metrics = createGalleryMetrics(telemetry.metrics, () => gauges.seen.states);
  const feed = new Feed({
    db,
    log,
    clock: deps.clock,
    logger,
    tookMs: (ms) => metrics.published.observe({}, ms / 1_000),
    held: () => clock.held,
  });
  const changes = new BotChanges({
    log,
    clock: deps.clock,
    logger,
    show: async (projectId, ids) => showBots(room, db, await readBots(db, projectId, ids)),
  });
  const telling = galleryTelling(deps, metrics, feed, changes);
  const raster = createRaster({
    clock: deps.clock,
    onFault: (fault, detail) => logger.warn({ fault, detail }, 'raster'),
  });
  const { blobs, bus, auth, limits, basePath } = deps;
  const sandbox = createSandbox({
    db,
    fleet: { db: fleetDb, hurried: () => clock.held, clock: deps.clock },
    blobs,
    bus,
    auth,
    clock,
    limits,
    telemetry,
    raster,
    basePath,
    acted: (kind) => metrics.actions.add({ kind, outcome: 'done', origin: 'human' }),
    ...deps.sandbox,
  });
  const minds = createMinds({
    config: deps.minds,
    improv: createImprov(),
    clock: deps.clock,
    random: deps.random,
    logger,
    metrics: telemetry.metrics,
    limits: deps.limits,
    onDegraded: (event) => void tellDegraded(room, event),
  });
  const { tell, emit } = telling;
  const targets: Targets = createTargets({
    ...deps,
    clock,
    config: { ...deps.config, ...deps.targets },
    sandbox: (projectId) => sandbox.transport(projectId),
    pngOf: (svg) => raster.png(svg, uploadWidth),
    // Targets come before the loop in the order of the house, and speak to it only once requests come.
    setGate: async (projectId, targetId, state, by, reason) => {
      await runtime.loop.setGate(projectId, targetId, state, by, reason);
      if (state === 'open') targets.calm(projectId, targetId);
    },
    botsChanged: (projectId, bots) => runtime.loop.changed(projectId, { bots }),
    targetChanged: (projectId) => runtime.loop.changed(projectId, 'all'),
    tell,
    emit,
  });
  const runtime = createRuntime({
    deps: { ...deps, db: fleetDb },
    clock,
    minds,
    targets,
    sandbox,
    metrics,
    tell,
    emit,
  });
  const projects = new ReadyProjects({ db, clock, targets, sandboxUrl: () => `${deps.publicBase()}/sandbox` });
  const room: Room = {
    ...deps,
    ...telling,
    clock,
    realClock: deps.clock,
    minds,
    targets,
    metrics,
    loop: runtime.loop,
    forget: (botId) => runtime.forget(botId),
    answeredPeople: async ({ projectId, from, to }) => {
      const { posts, answered, medianMs } = await sandbox.answeredPeople(projectId, from.getTime(), to.getTime());
      return {
        peoplesPostsAnswered: posts === 0 ? null : Math.round((10_000 * answered) / posts) / 10_000,
        firstAnswerMsMedian: medianMs === null ? null : Math.round(medianMs),
      };
    },
    sandboxActs: (projectId, from, to) => sandbox.actsByOrigin(projectId, from, to),
    ready: (projectId) => projects.ready(projectId),
  };
  registerGalleryJobs(room);
  declareLimits(deps.limits, deps.config, () => Object.values(gauges.seen.states).reduce((sum, bots) => sum + bots, 0));
  let running = false;
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= Promise.resolve(runtime[Symbol.asyncDispose]()));
  return {
    streams: galleryStreams(room),
    glance: galleryGlance(room),
    start: async () => {
      if (running) return;
      running = true;
      await raster.start();
      await sandbox.start();
      await minds.start();
      await feed.start();
      await changes.start();
      await db.transaction((tx) =>
        deps.queue.enqueue(tx, { kind: readyKind, payload: undefined, uniqueKey: readyKind }),
      );
      await runtime.start();
      await gauges.start();
    },
    routes: (http) => {
      for (const declare of [botRoutes, personaRoutes, fleetRoutes, recordRoutes]) declare(room)(http);
      targets.routes(http);
      sandbox.routes(http);
    },
    drain: () => {
      // Whoever disposes of the room waits for it, and hears of its failure.
      stop().catch(() => undefined);
    },
    health: () => ({ ok: true, fields: { gallery: healthOf(room, gauges.seen.states, runtime.view) } }),
    [Symbol.asyncDispose]: async () => {
      running = false;
      await gauges[Symbol.asyncDispose]();
      await stop();
      await changes[Symbol.asyncDispose]();
      await feed[Symbol.asyncDispose]();
      await minds[Symbol.asyncDispose]();
      await sandbox[Symbol.asyncDispose]();
      await raster[Symbol.asyncDispose]();
    },
  };
}

function healthOf(
  room: Room,
  states: Readonly<Record<string, number>>,
  view: Runtime['view'],
): Record<string, unknown> {
  const { bots, lagMs, restoring } = room.loop.health();
  const mind = room.minds.health();
  const targets = [...view.targets()];
  // Of all projects, so only numbers; ids are told of the operator's own project.
  const gates: Record<GateState, number> = { open: 0, sleeping: 0, held: 0, tripped: 0 };
  for (const { gate } of [...view.fleets(), ...targets]) gates[gate.state] += 1;
  const own = targets.filter(({ projectId }) => projectId === defaultProjectId);
  return {
    bots,
    running: states['running'] ?? 0,
    lagMs: Math.round(lagMs),
    ...(restoring ? { restoring: `${restoring.done}/${restoring.of}` } : {}),
    gates,
    mind: mind.degraded ? { name: mind.name, degraded: mind.reason } : mind.name,
    target: Object.fromEntries(own.map((row) => [row.id, stateOf(row)])),
  };
}

const stateOf = ({ kind, acknowledged, gate }: TargetRow): string =>
  kind === 'sandbox' || acknowledged ? gate.state : 'not_acknowledged';
