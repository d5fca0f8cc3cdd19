import type { BotRow } from '#gallery/model';
import { asError, type Clock, Signal, unavailable } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { Logger } from '#kernel/telemetry';
import type { Due, ThinkEnd } from './contract.ts';
import type { Lane } from './lanes.ts';
import type { LoopDeps } from './loop-deps.ts';
import type { OwnerMetrics } from './owner-metrics.ts';
import { readDue } from './queries/timers.ts';
import { flag } from './roster.ts';
import type { Shards } from './shards.ts';
import type { Timetable } from './timetable.ts';

/** No think is longer; one that makes no image has the shorter time (§9.5). */
export const thinkDeadlineMs = { words: 45_000, image: 180_000 } as const;
/** A timer may run this much before the time of the row it was set from. */
const earlyMs = 1_000;
/** When a think came to nothing and nobody said when to come again. */
const againMs = 10_000;
/** While thinks are under way, those that come due gather so long: their commits go together. */
const gatherMs = 25;

type Flight = {
  readonly place: number;
  readonly lane: Lane;
  readonly shard: number;
  readonly generation: number;
  readonly abort: AbortController;
  /** It makes an image. */
  drawing: boolean;
};

export type FlightParts = {
  db: Db;
  clock: Clock;
  realClock: Clock;
  logger: Logger;
  metrics: OwnerMetrics;
  table: Timetable;
  shards: Shards;
  thinking: LoopDeps['thinking'];
  inFlightMax: number;
  /** Under a simulated clock: one batch after the other. */
  ordered: () => boolean;
  /** Rows that came back from a think, or that must be read again: the owner applies them. */
  landed: (rows: readonly BotRow[], again: readonly string[]) => void;
  shut: (lane: Lane, gate: NonNullable<ThinkEnd['gate']>) => void;
};

/**
 * Thinks that are under way: takes bots from the queue while there are seats, reads their rows, hands them to the thinking
 * half in one call for each target, and takes back what became of each. Bounds are per node and per target; a target or a
 * model that is slow fills its own seats and nobody else's.
 */
export class Flights {
  /** Fired whenever a think has ended. */
  readonly ended = new Signal<string>();
  readonly #parts: FlightParts;
  readonly #flights = new Map<number, Flight>();
  /** Rows as thinks of a simulated day left them, until somebody else may have moved them. */
  readonly #rows = new Map<string, BotRow>();
  #turn = 0;
  #soon: Disposable | undefined;
  #stopped = false;

  constructor(parts: FlightParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#flights.size;
  }

