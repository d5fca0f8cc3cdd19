import { drawsOf } from '#gallery/model';
import { TimerWheel, WheelDriver } from '#kernel/actors';
import type { Clock } from '#kernel/base';
import { timerOf } from './bot-after.ts';
import { DueQueue } from './due-queue.ts';
import type { FleetView } from './fleet-view.ts';
import { type Lane, Lanes } from './lanes.ts';
import { PutOffs } from './put-offs.ts';
import type { TimerRow } from './queries/timers.ts';
import { flag, Roster, type TimedState } from './roster.ts';
import { lateSpreadMs } from './schedule.ts';

/** A time that passed so little ago is simply due: a wake that people asked for must not wait for its turn. */
const justNowMs = 5_000;
/** Past the bound of the queue bots come again within this time. */
const putOffMs = [1_000, 5_000] as const;
/** Wall and monotonic time may run apart so far before it counts as a jump of the wall clock. */
const jumpMs = 1_000;

export type TimetableParts = {
  clock: Clock;
  view: FleetView;
  dueQueueMax: number;
  /** Whether this node may act for bots of a shard. */
  owns: (shard: number) => boolean;
  /** Bots of these places have their time: running ones wait in the queue now, the others have slept or rested enough. */
  due: (rested: readonly number[]) => void;
};

/**
 * When each bot of this node comes up, and what stands in its way. No I/O: rows come in by `apply`, and what is due goes
 * out. A bot here is in one of: timer set · queued · flying · parked (its time came under a shut gate, or with an act to be
 * settled first) · without a time (its owner is about to schedule it).
 */
export class Timetable {
  readonly roster = new Roster();
  readonly lanes: Lanes;
  readonly queue: DueQueue;
  /** Put off because more were due than the queue holds. */
  capacity = 0;
  /** Why bots of here were put off. */
  readonly putOffs = new PutOffs();
  readonly #parts: TimetableParts;
  readonly #wheel: TimerWheel;
  readonly #driver: WheelDriver;
  readonly #base: number;
  /** What the wheel's time is ahead of the wall clock; 0 until that clock jumps. */
  #shift = 0;

  constructor(parts: TimetableParts) {
    this.#parts = parts;
    const { clock, view, dueQueueMax } = parts;
    this.#base = clock.now() - clock.monotonic();
    this.lanes = new Lanes(view);
    this.queue = new DueQueue(() => this.lanes.all, dueQueueMax);
    const byId = (a: number, b: number): number => (this.roster.idOf(a) < this.roster.idOf(b) ? -1 : 1);
    this.#wheel = new TimerWheel({ now: this.#now(), compare: byId });
    const due = (places: readonly number[]): void => this.#due(places);
    this.#driver = new WheelDriver({ clock, wheel: this.#wheel, now: () => this.#now(), due });
  }

  start(): void {
    this.#driver.start();
  }

  /** Nothing comes due by itself until the next `start`; `step` is called. */
  pause(): void {
    this.#driver.pause();
  }

  stop(): void {
    this.#driver[Symbol.dispose]();
  }

  /** When something may be due next, by the gallery's clock. For a simulated one. */
  nextAt(): number | undefined {
    const next = this.#wheel.nextAt();
    return next === undefined ? undefined : next - this.#toWheel(0);
  }

  /** Hands out what is due by now. For a simulated clock. */
  step(): void {
    const due = this.#wheel.advance(this.#now());
    if (due.length > 0) this.#due(due);
  }

  /** Takes in a row as it is now. `unscheduled`: it runs and has no time yet. */
  apply(row: TimerRow): 'set' | 'unscheduled' | 'gone' {
    const state = timedState(row);
    const known = this.roster.placeOf(row.id);
    if (known !== undefined && row.generation < this.roster.generationOf(known)) return 'set'; // read before a later one
    if (state === undefined || !this.#parts.owns(row.shard)) {
      if (known !== undefined) this.forget(known);
      return 'gone';
    }
    const lane = this.lanes.of(row.projectId, row.targetId);
    const moved = known === undefined || this.roster.generationOf(known) !== row.generation;
    const place = this.roster.put(row, state, lane.no);
    this.roster.unmark(place, flag.gone);
    if (this.roster.has(place, flag.flying)) {
      if (moved) this.roster.mark(place, flag.stale);
      return 'set';
    }
    this.#unqueue(place);
    this.roster.unmark(place, flag.parked);
    const at = timerOf(row);
    if (at === null) {
      this.#driver.cancel(place);
      return state === 'running' ? 'unscheduled' : 'set';
    }
    this.set(place, at);
    return 'set';
  }

