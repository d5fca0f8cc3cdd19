import type { Registered, RegisterWorker } from '@muster/protocol';
import { nameOf, type Principal, writeAudit } from '#kernel/auth';
import { exhausted, must, newId } from '#kernel/base';
import type { Once } from '#kernel/http';
import { countWorkers, insertWorker, readWorker } from './queries/workers.ts';
import type { Room } from './room.ts';
import { showWorker } from './worker-shape.ts';

/** Registered workers per project; removed ones do not count. */
export const workersMax = 10_000;

/**
 * A new worker and the one showing of its token. Errors: `forbidden` `missing_scope`; `exhausted` `workers_full`.
 */
export async function registerWorker(
  room: Room,
  who: Principal,
  input: RegisterWorker,
  once: Once = (_tx, body) => body(),
): Promise<Registered> {
  room.auth.requireScope(who, 'builds:operate');
  const { projectId } = who;
  return await room.db.transaction((tx) =>
    once(tx, async () => {
      if ((await countWorkers(tx, projectId)) >= workersMax) {
        throw exhausted('workers_full', `This project already has ${workersMax} workers; remove those that are gone.`, {
          retryAfterMs: 60_000,
        });
      }
      const id = newId('worker');
      const platforms = [...new Set(input.platforms)].sort();
      await insertWorker(tx, {
        ...input,
        platforms,
        id,
        projectId,
        kind: 'v1',
        offlineAfterMs: room.config.offlineAfterMs,
      });
      const token = await room.auth.issueRunToken(tx, { kind: 'wkt', projectId, subject: { workerId: id } });
      await room.emit(tx, [
        { projectId, type: 'registered', workerId: id, data: { name: input.name, by: nameOf(who) } },
      ]);
      await writeAudit(tx, {
        who,
        action: 'builds.register_worker',
        subject: id,
        after: { name: input.name, platforms, labels: input.labels },
      });
      return { worker: showWorker(must(await readWorker(tx, projectId, id), 'the new worker')), token };
    }),
  );
}
