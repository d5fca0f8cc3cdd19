import type { BotRow } from '#gallery/model';
import { asError, newId, type Service } from '#kernel/base';
import { botAfter } from './bot-after.ts';
import type { Confirmed, PanicAnswer } from './contract.ts';
import { keyOf, type ViewChange } from './fleet-view.ts';
import { Flights } from './flights.ts';
import { GateKeeper } from './gate-keeper.ts';
import type { LoopDeps } from './loop-deps.ts';
import { type NodeCall, NodeCalls } from './node-calls.ts';
import { type OwnerMetrics, ownerMetrics } from './owner-metrics.ts';
import {
  fromTheStart,
  type Place,
  readDue,
  readRunningOf,
  readTimers,
  readWanted,
  readWantedAmong,
  type Scheduled,
  scheduleBots,
  sumShards,
  type TimerRow,
  type Woken,
  wakeBots,
} from './queries/timers.ts';
import { Restore } from './restore.ts';
import { flag } from './roster.ts';
import { lateSpreadMs, nextThinkAt, whenDraws } from './schedule.ts';
import { Shards, shardTimes } from './shards.ts';
import { Timetable } from './timetable.ts';
import { Verification } from './verification.ts';

const pageRows = 1_000;
/** What a stop waits for thinks under way. */
const graceMs = 5_000;
/** Who cannot be scheduled now is tried again after this. */
const againMs = 5_000;
const confirmMs = 3_000;

/**
 * The owner of this node's bots: who thinks when, under which gates and terms. Rows are the truth; what is here is what was
 * read of them, and whatever acts asks rows again by the guards of its own statements.
 *
 *  new      – owns nothing.
 *  running  – holds shards, has their bots in the timetable, hands due ones to the thinking half.
 *  stopping – no think begins; those under way have 5 s, then shards go back.
 *  stopped  – never left.
 */
export class Owner implements Service {
  readonly table: Timetable;
  readonly shards: Shards;
  readonly flights: Flights;
  readonly gates: GateKeeper;
  readonly calls: NodeCalls;
  readonly #deps: LoopDeps;
  readonly #metrics: OwnerMetrics;
  readonly #verification: Verification;
  readonly #restore: Restore;
  /** How far bots are spread when the lanes of a project open the next time. */
  readonly #spreads = new Map<string, number>();
  readonly #work = new Set<Promise<unknown>>();
  #ordered = false;
  /** Hints may have been lost, or could not be followed: rows of all bots are compared at the next look. */
  #missed = false;
  #stopping: Promise<void> | undefined;

