import type { PhaseOut } from '@muster/protocol';
import type { TargetRow } from '#gallery/model';
import { asError, type Clock, newId } from '#kernel/base';
import type { LoopDeps } from './loop-deps.ts';
import { moveShare } from './queries/gates.ts';

const hour = 3_600_000;
/** A share that would move by less stays. */
const leastMove = 0.0005;

/** The share that so many human actions a day call for. */
export const shareFor = ({ from, to, minShare }: PhaseOut, perDay: number): number =>
  Math.min(1, Math.max(minShare, (to - perDay) / (to - from)));

/** One hourly step from `share` towards it: a day's worth of steps is `stepMax`. */
export function nextShare(phaseOut: PhaseOut, share: number, perDay: number): number {
  const step = phaseOut.stepMax / 24;
  const wanted = shareFor(phaseOut, perDay);
  return Math.min(share + step, Math.max(share - step, wanted));
}

type Parts = Pick<LoopDeps, 'db' | 'view' | 'clock' | 'tell' | 'emit' | 'humanActionsPerDay' | 'telemetry'> & {
  /** One node of all does this. */
  mine: () => boolean;
  moved: () => Promise<void>;
  run: (what: string, act: () => Promise<unknown>) => void;
};

/** Looks at every full hour how active people are, and lets the fleet give way to them (§1). Every change says its numbers. */
export class PhaseOuts {
  readonly #parts: Parts;
  #timer: Disposable | undefined;
  #present: Promise<void> | undefined;
  #stopped = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(): void {
    if (this.#stopped) return;
    this.#timer = this.#parts.clock.after(untilNextHour(this.#parts.clock), () => {
      this.start();
      if (this.#parts.mine()) this.#parts.run('phase-out', () => this.run());
    });
  }

  /** Now; joins a run under way. */
  run(): Promise<void> {
    this.#present ??= this.#run().finally(() => {
      this.#present = undefined;
    });
    return this.#present;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.[Symbol.dispose]();
    await this.#present;
  }

  async #run(): Promise<void> {
    const { view, telemetry } = this.#parts;
    let moved = false;
    for (const target of view.targets()) {
      if (target.phaseOut === null) continue;
      try {
        moved = (await this.#look(target, target.phaseOut)) || moved;
      } catch (error) {
        const { projectId, id } = target;
        telemetry.logger.warn(
          { error: asError(error), projectId, targetId: id },
          'people on a target could not be counted; its share stays',
        );
      }
    }
    if (moved) await this.#parts.moved();
  }

  async #look(target: TargetRow, phaseOut: PhaseOut): Promise<boolean> {
    const { db, clock, tell, emit, humanActionsPerDay } = this.#parts;
    const at = clock.now();
    const perDay = await humanActionsPerDay(target, at);
    if (perDay === null) return false;
    const share = nextShare(phaseOut, target.share, perDay);
    if (Math.abs(share - target.share) < leastMove && share !== shareFor(phaseOut, perDay)) return false;
    if (share === target.share) return false;
    const { projectId, id } = target;
    return db.transaction(async (tx) => {
      const moved = await moveShare(tx, { projectId, targetId: id, from: target.share, to: share, at });
      if (!moved) return false;
      const numbers = `people acted ${perDay.toFixed(1)} times a day (${phaseOut.from} to ${phaseOut.to})`;
      const message = `Share of ${id}: ${target.share.toFixed(3)} → ${share.toFixed(3)}, ${numbers}.`;
      const row = { id: newId('activity'), projectId, botId: null, botName: null, personaId: null, at };
      tell(tx, [{ ...row, type: 'phase', message, data: { targetId: id } }]);
      emit(tx, [
        { projectId, type: 'gallery.share.changed', targetId: id, data: { from: target.share, to: share, perDay } },
      ]);
      return true;
    });
  }
}

const untilNextHour = (clock: Clock): number => hour - (clock.now() % hour);
