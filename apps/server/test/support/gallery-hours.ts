/**
 * Simulated hours of the whole gallery in this process: the owning half over the thinking half, with every real part
 * beneath them. Time is driven by the test, hour after hour; it is never let go in between, so that timers keep theirs.
 */
import { createLoop, type LiveLoop } from '#gallery/loop';
import { FakeClock, Limits, SimClock, systemClock, systemRandom } from '#kernel/base';
import { inProcessBus } from '#kernel/bus';
import type { Db } from '#kernel/db';
import { loneMetrics, silentLogger } from '#kernel/telemetry';
import { simulate } from '../../src/gallery/loop/simulate.ts';
import { project, thinkingWorld, type World } from './gallery-thinking.ts';
import { until } from './until.ts';

export type Hours = AsyncDisposable & {
  world: World;
  clock: SimClock;
  loop: LiveLoop;
  /** Warnings of the loop so far: what it says when something failed and is tried again. */
  warnings: Record<string, unknown>[];
  pass(hours: number, tickMs?: number): Promise<void>;
  /** Opens the gate of the sandbox, as a person does. */
  open(): Promise<void>;
};

/** `from`: epoch ms at which the bots are born and the clock begins. */
export async function galleryHours(db: Db, given: { bots: number; from: number; traits?: object }): Promise<Hours> {
  await using stack = new AsyncDisposableStack();
  const clock = new SimClock(new FakeClock(given.from));
  const world = stack.use(await thinkingWorld(db, { clock }));
  const warnings: Record<string, unknown>[] = [];
  const logger = {
    ...silentLogger,
    warn: (fields: object, message?: string) => void warnings.push({ ...fields, message }),
    error: (fields: object, message?: string) => void world.failures.push({ ...fields, message }),
  };
  const { view, thinking, targets } = world;
  const loop = createLoop({
    db,
    bus: inProcessBus(() => undefined),
    clock,
    realClock: systemClock,
    random: systemRandom,
    telemetry: { logger, metrics: loneMetrics(silentLogger), [Symbol.asyncDispose]: () => Promise.resolve() },
    limits: new Limits(),
    nodeId: 'test',
    view,
    thinking,
    probe: async ({ projectId, id }, signal) => {
      try {
        await (await targets.of(projectId, id)).feed('recent', { limit: 1 }, signal);
        targets.calm(projectId, id);
        return true;
      } catch {
        return false;
      }
    },
    humanActionsPerDay: () => Promise.resolve(0),
    tell: (_, rows) => void world.told.push(...rows),
    emit: (_, events) => void world.emitted.push(...events),
    config: { thinksInFlightMax: 256, dueQueueMax: 2_000 },
  });
  clock.hold(given.from);
  await world.seed(given.bots, given.traits);
  stack.use(loop);
  await loop.start();
  await until(() => loop.health().restoring === null && loop.health().bots === given.bots, { withinMs: 30_000 });
  const cleanUp = stack.move();
  return {
    world,
    clock,
    loop,
    warnings,
    pass: async (hours, tickMs = 60_000) => {
      await simulate(loop.owner, { clock, from: clock.now(), hours, tickMs });
    },
    open: async () => {
      await loop.setGate(project, 'sandbox', 'open', 'test', null);
      targets.calm(project, 'sandbox');
    },
    [Symbol.asyncDispose]: async () => {
      clock.follow();
      await cleanUp.disposeAsync();
    },
  };
}
