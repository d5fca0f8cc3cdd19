import type { Gate } from '@muster/protocol';
import { asError, conflict, newId, notFound } from '#kernel/base';
import type { Tx } from '#kernel/db';
import type { ThinkEnd } from './contract.ts';
import type { Lane } from './lanes.ts';
import type { LoopDeps } from './loop-deps.ts';
import * as queries from './queries/gates.ts';
import type { Emitted, Happening } from './think-deps.ts';
import type { Timetable } from './timetable.ts';

/** A tripped target is tried again after this, then after twice as long, and so on. */
const probeAfterMs = 30_000;
const probeAfterMsMax = 300_000;
const probeTimeoutMs = 10_000;

export type GateParts = Pick<
  LoopDeps,
  'db' | 'clock' | 'realClock' | 'view' | 'probe' | 'tell' | 'emit' | 'telemetry'
> & {
  table: Timetable;
  /** Rows of gates moved: everybody looks again, this process first. */
  moved: () => Promise<void>;
  /** Work that nobody waits for, but a stop and a simulated clock. */
  run: (what: string, act: () => Promise<unknown>) => void;
};

/**
 * The gates of targets and fleets, as rows: memory shuts first, the row follows, and a look at the rows is what opens. A
 * gate that sleeps opens at its time; one that tripped is tried with one read; one that is held waits for a person.
 */
export class GateKeeper {
  readonly #parts: GateParts;
  /** How long each tripped target waits for its next probe. */
  readonly #waits = new Map<string, number>();
  #timer: Disposable | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #looking: Promise<void> | undefined;
  #stopped = false;

  constructor(parts: GateParts) {
    this.#parts = parts;
  }

  /** Something that a think met shuts a gate. Never throws: when the row cannot be written the next look decides. */
  async shut(lane: Lane, gate: NonNullable<ThinkEnd['gate']>): Promise<void> {
    const { db, clock, table, telemetry } = this.#parts;
    const { projectId, targetId } = lane;
    const at = clock.now();
    const until = gate.state === 'tripped' ? (gate.until ?? at + probeAfterMs) : gate.until;
    const row: Gate = { state: gate.state, until, reason: gate.reason };
    const lanes = gate.scope === 'fleet' ? table.lanes.ofProject(projectId) : [lane];
    for (const one of lanes) table.lanes.shut(one);
    try {
      const moved = await db.transaction(async (tx) => {
        const shut =
          gate.scope === 'fleet'
            ? await queries.shutFleet(tx, projectId, row, at)
            : await queries.shutTarget(tx, projectId, targetId, row, at);
        if (shut) this.#told(tx, projectId, gate.scope === 'target' ? targetId : null, row, at);
        return shut;
      });
      if (moved) telemetry.logger.warn({ projectId, targetId, ...gate }, 'a gate was shut');
    } catch (error) {
      telemetry.logger.warn(
        { error: asError(error), projectId, targetId },
        'a gate could not be written; the rows decide',
      );
    }
    for (const one of lanes) table.lanes.settled(one);
    for (const one of lanes) table.close(one);
    await this.#parts.moved();
  }

  /** What a person says. `notFound` `no_such_target`, `conflict` `fleet_panicked` when opening below the kill switch. */
  async set(projectId: string, targetId: string, state: 'open' | 'held', reason: string | null): Promise<void> {
    const { db, clock, view, table } = this.#parts;
    if (state === 'open' && view.fleet(projectId)?.gate.reason === 'panic') {
      throw conflict('fleet_panicked', 'The fleet was stopped by the kill switch. Release it first.');
    }
    const lane = table.lanes.of(projectId, targetId);
    if (state === 'held') table.lanes.shut(lane);
    const at = clock.now();
    try {
      const outcome = await db.transaction(async (tx) => {
        const set = await queries.setTargetGate(tx, { projectId, targetId, state, reason, at });
        const gate: Gate = { state, until: null, reason: state === 'held' ? (reason ?? 'target_held') : null };
        if (set === 'set') this.#told(tx, projectId, targetId, gate, at);
        return set;
      });
      if (outcome === 'missing') throw notFound('no_such_target', `There is no target ${targetId}.`);
    } finally {
      table.lanes.settled(lane);
    }
    this.#waits.delete(`${projectId}\n${targetId}`);
    if (state === 'held') table.close(lane);
    await this.#parts.moved();
  }