  constructor(deps: LoopDeps) {
    this.#deps = deps;
    const { db, bus, clock, realClock, nodeId, view, thinking, telemetry } = deps;
    const { logger } = telemetry;
    const times = { ...shardTimes, ...deps.shardTimes };
    const owns = (shard: number): boolean => this.shards.termOf(shard) !== undefined;
    this.table = new Timetable({
      clock,
      view,
      dueQueueMax: deps.config.dueQueueMax,
      owns,
      due: (rested) => this.#due(rested),
    });
    this.shards = new Shards({
      db,
      bus,
      clock: realClock,
      logger,
      nodeId,
      times,
      taken: (taken) => this.run('restore', () => this.#restore.run(taken)),
      lost: (lost) => this.#lost(lost),
      drained: async (shards) => {
        const leaving = (shard: number): boolean => shards.includes(shard);
        if (await this.flights.idle(leaving, times.drainMs)) {
          this.flights.abort((_project, _id, shard) => leaving(shard), 'draining');
          await this.flights.idle(leaving, times.drainMs);
        }
      },
      renewed: () => this.run('look again', () => this.#renewed()),
    });
    this.#metrics = ownerMetrics(telemetry.metrics, realClock, {
      due: () => this.table.queue.size,
      flying: () => this.flights.size,
      putOff: () => this.table.capacity,
      gates: () => this.#gates(),
    });
    this.flights = new Flights({
      db,
      clock,
      realClock,
      logger,
      metrics: this.#metrics,
      table: this.table,
      shards: this.shards,
      thinking,
      inFlightMax: deps.config.thinksInFlightMax,
      ordered: () => this.#ordered,
      landed: (rows, again) => this.#landed(rows, again),
      shut: (lane, gate) => this.run('gate', () => this.gates.shut(lane, gate)),
    });
    this.gates = new GateKeeper({
      ...deps,
      table: this.table,
      moved: () => this.gatesMoved(),
      run: (what, act) => this.run(what, act),
    });
    this.#verification = new Verification({ db, logger, thinking, shards: this.shards, table: this.table });
    this.#restore = new Restore({
      db,
      realClock,
      logger,
      shards: this.shards,
      verification: this.#verification,
      apply: (rows) => this.#apply(rows),
      restored: (ms) => this.#metrics.restored(ms),
    });
    this.calls = new NodeCalls({ db, bus, clock: realClock, nodeId, answer: (call) => this.#answer(call) });
  }

  async start(): Promise<void> {
    await this.look();
    this.calls.start(() => {
      this.#missed = true;
      this.run('look again', () => this.#renewed());
    });
    this.table.start();
    await this.shards.start();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.table.stop();
    this.flights.stop();
    this.#restore.stop();
    this.#verification.stop();
    await this.gates.stop();
    if (await this.flights.idle(() => true, graceMs)) {
      // What is on the wire finishes or times out by itself; its row stays open and the next term verifies it.
      this.flights.abort(() => true, 'stopping');
      await this.flights.idle(() => true, graceMs);
    }
    this.calls[Symbol.dispose]();
    await this.shards[Symbol.asyncDispose]();
    await Promise.allSettled(this.#work);
  }

  health(): { bots: number; lagMs: number; restoring: { done: number; of: number } | null } {
    return {
      bots: this.table.roster.size,
      lagMs: Math.round(this.#metrics.lagMs()),
      restoring: this.#restore.progress,
    };
  }

  waits({ id, shard }: { id: string; shard: number }): { reason: string; until: number | null } | undefined {
    if (this.shards.termOf(shard) === undefined) return undefined;
    if (this.#stopping) return { reason: 'draining', until: null };
    const { roster, putOffs } = this.table;
    const place = roster.placeOf(id);
    const unread = place === undefined && this.#restore.progress !== null;
    if (unread || (place !== undefined && roster.has(place, flag.unsettled)))
      return { reason: 'restoring', until: null };
    return putOffs.of(id, this.#deps.clock.now());
  }

  /** Reads fleets, targets and personas again, and does what follows from it. */
  async look(): Promise<void> {
    const change = await this.#deps.view.look();
    for (const lane of this.table.lanes.judge()) {
      this.table.open(lane, this.#spreads.get(lane.projectId) ?? lateSpreadMs);
      this.run('schedule', () => this.#scheduleLane(lane.no));
    }
    for (const lane of this.table.lanes.all) if (!lane.open && lane.queue.length > 0) this.table.close(lane);
    this.gates.arm();
    this.#reschedule(change);
  }

  /** Here and on every node: rows of these bots, or of a whole project, are read again. */
  async changed(projectId: string, what: { bots: readonly string[] } | 'all'): Promise<Confirmed> {
    const bots = what === 'all' ? undefined : what.bots;
    const call: NodeCall = { do: 'changed', project: projectId, ...(bots ? { bots } : {}) };
    try {
      const [inFlight, others] = await Promise.all([this.#answer(call), this.calls.ask(call, confirmMs)]);
      return {
        confirmed: others.every((other) => other.confirmed),
        inFlight: others.reduce((sum, other) => sum + other.inFlight, inFlight),
      };
    } catch (error) {
      // The change itself is committed; it is found at the next look, and acts are refused by the rows until then.
      this.#missed = true;
      this.#deps.telemetry.logger.warn({ error: asError(error), projectId }, 'a change could not be read yet');
      return { confirmed: false, inFlight: this.flights.count((project) => project === projectId) };
    }
  }

  /** Memory first; nothing here awaits before every think of the project has lost its right to act. */
  stopAll(projectId: string): number {
    this.table.lanes.panic(projectId);
    for (const lane of this.table.lanes.ofProject(projectId)) this.table.close(lane);
    this.flights.abort((project) => project === projectId, 'panic');
    return this.flights.count((project) => project === projectId);
  }

  /** The row of the kill switch is written: from now on it decides. */
  async stoppedByRow(projectId: string, askedWithin: number): Promise<PanicAnswer['nodes']> {
    const [, others] = await Promise.all([
      this.look(),
      this.calls.ask({ do: 'panic', project: projectId }, askedWithin),
    ]);
    this.table.lanes.panicked(projectId);
    const nodes = others.map(({ id, confirmed }) => ({ id, confirmed }));
    return [{ id: this.#deps.nodeId, confirmed: true }, ...nodes];
  }

  /** Before gates open: bots of the project will come up within `spreadMs`. */
  spread(projectId: string, spreadMs: number): void {
    this.#spreads.set(projectId, spreadMs);
  }

  /** After gates opened. */
  async opened(projectId: string, spreadMs: number): Promise<void> {
    this.calls.tell({ do: 'gates', spreadMs });
    await this.look();
    this.#spreads.delete(projectId);
  }

  /**
   * For a simulated clock: nothing comes due by itself any more, what is under way ends, and the next think of every running
   * bot is worked out from now.
   */
  async takeInHand(hold: () => void): Promise<void> {
    this.table.pause();
    await this.settled();
    this.#ordered = true;
    this.flights.forget();
    hold();
    const { roster } = this.table;
    const running = [...roster.places()].filter((place) => roster.stateOf(place) === 'running');
    await this.#schedule(running.map((place) => roster.idOf(place)).sort(), true);
  }

  /** Real time again. */
  letGo(): void {
    this.#ordered = false;
    this.flights.forget();
    if (!this.#stopping) this.table.start();
  }

  /** One step of a simulated clock: everything due by now thinks, and its effects are done. */
  async step(): Promise<void> {
    this.table.step();
    await this.settled();
  }

  /** Nothing is under way any more, and nothing that is due could be. */
  async settled(): Promise<void> {
    do {
      await Promise.allSettled(this.#work);
      await this.flights.pump();
      if (this.#work.size === 0 && this.flights.size > 0) await this.flights.ended.next();
    } while (this.#work.size > 0 || this.flights.size > 0);
  }

  /** As `settled`, and the rows say all of it. */
  async written(): Promise<void> {
    await this.settled();
    await this.#deps.thinking.written?.();
    await this.settled();
  }

  /** Work that nobody waits for: a failure is logged, and what caused it comes again. A stop waits for its end. */
  run(what: string, act: () => Promise<unknown>): void {
    const working = act()
      .catch((error: unknown) =>
        this.#deps.telemetry.logger.warn({ error: asError(error) }, `${what} failed; it runs again`),
      )
      .finally(() => this.#work.delete(working));
    this.#work.add(working);
  }

  #due(rested: readonly number[]): void {
    if (rested.length > 0) this.run('wake', () => this.#wake(rested));
    this.run('think', () => this.flights.pump());
  }

  #lost(shards: readonly number[]): void {
    const gone = new Set(shards);
    this.flights.abort((_project, _id, shard) => gone.has(shard), 'no_owner');
    this.#verification.lost(shards);
    for (const place of this.table.roster.places())
      if (gone.has(this.table.roster.shardOf(place))) this.table.forget(place);
  }

  async #renewed(): Promise<void> {
    await this.look();
    const held = this.shards.held().map(({ shard }) => shard);
    await this.#verification.look(held);
    await this.gates.look();
    // A process alone hears all its hints; between nodes one may be lost.
    if ((this.#missed || !this.shards.alone) && this.#restore.progress === null) await this.#compare(held);
  }

  /** Rows of gates or shares moved here: this node looks, the others are told. */
  async gatesMoved(): Promise<void> {
    this.calls.tell({ do: 'gates' });
    await this.look();
  }

  /** What a node does when it is asked; answers how many thinks of those meant are under way here. */
  async #answer(call: NodeCall): Promise<number> {
    if (call.do === 'gates') {
      if (call.spreadMs !== undefined)
        for (const { projectId } of this.#deps.view.fleets()) this.#spreads.set(projectId, call.spreadMs);
      await this.look();
      this.#spreads.clear();
      return 0;
    }
    if (call.do === 'panic') {
      const inFlight = this.stopAll(call.project);
      await this.look();
      this.table.lanes.panicked(call.project);
      return inFlight;
    }
    await this.look();
    this.flights.forget();
    const { bots } = call;
    if (bots) await this.#reread(bots);
    else
      await this.#rereadAll(
        call.project,
        this.shards.held().map(({ shard }) => shard),
      );
    const meant = bots && new Set(bots);
    return this.flights.count((project, id) => project === call.project && meant?.has(id) !== false);
  }

  #landed(rows: readonly BotRow[], again: readonly string[]): void {
    if (rows.length > 0) this.run('schedule', () => this.#apply(rows));
    if (again.length > 0) this.run('read again', () => this.#reread(again));
  }

  async #reread(ids: readonly string[]): Promise<void> {
    for (let from = 0; from < ids.length; from += pageRows) {
      const page = ids.slice(from, from + pageRows);
      try {
        const rows = await readTimers(this.#deps.db, page);
        await this.#apply(rows);
        const there = new Set(rows.map((row) => row.id));
        for (const id of page) if (!there.has(id)) this.#forget(id);
      } catch (error) {
        const at = this.#deps.clock.now() + againMs;
        for (const id of page) this.#setLater(id, at);
        throw error;
      }
    }
  }

  /** Shards whose rows are not what is in memory are read again. */
  async #compare(held: readonly number[]): Promise<void> {
    this.#missed = false;
    try {
      const { roster } = this.table;
      const here = new Map(held.map((shard) => [shard, { bots: 0, generations: 0 }]));
      for (const place of roster.places()) {
        const sum = here.get(roster.shardOf(place));
        if (!sum || roster.has(place, flag.gone)) continue;
        sum.bots += 1;
        sum.generations += roster.generationOf(place);
      }
      const there = new Map((await sumShards(this.#deps.db, held)).map((sum) => [sum.shard, sum]));
      const other = held.filter((shard) => {
        const [mine, rows] = [here.get(shard), there.get(shard)];
        return mine?.bots !== (rows?.bots ?? 0) || mine.generations !== (rows?.generations ?? 0);
      });
      if (other.length > 0) await this.#rereadAll(null, other);
    } catch (error) {
      this.#missed = true;
      throw error;
    }
  }

  /** Thousands may need a time: their rows are taken in here, and times are worked out behind it. */
  async #rereadAll(projectId: string | null, shards: readonly number[]): Promise<void> {
    const seen = new Set<string>();
    const unscheduled: string[] = [];
    const wanted = new Set(shards);
    for (let after: Place = fromTheStart; ; ) {
      const rows = await readWanted(this.#deps.db, shards, after, pageRows, projectId);
      for (const row of rows) seen.add(row.id);
      unscheduled.push(...this.#takeIn(rows));
      const last = rows.at(-1);
      if (rows.length < pageRows || !last) break;
      after = { shard: last.shard, id: last.id };
    }
    const { roster, lanes } = this.table;
    const gone = [...roster.places()].filter(
      (place) =>
        wanted.has(roster.shardOf(place)) &&
        (projectId === null || lanes.at(roster.laneOf(place))?.projectId === projectId) &&
        !seen.has(roster.idOf(place)),
    );
    if (unscheduled.length > 0) this.run('schedule', () => this.#scheduleSoon(unscheduled));
    if (gone.length === 0) return;
    // They may have come while this was read: their rows decide.
    const ids = gone.map((place) => roster.idOf(place));
    const still = new Set(await readWantedAmong(this.#deps.db, ids));
    for (const id of ids) if (!still.has(id)) this.#forget(id, 'paused');
    if (still.size > 0) await this.#reread([...still]);
  }

  /** Takes rows in and schedules those without a time. */
  async #apply(rows: readonly (TimerRow | BotRow)[]): Promise<void> {
    const unscheduled = this.#takeIn(rows);
    if (unscheduled.length > 0) await this.#schedule(unscheduled, true);
  }

  /** Takes rows in and aborts thinks of bots that shall not run any more. Answers those that run and have no time. */
  #takeIn(rows: readonly (TimerRow | BotRow)[]): string[] {
    const unscheduled: string[] = [];
    for (const row of rows) {
      const outcome = this.table.apply(row);
      if (outcome === 'gone' && this.flights.size > 0)
        this.flights.abort((_project, id) => id === row.id, row.desired === 'running' ? 'no_owner' : row.desired);
      if (outcome === 'unscheduled') unscheduled.push(row.id);
      if (outcome !== 'gone' && this.#verification.holds(row.id)) this.#keepOut(row.id);
    }
    return unscheduled;
  }

  #keepOut(id: string): void {
    const place = this.table.roster.placeOf(id);
    if (place !== undefined) this.table.roster.mark(place, flag.unsettled);
  }

  #forget(id: string, why = 'deleted'): void {
    const place = this.table.roster.placeOf(id);
    if (place === undefined) return;
    if (this.table.roster.has(place, flag.flying)) this.flights.abort((_project, other) => other === id, why);
    this.table.forget(place);
  }

  #setLater(id: string, at: number): void {
    const place = this.table.roster.placeOf(id);
    if (place !== undefined && !this.table.roster.has(place, flag.flying)) this.table.set(place, at);
  }

  /** Works out and writes the next thinks of running bots. `first`: since a command, not since a think. */
  async #schedule(ids: readonly string[], first: boolean): Promise<void> {
    const { db, clock, view } = this.#deps;
    this.flights.forget();
    for (let from = 0; from < ids.length; from += pageRows) {
      // Who was paused meanwhile needs no time.
      const page = ids.slice(from, from + pageRows).filter((id) => this.table.roster.placeOf(id) !== undefined);
      if (page.length === 0) continue;
      const now = clock.now();
      const wanted = new Map<string, { row: BotRow; given: Scheduled }>();
      for (const row of await readDue(db, page)) {
        const term = this.shards.termOf(row.shard);
        const target = view.target(row.projectId, row.targetId);
        const fleet = view.fleet(row.projectId);
        if (row.state !== 'running' || term === undefined || !target || !fleet) continue;
        const { curve, timezone, minIntervalMs, maxIntervalMs } = view.traitsOf(row);
        const draws = whenDraws(fleet.seed, row.id, row.thinkNo);
        const rhythm = { curve, timezone, minIntervalMs, maxIntervalMs, share: target.share };
        const at = nextThinkAt({ ...rhythm, from: now, draws, first });
        if (at !== null)
          wanted.set(row.id, { row, given: { id: row.id, shard: row.shard, term, generation: row.generation, at } });
      }
      if (wanted.size === 0) continue;
      const written = await db.transaction((tx) =>
        scheduleBots(
          tx,
          [...wanted.values()].map(({ given }) => given),
        ),
      );
      for (const id of written) {
        const one = wanted.get(id);
        if (one) this.table.apply({ ...one.row, nextThinkAt: one.given.at });
        wanted.delete(id);
      }
      // A command came between, and its own hint with it.
    }
  }

  /** Whoever could not be given a time has its row looked at again a little later. */
  async #scheduleSoon(ids: readonly string[]): Promise<void> {
    try {
      await this.#schedule(ids, true);
    } catch (error) {
      const at = this.#deps.clock.now() + againMs;
      for (const id of ids) {
        const place = this.table.roster.placeOf(id);
        if (place !== undefined && !this.table.waits(place)) this.table.set(place, at);
      }
      throw error;
    }
  }

  /** Sleeps and rests that are over: the rows move as the machine says, then they have a think before them. */
  async #wake(places: readonly number[]): Promise<void> {
    const { db, clock, view, tell, emit } = this.#deps;
    const ids = places.map((place) => this.table.roster.idOf(place)).filter((id) => id !== '');
    const now = clock.now();
    try {
      const woken: Woken[] = [];
      const others: BotRow[] = [];
      for (const row of await readDue(db, ids)) {
        const term = this.shards.termOf(row.shard);
        const draws = whenDraws(view.fleet(row.projectId)?.seed ?? 0, row.id, row.thinkNo);
        const answer = botAfter({ type: row.state === 'sleeping' ? 'due' : 'retry' }, row, { now, draws });
        if (term !== undefined && 'row' in answer && answer.moved) woken.push({ row: answer.row, term });
        else others.push(row);
      }
      if (woken.length > 0) {
        await db.transaction(async (tx) => {
          const moved = new Set(await wakeBots(tx, woken));
          const rows = woken.map(({ row }) => row).filter((row) => moved.has(row.id) && row.failures === 0);
          tell(
            tx,
            rows.map((row) => ({
              id: newId('activity'),
              projectId: row.projectId,
              botId: row.id,
              botName: row.name,
              personaId: row.personaId,
              type: 'woke' as const,
              message: `${row.name} woke up.`,
              at: now,
            })),
          );
          emit(
            tx,
            rows.map((row) => ({ projectId: row.projectId, type: 'gallery.bot.woke' as const, botId: row.id })),
          );
        });
        await this.#reread(woken.map(({ row }) => row.id));
      }
      await this.#apply(others);
    } catch (error) {
      for (const id of ids) this.#setLater(id, now + againMs);
      throw error;
    }
  }

  /** Bots of a lane that opened and have no time yet: at a share of 0 none could be worked out. */
  async #scheduleLane(no: number): Promise<void> {
    const { roster } = this.table;
    const without = [...roster.places()].filter(
      (place) => roster.laneOf(place) === no && roster.stateOf(place) === 'running' && !this.table.waits(place),
    );
    await this.#schedule(
      without.map((place) => roster.idOf(place)),
      true,
    );
  }

  /** A share or a rhythm moved: the next thinks of all bots it concerns are worked out anew. */
  #reschedule({ shares, rhythms }: ViewChange): void {
    const { roster, lanes } = this.table;
    for (const key of shares) {
      const lane = lanes.all.find((one) => keyOf(one.projectId, one.targetId) === key);
      if (!lane) continue;
      const ids = [...roster.places()]
        .filter(
          (place) =>
            roster.laneOf(place) === lane.no && roster.stateOf(place) === 'running' && !roster.has(place, flag.flying),
        )
        .map((place) => roster.idOf(place));
      this.run('schedule', () => this.#schedule(ids, false));
    }
    for (const { projectId, personaId } of rhythms) {
      this.run('schedule', async () => {
        const shards = this.shards.held().map(({ shard }) => shard);
        await this.#schedule(await readRunningOf(this.#deps.db, projectId, personaId, shards), false);
      });
    }
  }

  *#gates(): Generator<[scope: 'fleet' | 'target', state: string]> {
    for (const fleet of this.#deps.view.fleets()) yield ['fleet', fleet.gate.state];
    for (const target of this.#deps.view.targets()) yield ['target', target.gate.state];
  }
}