  /** A time long past becomes one within `spreadMs`: what was missed is not made up, and not all at once. */
  set(place: number, at: number, spreadMs: number = lateSpreadMs): void {
    const now = this.#parts.clock.now();
    const then = at < now - justNowMs ? now + this.#draw(place, 'late') * spreadMs : at;
    this.roster.setDue(place, Math.round(then));
    this.#driver.set(place, this.#toWheel(then));
  }

  /** Its timer ends; a think under way is the caller's to abort. */
  forget(place: number): void {
    this.#driver.cancel(place);
    this.#unqueue(place);
    if (this.roster.has(place, flag.flying)) this.roster.mark(place, flag.gone);
    else this.roster.remove(place);
  }

  /** Whether it has a time, a seat, or a place where it waits for one. */
  waits(place: number): boolean {
    return this.#wheel.has(place) || this.roster.has(place, flag.flying | flag.queued | flag.parked);
  }

  /** What waits below a lane that is shut now no longer waits for a seat. */
  close(lane: Lane): void {
    for (const place of this.queue.removeWhere(lane, () => true)) this.#park(place);
  }

  /** Bots whose time came while the lane was shut come up within `spreadMs`. */
  open(lane: Lane, spreadMs: number): void {
    for (const place of this.roster.places()) if (this.roster.laneOf(place) === lane.no) this.unpark(place, spreadMs);
  }

  unpark(place: number, spreadMs: number): void {
    if (!this.roster.has(place, flag.parked) || this.roster.has(place, flag.unsettled)) return;
    this.roster.unmark(place, flag.parked);
    this.set(place, Math.floor(this.#parts.clock.now() + this.#draw(place, 'opened') * spreadMs));
  }

  #due(places: readonly number[]): void {
    const rested: number[] = [];
    for (const place of places) {
      const lane = this.lanes.at(this.roster.laneOf(place));
      if (this.roster.has(place, flag.flying) || !lane) continue;
      if (!lane.open || this.roster.has(place, flag.unsettled)) this.#park(place);
      else if (this.roster.stateOf(place) !== 'running') rested.push(place);
      else this.#enqueue(lane, place);
    }
    this.#parts.due(rested);
  }

  #enqueue(lane: Lane, place: number): void {
    this.roster.mark(place, flag.queued);
    const out = this.queue.add(lane, place);
    if (out === undefined) return;
    this.capacity += 1;
    this.roster.unmark(out, flag.queued);
    const [least, most] = putOffMs;
    const until = this.#parts.clock.now() + least + this.#draw(out, 'put off') * (most - least);
    this.putOffs.note(this.roster.idOf(out), { reason: 'capacity', until });
    this.set(out, until);
  }

  #park(place: number): void {
    this.roster.unmark(place, flag.queued);
    this.roster.mark(place, flag.parked);
  }

  #unqueue(place: number): void {
    if (!this.roster.has(place, flag.queued)) return;
    const lane = this.lanes.at(this.roster.laneOf(place));
    for (const other of lane ? [lane, ...this.lanes.all] : this.lanes.all)
      if (this.queue.removeWhere(other, (one) => one === place).length > 0) break;
    this.roster.unmark(place, flag.queued);
  }

  #draw(place: number, purpose: string): number {
    return drawsOf(this.roster.idOf(place), this.roster.dueAt(place), purpose).next();
  }

  #now(): number {
    return this.#parts.clock.monotonic() + this.#base;
  }

  /**
   * The wheel runs on monotonic time, so a wall clock that jumps an hour neither fires everything nor silences anybody:
   * times set from then on are understood by the new wall time, those that were set keep their distance.
   */
  #toWheel(at: number): number {
    const apart = this.#now() - this.#parts.clock.now();
    if (Math.abs(apart - this.#shift) > jumpMs) this.#shift = Math.round(apart);
    return at + this.#shift;
  }
}

export function timedState({ desired, state }: Pick<TimerRow, 'desired' | 'state'>): TimedState | undefined {
  if (desired !== 'running') return undefined;
  return state === 'running' || state === 'sleeping' || state === 'error' ? state : undefined;
}