  /** Opens what has slept long enough and tries what tripped. Joins a look under way. */
  look(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** After each look at the rows: wakes at the earliest time a gate names. */
  arm(): void {
    const { clock, view } = this.#parts;
    let next = Number.POSITIVE_INFINITY;
    const each = (gate: Gate): void => {
      if ((gate.state === 'sleeping' || gate.state === 'tripped') && gate.until !== null)
        next = Math.min(next, gate.until);
    };
    for (const fleet of view.fleets()) each(fleet.gate);
    for (const target of view.targets()) each(target.gate);
    if (next === this.#timerAt || this.#stopped) return;
    this.#timer?.[Symbol.dispose]();
    this.#timerAt = next;
    if (!Number.isFinite(next)) return;
    this.#timer = clock.after(Math.max(0, next - clock.now()), () => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.#parts.run('gates', () => this.look());
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.[Symbol.dispose]();
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { db, clock, telemetry } = this.#parts;
    const at = clock.now();
    try {
      const { opened, probes } = await db.transaction(async (tx) => {
        const opened = await queries.openSlept(tx, at);
        for (const { projectId, targetId } of opened) this.#told(tx, projectId, targetId, open, at);
        return { opened, probes: await queries.takeProbes(tx, at, at + probeAfterMs) };
      });
      for (const { projectId, targetId } of probes) await this.#probe(projectId, targetId);
      if (opened.length + probes.length > 0) await this.#parts.moved();
      else this.arm();
    } catch (error) {
      telemetry.logger.warn({ error: asError(error) }, 'gates could not be looked at; the next look comes');
    }
  }

  async #probe(projectId: string, targetId: string): Promise<void> {
    const { db, clock, realClock, view, telemetry } = this.#parts;
    const key = `${projectId}\n${targetId}`;
    const target = view.target(projectId, targetId);
    if (!target) return;
    const late = new AbortController();
    const timer = realClock.after(probeTimeoutMs, () => late.abort());
    const good = await this.#parts.probe(target, late.signal).catch((error: unknown) => {
      telemetry.logger.warn({ error: asError(error), projectId, targetId }, 'a probe failed');
      return false;
    });
    timer[Symbol.dispose]();
    const at = clock.now();
    const waits = Math.min(probeAfterMsMax, (this.#waits.get(key) ?? probeAfterMs) * 2);
    if (good) this.#waits.delete(key);
    else this.#waits.set(key, waits);
    const end = good ? ({ open: true } as const) : ({ open: false, until: at + waits } as const);
    await db.transaction(async (tx) => {
      const moved = await queries.endProbe(tx, projectId, targetId, end, at);
      if (moved && good) this.#told(tx, projectId, targetId, open, at);
    });
  }

  #told(tx: Tx, projectId: string, targetId: string | null, gate: Gate, at: number): void {
    const what = targetId === null ? 'The fleet' : `Target ${targetId}`;
    const until = gate.until === null ? '' : ` until ${new Date(gate.until).toISOString()}`;
    const message = {
      open: `${what} is open again.`,
      sleeping: `${what} sleeps${until}: ${gate.reason}.`,
      held: `${what} is held: ${gate.reason}.`,
      tripped: `${what} does not answer as it should (${gate.reason}); it is tried again.`,
    }[gate.state];
    const type: Happening['type'] = gate.state === 'sleeping' ? 'slept' : gate.state === 'open' ? 'woke' : 'other';
    const data = {
      ...(targetId === null ? {} : { targetId }),
      ...(gate.reason === null ? {} : { reason: gate.reason }),
    };
    this.#parts.tell(tx, [
      { id: newId('activity'), projectId, botId: null, botName: null, personaId: null, type, message, at, data },
    ]);
    const event = ({ open: 'opened', held: 'held', tripped: 'tripped', sleeping: undefined } as const)[gate.state];
    if (targetId === null || !event) return;
    const emitted: Emitted = {
      projectId,
      type: `gallery.target.${event}`,
      targetId,
      ...(gate.reason === null ? {} : { reason: gate.reason }),
    };
    this.#parts.emit(tx, [emitted]);
  }
}

const open: Gate = { state: 'open', until: null, reason: null };
