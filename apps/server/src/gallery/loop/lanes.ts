import type { Gate } from '@muster/protocol';
import type { TargetRow } from '#gallery/model';
import { type FleetView, keyOf } from './fleet-view.ts';
import { strongest } from './shown-state.ts';

/** The bots of one target: what stands above them, and how many of them think now. */
export type Lane = {
  readonly no: number;
  readonly projectId: string;
  readonly targetId: string;
  /** Nothing above is shut, and acting is allowed: asked for every act, last of all. */
  open: boolean;
  /** Thinks at once at most. */
  seats: number;
  flying: number;
  /** Places in the roster, oldest time first. */
  queue: number[];
};

/**
 * One lane for each target. Whether it is open is worked out from the view after each look, and at once when this process
 * itself shuts something: then it stays shut until a look that began later finds otherwise.
 */
export class Lanes {
  readonly #view: FleetView;
  readonly #lanes: Lane[] = [];
  readonly #byKey = new Map<string, Lane>();
  /** Projects under the kill switch, before their row says so. */
  readonly #panicked = new Set<string>();
  /** Targets shut here, before their row says so. */
  readonly #shut = new Set<string>();

  constructor(view: FleetView) {
    this.#view = view;
  }

  get all(): readonly Lane[] {
    return this.#lanes;
  }

  at(no: number): Lane | undefined {
    return this.#lanes[no];
  }

  of(projectId: string, targetId: string): Lane {
    const key = keyOf(projectId, targetId);
    let lane = this.#byKey.get(key);
    if (!lane) {
      lane = { no: this.#lanes.length, projectId, targetId, open: false, seats: 1, flying: 0, queue: [] };
      this.#lanes.push(lane);
      this.#byKey.set(key, lane);
      this.#judge(lane);
    }
    return lane;
  }

  ofProject(projectId: string): Lane[] {
    return this.#lanes.filter((lane) => lane.projectId === projectId);
  }

  /** Every lane anew by what the view holds; answers those that opened. */
  judge(): Lane[] {
    return this.#lanes.filter((lane) => {
      const before = lane.open;
      this.#judge(lane);
      return lane.open && !before;
    });
  }

  panic(projectId: string): void {
    this.#panicked.add(projectId);
    for (const lane of this.ofProject(projectId)) lane.open = false;
  }

  /** The row says it now. */
  panicked(projectId: string): void {
    this.#panicked.delete(projectId);
  }

  shut(lane: Lane): void {
    this.#shut.add(keyOf(lane.projectId, lane.targetId));
    lane.open = false;
  }

  /** The row says it now, or could not be written and the next look decides. */
  settled(lane: Lane): void {
    this.#shut.delete(keyOf(lane.projectId, lane.targetId));
  }

  #judge(lane: Lane): void {
    const { projectId, targetId } = lane;
    const fleet = this.#view.fleet(projectId);
    const target = this.#view.target(projectId, targetId);
    lane.seats = Math.max(1, target?.concurrency ?? 1);
    lane.open =
      fleet !== undefined &&
      target !== undefined &&
      !this.#panicked.has(projectId) &&
      !this.#shut.has(keyOf(projectId, targetId)) &&
      mayBeActedOn(target, fleet.gate);
  }
}

/** What the rows say. A gate whose time is over opens by a write, not by being late. */
function mayBeActedOn(target: TargetRow, fleetGate: Gate): boolean {
  return strongest(fleetGate, target.gate) === undefined && target.acknowledged && target.share > 0;
}
