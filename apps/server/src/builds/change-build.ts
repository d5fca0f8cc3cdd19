import { buildTable, type ChangeBuild, refusalOf } from '@muster/protocol';
import { type Principal, writeAudit } from '#kernel/auth';
import { conflict } from '#kernel/base';
import { noSuchBuild, requireBuild } from './access.ts';
import { withDemand } from './find-demand.ts';
import type { BuildRow } from './queries/build-row.ts';
import { changeLine, changeSpec, lockBuild } from './queries/change.ts';
import { readLoad } from './queries/submit.ts';
import type { Room } from './room.ts';
import { type Asked, demandOf } from './submit-build.ts';

type ChangeOptions = { ifMatch?: (version: number) => void; asked?: Asked };

/**
 * Changes what people see (`name`, `tags`: always) and where a queued build stands in line (`priority`, `requires`,
 * `notBefore`). `ifMatch` is asked with the version found. Errors: as `requireBuild` with `operate`; `conflict`
 * `version_conflict {version}`, `not_queued`, `finished`.
 */
export async function changeBuild(
  room: Room,
  who: Principal,
  buildId: string,
  change: ChangeBuild,
  options: ChangeOptions = {},
): Promise<void> {
  const row = await requireBuild(room, room.db, who, buildId, 'operate');
  const { requires } = change;
  if (requires === undefined) return await changeIn(room, who, row, change, undefined, options);
  await withDemand(room, demandWith(row, change), (sig) => changeIn(room, who, row, change, sig, options));
}

const demandWith = (row: BuildRow, { requires = row.requires }: ChangeBuild): ReturnType<typeof demandOf> =>
  demandOf(row.projectId, { queue: row.queue, platform: row.platform, requires });

async function changeIn(
  room: Room,
  who: Principal,
  row: BuildRow,
  change: ChangeBuild,
  sig: number | undefined,
  options: ChangeOptions,
): Promise<void> {
  await room.db.transaction(async (tx) => {
    // Holds the demand until the commit, as a submit does.
    await readLoad(tx, row.projectId, 0);
    const now = await lockBuild(tx, row.id);
    if (!now) throw noSuchBuild();
    options.ifMatch?.(now.version);
    const moves = change.priority !== undefined || change.requires !== undefined || change.notBefore !== undefined;
    const refusal = moves ? refusalOf(buildTable, now.state, 'change') : undefined;
    if (refusal !== undefined) throw notMovable(refusal, now.state);
    await changeSpec(tx, row.id, change);
    const changed = await changeLine(tx, row.id, { ...change, ...(sig === undefined ? {} : { sig }) });
    if (!changed) throw room.intake.demands.gone(demandWith(row, change));
    const { name, tags, priority, requires, notBefore } = row;
    await writeAudit(tx, {
      who,
      action: 'builds.change',
      subject: row.id,
      before: { name, tags, priority, requires, notBefore },
      after: change,
      ...options.asked,
    });
    if (!moves) return;
    await room.emit(tx, [priorityChanged(row, changed.priority)]);
    tx.afterCommit(() => room.live.wakeAfter(changed.waitMs, { projectId: row.projectId, sig: changed.sig }));
  });
}

export const priorityChanged = (
  row: Pick<BuildRow, 'projectId' | 'id' | 'queue'>,
  priority: number,
): Parameters<Room['emit']>[1][number] => ({
  projectId: row.projectId,
  type: 'priority_changed',
  buildId: row.id,
  queue: row.queue,
  data: { priority },
});

const notMovable = (reason: string, state: string): Error =>
  conflict(reason, `The build is ${state}; only a queued one has a place in line to change.`, { extra: { state } });
