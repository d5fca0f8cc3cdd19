import type { BuildState } from '@muster/protocol';
import { conflict, reach } from '#kernel/base';
import type { Tx } from '#kernel/db';
import { noSuchBuild } from './access.ts';
import { failureOf } from './failures.ts';
import { checkEvent, type Holder } from './holder.ts';
import { adopt, lockBuilds } from './queries/finish.ts';
import type { Room } from './room.ts';

export type AdoptInput = {
  buildId: string;
  /** Absent: it succeeded. */
  failureText?: string;
  also?: (tx: Tx, term: number) => Promise<void>;
};

/**
 * A legacy worker brings the end of a build that nobody holds: one transaction claims it (term + 1, no seat) and ends it.
 * `also` runs in the same transaction with the new term: the artifact's row goes there. Errors: `notFound` `no_such_build`;
 * `conflict` `taken finished`.
 */
export async function adoptResult(
  room: Room,
  holder: Holder,
  { buildId, failureText, also }: AdoptInput,
): Promise<{ state: BuildState; term: number }> {
  const state = failureText === undefined ? 'succeeded' : 'failed';
  const failure = failureText === undefined ? null : failureOf('worker_reported', failureText);
  const adopted = await room.db.transaction(
    async (tx) => {
      const [row] = await lockBuilds(tx, [buildId]);
      if (row?.projectId !== holder.projectId) throw noSuchBuild();
      checkEvent(room, row, 'adopt');
      const done = await adopt(tx, { id: buildId, workerId: holder.workerId, state, failure, digest: null });
      if (!done) throw conflict('taken', 'Another worker holds this build.', { extra: { state: row.state } });
      const common = {
        projectId: row.projectId,
        buildId,
        queue: row.queue,
        term: done.term,
        workerId: holder.workerId,
      };
      await room.emit(tx, [
        state === 'succeeded'
          ? { ...common, type: 'succeeded', line: { level: 'info', text: 'Build completed successfully' } }
          : {
              ...common,
              type: 'failed',
              reason: 'worker_reported',
              line: { level: 'error', text: `Build failed: ${failureText?.replace(/^Build failed: /, '')}` },
            },
      ]);
      await also?.(tx, done.term);
      return done;
    },
    { retries: 3 },
  );
  await reach('result.committed');
  return { state, term: adopted.term };
}
