import { createChanges } from './build-changes.ts';
import type { BuildsDeps } from './deps.ts';
import { createRecorder, type Recorder } from './events.ts';
import { createIntake } from './intake.ts';
import { Live } from './live.ts';
import { rescueBuilds } from './rescue-builds.ts';
import type { Room } from './room.ts';
import { Ticker } from './ticker.ts';

/** The room with its live parts and loops. `loops` run by themselves after `start`; tests run them by hand. */
export type Assembled = AsyncDisposable & {
  readonly room: Room;
  readonly recorder: Recorder;
  readonly loops: { readonly rescue: Ticker; readonly sweep: Ticker; readonly presence: Ticker };
  /** `watch: false` leaves the loops still. */
  start(options?: { watch?: boolean }): Promise<void>;
};

export function assembleRoom(deps: BuildsDeps): Assembled {
  const recorder = createRecorder(deps);
  const { metrics, logs, counts, emit, flushOutbox } = recorder;
  // The live parts need the room they belong to; nobody asks for them before both are there.
  const parts: { live?: Live } = {};
  const room: Room = {
    ...deps,
    metrics,
    logs,
    counts,
    emit,
    flushOutbox,
    intake: createIntake(deps),
    changes: createChanges(deps),
    wake: (demand) => room.live.wakes.wake(demand),
    nudge: (workerId) => room.live.wakes.nudge(workerId),
    get live() {
      parts.live ??= new Live(room);
      return parts.live;
    },
  };
  const { live } = room;
  const { rescueEveryMs, sweepEveryMs } = deps.config;
  const ticker = (name: string, everyMs: number, share: number, act: () => Promise<void>): Ticker =>
    new Ticker(
      { clock: deps.clock, random: deps.random, logger: deps.telemetry.logger },
      { name, everyMs, share, act },
    );
  const loops = {
    rescue: ticker('looking after leases', rescueEveryMs, 0.1, async () => void (await rescueBuilds(room))),
    sweep: ticker('the sweep for parked workers', sweepEveryMs, 0.2, () => live.dispatch.sweep()),
    presence: ticker('writing who is there', presenceEveryMs, 0.1, () => live.presence.flush()),
  };
  return {
    room,
    recorder,
    loops,
    async start({ watch = true } = {}) {
      await recorder.start();
      if (watch) for (const loop of Object.values(loops)) loop.start();
    },
    async [Symbol.asyncDispose]() {
      live[Symbol.dispose]();
      await Promise.all(Object.values(loops).map((loop) => loop[Symbol.asyncDispose]()));
      room.changes[Symbol.dispose]();
      await recorder[Symbol.asyncDispose]();
    },
  };
}

/** Parked workers write their presence this often, all in one statement. */
const presenceEveryMs = 5_000;
