import type { Submitted } from '@muster/protocol';
import { Connections } from './connections.ts';
import { Dispatch } from './dispatch-actor.ts';
import { dispatchLimits } from './dispatch-limits.ts';
import { Endings } from './endings.ts';
import { extendBatch, LeaseBatch } from './extend-lease.ts';
import { Gather } from './gather.ts';
import { ParkWheel } from './park-wheel.ts';
import { Presence } from './presence.ts';
import { type BuildNow, type HeldNow, readBuildRows, readHeldNow } from './queries/build-row.ts';
import type { StartAsk, Started } from './queries/finish.ts';
import { readWorkers, type WorkerRow } from './queries/workers.ts';
import type { Room } from './room.ts';
import { gatherStarts } from './start-build.ts';
import { gatherShown, gatherSubmits, type PlainSubmit, type Shown, type Submitting } from './submit-together.ts';
import { Wakes } from './wakes.ts';

/** Builds whose backoff this node watches; more are found by the sweep. */
const watchedMax = 20_000;
/** Past the moment by the database's clock, whatever ours says. */
const lateMs = 100;

/** What of this room lives in memory of this node. None of it decides anything: rows do. */
export class Live implements Disposable {
  readonly wheel: ParkWheel;
  readonly presence: Presence;
  readonly dispatch: Dispatch;
  readonly leases: LeaseBatch;
  readonly wakes: Wakes;
  readonly connections: Connections;
  readonly endings: Endings;
  readonly starts: Gather<StartAsk, Started | undefined>;
  /** The row of a worker that calls; calls that come in together are one statement. */
  readonly workers: Gather<string, WorkerRow | undefined>;
  /** The row of a build, read after the asking; calls that come in together are one statement. */
  readonly builds: Gather<string, BuildNow | undefined>;
  /** The same for whoever writes as its attempt: only what decides that. */
  readonly held: Gather<string, HeldNow | undefined>;
  readonly submits: Gather<PlainSubmit, Submitting>;
  readonly submitted: Gather<Shown, Submitted>;
  readonly #room: Room;

  constructor(room: Room) {
    this.#room = room;
    this.wheel = new ParkWheel(room.clock);
    this.presence = new Presence(room);
    this.dispatch = new Dispatch(room, this.wheel, this.presence);
    this.leases = new LeaseBatch(room.clock, (asks) => extendBatch(room, asks));
    this.connections = new Connections(room);
    this.endings = new Endings(room);
    this.starts = gatherStarts(room);
    this.workers = new Gather(
      async (ids) => {
        const rows = await readWorkers(room.db, [...new Set(ids)]);
        // A row of its own for each: a call may note in it what it just changed.
        return ids.map((id) => {
          const row = rows.find((row) => row.id === id);
          return row && { ...row };
        });
      },
      { most: dispatchLimits.readBatchMax },
    );
    this.builds = gatherRows((ids) => readBuildRows(room.db, ids));
    this.held = gatherRows((ids) => readHeldNow(room.db, ids));
    this.submits = gatherSubmits(room);
    this.submitted = gatherShown(room);
    this.wakes = new Wakes(room, {
      ready: (demand) => this.dispatch.wake(demand),
      nudged: (workerId) => {
        void this.dispatch.refresh(workerId);
        this.presence.tell(workerId);
      },
      missed: () => {
        this.presence.tellEveryone();
        this.dispatch
          .sweep()
          .catch((error: unknown) => room.telemetry.logger.warn({ error }, 'a sweep after lost hints failed'));
      },
    });
  }

  /** A build is in line again and may go after `ms`. */
  wakeAfter(ms: number, { projectId, sig }: { projectId: string; sig: number }): void {
    if (ms <= 0) this.#room.wake({ projectId, sig });
    else if (this.wheel.size < watchedMax) this.wheel.add(ms + lateMs, () => this.#room.wake({ projectId, sig }));
  }

  /** After commit: a seat of this worker is free; a draining one may have had its last build and has to hear it. */
  seatFreed(workerId: string, draining: boolean): void {
    this.dispatch.seatFreed(workerId);
    if (draining) this.#room.nudge(workerId);
  }

  /** The worker left or was removed: its parked calls come back, and nothing here keeps it online. */
  forget(workerId: string): void {
    this.dispatch.dismiss(workerId);
    this.presence.leave(workerId);
  }

  [Symbol.dispose](): void {
    this.dispatch.stop();
    this.wakes[Symbol.dispose]();
    this.connections[Symbol.dispose]();
    this.leases[Symbol.dispose]();
    this.wheel[Symbol.dispose]();
  }
}

/** Reads by id; calls that come in together are one statement. */
const gatherRows = <Row extends { id: string }>(
  read: (ids: readonly string[]) => Promise<Row[]>,
): Gather<string, Row | undefined> =>
  new Gather(
    async (ids) => {
      const rows = new Map((await read([...new Set(ids)])).map((row) => [row.id, row]));
      return ids.map((id) => rows.get(id));
    },
    { most: dispatchLimits.readBatchMax },
  );
