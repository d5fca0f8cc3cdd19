import type { Seen, Sight } from './queries/claim.ts';

export type Match = {
  /** Who asks for a build of which demand; within one demand in the order of its builds. */
  slots: { workerId: string; sig: number }[];
  /** Free workers for whom nothing is left: what was seen goes to others or avoids them, and there is no more. */
  dry: string[];
};

type Worker = Sight['workers'][number];
type Held = { worker: Worker; seen: Seen };

/**
 * Deals what stands in line to free workers, one each: whoever waits longest gets the best build it may take. Nobody gets
 * a build that avoids it; where that leaves somebody empty, one who was served changes with it if it can.
 */
export function matchBuilds({ workers, line, most }: Sight): Match {
  const lists = Map.groupBy(line, (seen) => seen.kind);
  const listOf = ({ kind }: Worker): readonly Seen[] => lists.get(kind) ?? [];
  const held = new Map<number, Held>();
  const firstFree = (worker: Worker): Seen | undefined =>
    listOf(worker).find((seen) => seen.avoid !== worker.id && !held.has(seen.seq));
  const give = (worker: Worker, seen: Seen): void => void held.set(seen.seq, { worker, seen });

  const empty: Worker[] = [];
  for (const worker of workers) {
    const seen = firstFree(worker) ?? freed(worker);
    if (seen) give(worker, seen);
    else empty.push(worker);
  }

  /** A build this worker may take, after its taker moved on to another one. */
  function freed(worker: Worker): Seen | undefined {
    for (const seen of listOf(worker)) {
      if (seen.avoid === worker.id) continue;
      const taker = held.get(seen.seq)?.worker;
      const other = taker && firstFree(taker);
      if (!taker || !other) continue;
      give(taker, other);
      return seen;
    }
    return undefined;
  }

  const rows = new Map(most.map((each) => [each.kind, each.rows]));
  return {
    slots: [...held.values()]
      .toSorted((a, b) => b.seen.priority - a.seen.priority || a.seen.seq - b.seen.seq)
      .map(({ worker, seen }) => ({ workerId: worker.id, sig: seen.sig })),
    dry: empty.filter((worker) => listOf(worker).length < (rows.get(worker.kind) ?? 0)).map(({ id }) => id),
  };
}
