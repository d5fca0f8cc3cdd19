import { conflict, type Service, SimClock } from '#kernel/base';
import type { Loop } from './contract.ts';
import type { LoopDeps } from './loop-deps.ts';
import { Owner } from './owner.ts';
import { panic, release } from './panic.ts';
import { PhaseOuts } from './phase-out.ts';
import { release as letGo, type Simulation, simulate } from './simulate.ts';

export type LiveLoop = Loop & {
  /** For tests and for those who drive it by hand. */
  readonly owner: Owner;
  /** Shares of targets with a phase-out, now instead of at the next full hour. */
  lookAtPeople(): Promise<void>;
  /**
   * Some hours of the whole fleet of this node, ending now (or `hours` after `from`), under the simulated clock; then real
   * time again. `conflict` `clock_not_simulated` when the gallery was composed without a `SimClock`.
   */
  simulate(given: Partial<Omit<Simulation, 'clock'>> & { hours: number }): Promise<{ ticks: number; endsAt: number }>;
};

/**
 * The loop: who thinks when, under which gates and terms. `start` claims shards and returns; their bots come in behind it
 * (`health().restoring`). One for each process; `nodeId` must be the same in each life of a node.
 */
export function createLoop(deps: LoopDeps): LiveLoop {
  const owner = new Owner(deps);
  const { thinking, limits, config } = deps;
  const people = new PhaseOuts({
    ...deps,
    mine: () => owner.shards.termOf(0) !== undefined,
    moved: () => owner.gatesMoved(),
    run: (what, act) => owner.run(what, act),
  });
  limits.add({
    name: 'gallery.thinksInFlight',
    unit: 'count',
    value: config.thinksInFlightMax,
    setting: 'MUSTER_GALLERY_THINKS_IN_FLIGHT_MAX',
    whenFull: 'Bots that are due wait in the queue.',
    used: () => owner.flights.size,
  });
  limits.add({
    name: 'gallery.dueQueue',
    unit: 'count',
    value: config.dueQueueMax,
    setting: 'MUSTER_GALLERY_DUE_QUEUE_MAX',
    whenFull: 'The newest of the longest line are put off 1-5 s, counted as capacity.',
    used: () => owner.table.queue.size,
  });
  const service: Service = {
    async start() {
      await owner.start();
      people.start();
    },
    async [Symbol.asyncDispose]() {
      await people.stop();
      await owner[Symbol.asyncDispose]();
    },
  };
  return {
    ...service,
    owner,
    changed: (projectId, what) => owner.changed(projectId, what),
    panic: (projectId, by, reason) => panic(deps, owner, { projectId, by, reason }),
    release: (projectId, by, reason, state) => release(deps, owner, { projectId, by, reason, state }),
    setGate: (projectId, targetId, state, _by, reason) => owner.gates.set(projectId, targetId, state, reason),
    preview: (bot, options) => thinking.preview(bot, options),
    ask: (bot, question) => thinking.ask(bot, question),
    retry: (projectId, thoughtId) => thinking.retry(projectId, thoughtId),
    waits: (bot) => owner.waits(bot),
    health: () => owner.health(),
    lookAtPeople: () => people.run(),
    async simulate({ hours, from, ...more }) {
      const { clock } = deps;
      if (!(clock instanceof SimClock)) {
        throw conflict(
          'clock_not_simulated',
          'This server runs on real time; hours can only be simulated by a demo or a sim.',
        );
      }
      try {
        return await simulate(owner, { ...more, hours, from: from ?? clock.now() - hours * 3_600_000, clock });
      } finally {
        await letGo(owner, clock);
      }
    },
  };
}
