import type { BuildSpec, Submitted } from '@muster/protocol';
import type { Principal } from '#kernel/auth';
import { asError, must } from '#kernel/base';
import { isStoreDown } from '#kernel/db';
import { showBuild } from './build-shape.ts';
import { dispatchLimits } from './dispatch-limits.ts';
import { waitingOf } from './estimate-wait.ts';
import { Gather } from './gather.ts';
import { readBuildRows } from './queries/build-row.ts';
import type { Room } from './room.ts';
import { insertAll, type Made, type SubmitInput } from './submit-build.ts';

/** A submit of files that are nobody else's business: just stored, or shared with a build. It asks nothing of others. */
export type PlainSubmit = { who: Principal; sig: number; input: SubmitInput };
export type Submitting = Made | { error: Error };

/**
 * Submits of this node that came in together: one transaction per project and batch. One that is refused fails its batch,
 * which is then done one by one; where the database went away nobody knows what was committed, so nothing is done again.
 */
export const gatherSubmits = (room: Room): Gather<PlainSubmit, Submitting> =>
  new Gather((items) => submitTogether(room, items), {
    most: dispatchLimits.submitsBatchMax,
    late: { clock: room.clock, afterMs: dispatchLimits.batchLateMs, lanes: dispatchLimits.batchLanesMax },
  });

async function submitTogether(room: Room, items: readonly PlainSubmit[]): Promise<Submitting[]> {
  const projects = Map.groupBy(items, ({ who }) => who.projectId);
  const done = new Map<PlainSubmit, Submitting>();
  for (const [projectId, mine] of projects) {
    for (const [item, outcome] of await submitIn(room, projectId, mine)) done.set(item, outcome);
  }
  return items.map((item) => must(done.get(item), 'the outcome of a submit'));
}

/** Never throws: what one project refuses must not be done again for another one. */
async function submitIn(
  room: Room,
  projectId: string,
  items: readonly PlainSubmit[],
): Promise<(readonly [PlainSubmit, Submitting])[]> {
  try {
    const made = await room.db.transaction((tx) => insertAll(room, tx, projectId, items));
    return items.map((item, n) => [item, must(made[n], 'one build per submit')] as const);
  } catch (thrown) {
    const error = asError(thrown);
    if (items.length === 1 || isStoreDown(error)) return items.map((item) => [item, { error }] as const);
    const one = [];
    for (const item of items) one.push(...(await submitIn(room, projectId, [item])));
    return one;
  }
}

/** A build that was just made, with what its submitter said of it. */
export type Shown = {
  made: Made;
  spec: Pick<BuildSpec, 'command' | 'env' | 'platform' | 'concurrency'>;
  projectId: string;
};

/** Answers of submits that were committed together: rows and estimates of all of them are read at once. */
export const gatherShown = (room: Room): Gather<Shown, Submitted> =>
  new Gather((items) => showTogether(room, items), { most: dispatchLimits.readBatchMax });

async function showTogether(room: Room, items: readonly Shown[]): Promise<Submitted[]> {
  const asked = items.map(({ made: { id, sig }, projectId, spec: { platform, concurrency } }) => ({
    id,
    sig,
    projectId,
    platform,
    ckey: concurrency?.key ?? null,
  }));
  const [found, estimates] = await room.db.together((reader) =>
    Promise.all([
      readBuildRows(
        reader,
        asked.map(({ id }) => id),
      ),
      waitingOf(room, reader, asked),
    ]),
  );
  const rows = new Map(found.map((row) => [row.id, row]));
  return await Promise.all(
    items.map(async ({ made: { id, accessToken }, spec }) => {
      const payload = { command: spec.command ?? null, env: spec.env };
      const shown = await showBuild(room, room.db, must(rows.get(id), 'the new build'), { payload, estimates });
      return { ...shown, accessToken };
    }),
  );
}