  count(where: (projectId: string, id: string, shard: number) => boolean): number {
    return [...this.#flights.values()].filter((flight) =>
      where(flight.lane.projectId, this.#idOf(flight), flight.shard),
    ).length;
  }

  abort(where: (projectId: string, id: string, shard: number) => boolean, why: string): void {
    for (const flight of this.#flights.values())
      if (where(flight.lane.projectId, this.#idOf(flight), flight.shard))
        flight.abort.abort(unavailable(why, `This think was given up: ${why}.`));
  }

  /** No think begins after this. */
  stop(): void {
    this.#stopped = true;
    this.#soon?.[Symbol.dispose]();
  }

  /** Resolves when no think is under way where it matters, or after `withinMs`: then with how many still are. */
  async idle(where: (shard: number) => boolean, withinMs: number): Promise<number> {
    const giveUp = new AbortController();
    const late = this.#parts.realClock.sleep(withinMs, giveUp.signal).then(
      () => true,
      () => true,
    );
    try {
      for (;;) {
        const left = this.count((_project, _id, shard) => where(shard));
        if (left === 0) return 0;
        if (await Promise.race([this.ended.next().then(() => false), late])) return left;
      }
    } finally {
      giveUp.abort();
    }
  }

  /** Rows of bots are read again before they think. */
  forget(): void {
    this.#rows.clear();
  }

  /** Fills free seats from the queue. Resolves when the thinks that it began have ended. */
  async pump(): Promise<void> {
    if (this.#stopped) return;
    const { table, inFlightMax, ordered } = this.#parts;
    const lanes = table.lanes.all;
    const taken: Flight[] = [];
    for (let i = 0; i < lanes.length; i++) {
      const lane = lanes[(this.#turn + i) % lanes.length];
      if (!lane?.open || lane.queue.length === 0) continue;
      // A simulated target answers at once: all of a tick see the same world, whatever its seats.
      const free = ordered() ? inFlightMax : lane.seats - lane.flying;
      const seats = Math.min(free, inFlightMax - this.#flights.size);
      for (const place of table.queue.take(lane, Math.max(0, seats))) taken.push(this.#takeOff(lane, place));
    }
    this.#turn += 1;
    if (taken.length > 0) await this.#launch(taken);
  }

  #takeOff(lane: Lane, place: number): Flight {
    const { roster } = this.#parts.table;
    roster.unmark(place, flag.queued);
    roster.mark(place, flag.flying);
    const flight: Flight = {
      place,
      lane,
      shard: roster.shardOf(place),
      generation: roster.generationOf(place),
      abort: new AbortController(),
      drawing: false,
    };
    lane.flying += 1;
    this.#flights.set(place, flight);
    return flight;
  }

  async #launch(taken: readonly Flight[]): Promise<void> {
    const { db, clock, logger } = this.#parts;
    const ordered = this.#parts.ordered();
    let rows: Map<string, BotRow>;
    try {
      rows = new Map(taken.flatMap((flight) => this.#known(flight) ?? []).map((row) => [row.id, row]));
      const unknown = taken.map((flight) => this.#idOf(flight)).filter((id) => !rows.has(id));
      if (unknown.length > 0) for (const row of await readDue(db, unknown)) rows.set(row.id, row);
    } catch (error) {
      logger.warn({ error: asError(error), bots: taken.length }, 'rows of due bots could not be read; they come again');
      for (const flight of taken) this.#land(flight, { againAt: clock.now() + againMs });
      return;
    }
    const batches = new Map<string, { lane: Lane; flights: Flight[]; batch: Due[] }>();
    for (const flight of taken) {
      const due = this.#dueOf(flight, rows.get(this.#idOf(flight)));
      if (!due) continue;
      const alone = !ordered && this.#parts.thinking.isPaid?.(due.bot) === true;
      const key = alone ? `one ${due.bot.id}` : `lane ${flight.lane.no}`;
      const group = batches.get(key) ?? { lane: flight.lane, flights: [], batch: [] };
      group.flights.push(flight);
      group.batch.push(due);
      batches.set(key, group);
    }
    if (!ordered) await Promise.all([...batches.values()].map((group) => this.#run(group.flights, group.batch)));
    else for (const { flights, batch } of batches.values()) await this.#run(flights, batch);
  }

  /** Under a simulated clock nothing but thinks moves bots, and whoever comes between says so. */
  #known(flight: Flight): BotRow | undefined {
    const row = this.#parts.ordered() ? this.#rows.get(this.#idOf(flight)) : undefined;
    return row?.generation === flight.generation ? row : undefined;
  }

  /** `undefined`: its row says otherwise than its timer did; it is applied instead. */
  #dueOf(flight: Flight, bot: BotRow | undefined): Due | undefined {
    const { clock, table, shards } = this.#parts;
    const { roster } = table;
    const now = clock.now();
    const dueAt = roster.dueAt(flight.place);
    const term = shards.termOf(flight.shard);
    const stands =
      bot !== undefined &&
      bot.state === 'running' &&
      bot.desired === 'running' &&
      bot.generation === flight.generation &&
      !roster.has(flight.place, flag.gone);
    if (!stands || term === undefined || bot.nextThinkAt === null || bot.nextThinkAt > Math.max(now, dueAt) + earlyMs) {
      this.#land(flight, bot === undefined ? { stale: true } : { row: bot });
      return undefined;
    }
    if (!flight.lane.open || roster.has(flight.place, flag.unsettled)) {
      this.#land(flight, { row: bot });
      return undefined;
    }
    this.#parts.metrics.lag(now - dueAt);
    const { signal } = flight.abort;
    const may = (): boolean =>
      !signal.aborted &&
      flight.lane.open &&
      shards.holds(flight.shard, term) &&
      roster.generationOf(flight.place) === flight.generation &&
      !roster.has(flight.place, flag.gone);
    const drawing = (): void => {
      flight.drawing = true;
    };
    return { bot, dueAt, term, signal, may, drawing };
  }

  async #run(flights: readonly Flight[], batch: readonly Due[]): Promise<void> {
    const { clock, realClock, thinking, logger } = this.#parts;
    const byId = new Map(flights.map((flight, i) => [batch[i]?.bot.id ?? '', flight]));
    const ahead = this.#parts.ordered();
    const take = (end: ThinkEnd): void => {
      const flight = byId.get(end.botId);
      byId.delete(end.botId);
      if (ahead && end.row?.state === 'running') this.#rows.set(end.botId, end.row);
      else this.#rows.delete(end.botId);
      if (flight) this.#took(flight, end);
      else if (end.stale) this.#parts.landed([], [end.botId]);
    };
    const giveUp = (late: readonly Flight[]): void => {
      if (late.length === 0) return;
      logger.warn({ bots: late.length }, 'thinks passed their deadline and are given up');
      for (const { abort } of late) abort.abort(unavailable('deadline', 'This think took too long.'));
    };
    let deadline = realClock.after(thinkDeadlineMs.words, () => {
      giveUp([...byId.values()].filter(({ drawing }) => !drawing));
      deadline = realClock.after(thinkDeadlineMs.image - thinkDeadlineMs.words, () => giveUp([...byId.values()]));
    });
    try {
      for (const end of await thinking.think(batch, clock.now(), take, { ahead })) if (byId.has(end.botId)) take(end);
    } catch (error) {
      logger.error(
        { error: asError(error), bots: byId.size },
        'a batch of thinks failed as a whole; its bots come again',
      );
    }
    deadline[Symbol.dispose]();
    for (const flight of byId.values()) this.#land(flight, { againAt: clock.now() + againMs });
  }

  #took(flight: Flight, { botId, row, againAt, gate, reason }: ThinkEnd): void {
    const { clock, table, shut } = this.#parts;
    if (gate) shut(flight.lane, gate);
    // What a gate says is the gate's to say, and no longer true when somebody opens it.
    if (row === undefined && reason !== null && !gate)
      table.putOffs.note(botId, { reason, until: againAt ?? clock.now() + againMs });
    else table.putOffs.clear(botId);
    this.#land(flight, { ...(row === undefined ? {} : { row }), ...(againAt === undefined ? {} : { againAt }) });
  }

  /** The seat is free again, and the bot has its next time or its row is looked at once more. */
  #land(flight: Flight, { row, againAt, stale = false }: { row?: BotRow; againAt?: number; stale?: boolean }): void {
    const { place, lane } = flight;
    if (this.#flights.get(place) !== flight) return;
    const { clock, table } = this.#parts;
    const { roster } = table;
    const id = roster.idOf(place);
    this.#flights.delete(place);
    lane.flying -= 1;
    roster.unmark(place, flag.flying);
    const older = row !== undefined && row.generation < roster.generationOf(place);
    const again = stale || older || roster.has(place, flag.stale);
    roster.unmark(place, flag.stale);
    if (roster.has(place, flag.gone)) {
      roster.remove(place);
      if (again || row === undefined) this.#parts.landed([], [id]);
    } else if (again) this.#parts.landed([], [id]);
    else if (row) this.#parts.landed([row], []);
    else table.set(place, againAt ?? clock.now() + againMs);
    this.ended.fire(id);
    this.#pumpSoon();
  }

  #pumpSoon(): void {
    const { table, realClock, ordered } = this.#parts;
    if (ordered() || this.#soon || this.#stopped || table.queue.size === 0) return;
    this.#soon = realClock.after(gatherMs, () => {
      this.#soon = undefined;
      void this.pump();
    });
  }

  #idOf({ place }: Flight): string {
    return this.#parts.table.roster.idOf(place);
  }
}
