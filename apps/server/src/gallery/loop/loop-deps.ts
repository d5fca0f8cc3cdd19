import type { BotRow, TargetRow } from '#gallery/model';
import type { Clock, Limits, Random } from '#kernel/base';
import type { Bus } from '#kernel/bus';
import type { Db, Tx } from '#kernel/db';
import type { Telemetry } from '#kernel/telemetry';
import type { Loop, Thinker } from './contract.ts';
import type { FleetView } from './fleet-view.ts';
import type { ShardTimes } from './shards.ts';
import type { Emitted, Happening } from './think-deps.ts';

export type LoopConfig = {
  /** Thinks at once on this node. */
  thinksInFlightMax: number;
  dueQueueMax: number;
};

/** Everything the owning half needs from outside the folder. */
export type LoopDeps = {
  db: Db;
  bus: Bus;
  /** The gallery's own time; a `SimClock` where days are to be simulated. */
  clock: Clock;
  /** Real time, for leases, deadlines and calls between nodes. */
  realClock: Clock;
  random: Random;
  telemetry: Telemetry;
  limits: Limits;
  /** The same for every life of this node: what it held when it died is its own again at once. */
  nodeId: string;
  view: FleetView;
  thinking: Thinker &
    Pick<Loop, 'preview' | 'ask' | 'retry'> & {
      /** Such a think waits for a model, so it goes alone and holds up nobody. From memory. */
      isPaid?: (bot: BotRow) => boolean;
    };
  /** One read from the target; false when it does not answer as it should. Never throws for that. */
  probe: (target: TargetRow, signal: AbortSignal) => Promise<boolean>;
  /** Acts of people a day on this target, mean of the last 7 full days; `null` when that could not be seen. */
  humanActionsPerDay: (target: TargetRow, at: number) => Promise<number | null>;
  tell: (tx: Tx, rows: readonly Happening[]) => void;
  emit: (tx: Tx, events: readonly Emitted[]) => void;
  config: LoopConfig;
  shardTimes?: Partial<ShardTimes>;
};
