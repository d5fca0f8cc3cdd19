import type { Instruction } from '@muster/protocol';
import { asError } from '#kernel/base';
import { dispatchLimits } from './dispatch-limits.ts';
import { instructionsOf, nameOfInstruction, stopLost } from './instructions.ts';
import { markStopsTold, readWorkers, setDrainTold, touchWorkers, type WorkerRow } from './queries/workers.ts';
import type { Room } from './room.ts';

/** A way to tell a worker something now: a parked call, a socket, an event stream of this node. */
export type Link = {
  readonly kind: 'claim' | 'heartbeat' | 'socket' | 'events';
  /** Whether it took them. `alone`: there is no link of another kind, so a parked claim has to carry everything. */
  tell(instructions: readonly Instruction[], alone: boolean): boolean;
  /** Builds that the other side believes to hold; what it lost it is told to stop. */
  holds?(): readonly { buildId: string; term: number }[];
};
type Known = {
  readonly links: Set<Link>;
  /** Name of an instruction → when it was told. */
  readonly told: Map<string, number>;
  /** Attempts it ended itself: it need not be told to stop them. */
  readonly ended: Set<string>;
  seen: boolean;
  /** It said that it leaves: its links no longer speak for it, until its next call. */
  left: boolean;
};

/** More than a worker has seats: all it may have ended since its links last said what they hold. */
const endedMax = 256;
const attemptName = ({ buildId, term }: { buildId: string; term: number }): string => `${buildId} ${term}`;

/**
 * Who is there, on this node. Rows say what is true; this only knows whom this node can reach and what it told them a
 * moment ago. A worker without a link that was not seen since the last write is forgotten.
 */
export class Presence {
  readonly #room: Room;
  readonly #known = new Map<string, Known>();
  /** Asked for a look since the last one; looked at together. */
  #toTell = new Set<string>();
  #telling = false;

  constructor(room: Room) {
    this.#room = room;
  }

  /** Workers that hold a link on this node. */
  get linked(): number {
    let linked = 0;
    for (const { links } of this.#known.values()) if (links.size > 0) linked += 1;
    return linked;
  }

  reaches(workerId: string): boolean {
    return (this.#known.get(workerId)?.links.size ?? 0) > 0;
  }

  attach(workerId: string, link: Link): Disposable {
    const known = this.#of(workerId);
    known.links.add(link);
    return { [Symbol.dispose]: () => void known.links.delete(link) };
  }

  /** A call of this worker: it is online from now on. */
  async arrived(worker: WorkerRow): Promise<void> {
    const known = this.#of(worker.id);
    known.seen = true;
    known.left = false;
    if (worker.state === 'offline') {
      await this.#write([worker.id]);
      worker.state = 'online';
    }
  }

  /** What to tell this worker: all of it, and whether some of it was not told within the last seconds. */
  news(worker: WorkerRow): { all: Instruction[]; fresh: boolean } {
    const all = instructionsOf(worker, this.#room.config.cancelGraceMs);
    return { all, fresh: this.isFresh(worker.id, all) };
  }

  isFresh(workerId: string, instructions: readonly Instruction[]): boolean {
    const told = this.#known.get(workerId)?.told;
    const since = this.#room.clock.monotonic() - dispatchLimits.instructionRepeatMs;
    return instructions.some((instruction) => (told?.get(nameOfInstruction(instruction)) ?? -Infinity) <= since);
  }

  /** These were written to the worker just now. The rows learn it behind. */
  told(workerId: string, instructions: readonly Instruction[]): void {
    if (instructions.length === 0) return;
    const { told } = this.#of(workerId);
    const now = this.#room.clock.monotonic();
    for (const instruction of instructions) {
      if (instruction.kind !== 'cancel') for (const name of ['drain true', 'drain false', 'resume']) told.delete(name);
      told.set(nameOfInstruction(instruction), now);
    }
    void this.#writeTold(workerId, instructions).catch((error: unknown) =>
      this.#failed(error, 'what a worker was told could not be noted'),
    );
  }

  /** It left: links that stay open no longer speak for it being there. */
  leave(workerId: string): void {
    const known = this.#known.get(workerId);
    if (known) Object.assign(known, { seen: false, left: true });
  }

  /** The worker said how this attempt ended; a link that still lists it is only behind. */
  ended(workerId: string, attempt: { buildId: string; term: number }): void {
    const ended = this.#known.get(workerId)?.ended;
    if (!ended) return;
    ended.add(attemptName(attempt));
    const [oldest] = ended;
    if (ended.size > endedMax && oldest !== undefined) ended.delete(oldest);
  }

  /** The rows of this worker changed: tell it what is new, if this node reaches it. */
  tell(workerId: string): void {
    if (!this.reaches(workerId)) return;
    this.#toTell.add(workerId);
    if (!this.#telling) void this.#tellAll();
  }

  /** Every worker this node reaches, after hints may have been lost. */
  tellEveryone(): void {
    for (const workerId of this.#known.keys()) this.tell(workerId);
  }

  /** One statement for everybody that is here or called since the last time. */
  async flush(): Promise<void> {
    const here: string[] = [];
    for (const [workerId, known] of this.#known) {
      if (!known.left && (known.links.size > 0 || known.seen)) here.push(workerId);
      else if (known.links.size === 0) this.#known.delete(workerId);
      known.seen = false;
    }
    if (here.length > 0) await this.#write(here.sort());
  }

  async #write(workerIds: readonly string[]): Promise<void> {
    await this.#room.db.transaction(
      async (tx) => {
        const back = await touchWorkers(tx, workerIds);
        await this.#room.emit(
          tx,
          back.map(({ id, projectId }) => ({ projectId, type: 'online', workerId: id })),
        );
      },
      { retries: 3 },
    );
  }

  /** Never rejects. */
  async #tellAll(): Promise<void> {
    this.#telling = true;
    while (this.#toTell.size > 0) {
      const workerIds = [...this.#toTell];
      this.#toTell = new Set();
      try {
        for (const worker of await readWorkers(this.#room.db, workerIds)) this.#tellOne(worker);
      } catch (error) {
        this.#failed(error, 'workers could not be told what is new; their next call will');
      }
    }
    this.#telling = false;
  }

  #tellOne(worker: WorkerRow): void {
    const known = this.#known.get(worker.id);
    if (!known) return;
    const lost = [...known.links]
      .flatMap((link) => link.holds?.() ?? [])
      .filter(({ buildId, term }) => !worker.held.some((held) => held.buildId === buildId && held.term === term))
      .filter((attempt) => !known.ended.has(attemptName(attempt)));
    const all = [...this.news(worker).all, ...lost.map(stopLost)];
    if (!this.isFresh(worker.id, all)) return;
    const alone = [...known.links].every((link) => link.kind === 'claim');
    let taken = false;
    for (const link of known.links) taken = link.tell(all, alone) || taken;
    if (taken) this.told(worker.id, all);
  }

  async #writeTold(workerId: string, instructions: readonly Instruction[]): Promise<void> {
    const { db, metrics, config } = this.#room;
    const stops = instructions.flatMap((instruction) => (instruction.kind === 'cancel' ? [instruction.buildId] : []));
    const drained = instructions.some(({ kind }) => kind === 'drain');
    const resumed = instructions.some(({ kind }) => kind === 'resume');
    await db.transaction(async (tx) => {
      const told = stops.length > 0 ? await markStopsTold(tx, stops, config.cancelGraceMs) : [];
      for (const { tookMs } of told) metrics.cancelDelivery.observe({}, tookMs / 1_000);
      if (drained || resumed) await setDrainTold(tx, [workerId], drained);
    });
    // A resume that came between the telling and this note saw nobody who had been told.
    if (drained) this.tell(workerId);
  }

  #of(workerId: string): Known {
    let known = this.#known.get(workerId);
    if (!known) {
      known = { links: new Set(), told: new Map(), ended: new Set(), seen: true, left: false };
      this.#known.set(workerId, known);
    }
    return known;
  }

  #failed(error: unknown, text: string): void {
    this.#room.telemetry.logger.warn({ error: asError(error) }, text);
  }
}
