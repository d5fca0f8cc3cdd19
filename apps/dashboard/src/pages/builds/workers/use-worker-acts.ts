import type { Worker } from '@muster/protocol';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useClient } from '../../../api/client.ts';
import { useMay } from '../../../api/me.ts';
import { problemOf } from '../../../api/problem.ts';
import { useConfirm } from '../../../parts/confirm.tsx';
import { useToast } from '../../../parts/toast.tsx';
import { buildsWords as w } from '../../../words/builds.ts';
import { type WorkerAct, whyNotWorker } from '../acts.ts';

export type WorkerActs = {
  busy: boolean;
  /** The sentence for a button that may not be pressed; `undefined` when it may. */
  reason: (act: WorkerAct | 'token', worker: Worker) => string | undefined;
  evictReason: string | undefined;
  drain: (worker: Worker) => Promise<void>;
  resume: (worker: Worker) => Promise<void>;
  evict: (worker: Pick<Worker, 'id' | 'name'>, buildId: string) => Promise<void>;
  /** Resolves with whether it is gone. */
  remove: (worker: Worker) => Promise<boolean>;
  /** A token to be shown once; `undefined` when the person thought better of it, or it failed. */
  newToken: (worker: Worker) => Promise<string | undefined>;
};

/** What a person does to a worker. */
export function useWorkerActs(): WorkerActs {
  const client = useClient();
  const queries = useQueryClient();
  const confirm = useConfirm();
  const toast = useToast();
  const admin = useMay('builds:admin');
  const [busy, setBusy] = useState(false);
  const run = async <T>(failed: string, call: () => Promise<T>): Promise<T | undefined> => {
    setBusy(true);
    try {
      return await call();
    } catch (error) {
      toast({ title: failed, detail: problemOf(error)?.detail, tone: 'failed' });
      return undefined;
    } finally {
      setBusy(false);
      void queries.invalidateQueries({ queryKey: ['builds', 'workers'] });
    }
  };
  const doDrain = ({ id }: Worker): Promise<unknown> =>
    run(w.worker.failed.drain, () => client.workers.drain(id, w.worker.drainReason));
  const doResume = ({ id }: Worker): Promise<unknown> => run(w.worker.failed.resume, () => client.workers.resume(id));

  return {
    busy,
    reason: (act, worker) => {
      if (admin.reason !== undefined) return admin.reason;
      if (act === 'token') return worker.kind === 'legacy' ? w.worker.refused.legacy : undefined;
      return whyNotWorker(act, worker);
    },
    evictReason: admin.reason,
    drain: async (worker) => {
      if (await doDrain(worker)) toast({ title: w.worker.drained(worker.name), undo: () => doResume(worker) });
    },
    resume: async (worker) => {
      if (await doResume(worker)) toast({ title: w.worker.resumed(worker.name), undo: () => doDrain(worker) });
    },
    evict: async (worker, buildId) => {
      const yes = await confirm({
        title: w.worker.evictTitle(worker.name),
        detail: w.worker.evictDetail,
        action: w.worker.evictDo,
        keep: w.worker.evictKeep,
        danger: true,
        list: [buildId],
      });
      if (!yes) return;
      const answer = await run(w.worker.failed.evict, () => client.workers.evict(worker.id, buildId));
      if (answer) toast({ title: w.worker.evicted, detail: w.worker.evictedTo(answer.state) });
    },
    remove: async (worker) => {
      const yes = await confirm({
        title: w.worker.removeTitle(worker.name),
        detail: w.worker.removeDetail,
        action: w.worker.removeDo,
        keep: w.worker.removeKeep,
        danger: true,
      });
      if (!yes) return false;
      const done = await run(w.worker.failed.remove, async () => {
        await client.workers.remove(worker.id);
        return true;
      });
      if (done) toast({ title: w.worker.removed(worker.name) });
      return done === true;
    },
    newToken: async (worker) => {
      const yes = await confirm({
        title: w.worker.tokenTitle(worker.name),
        detail: w.worker.tokenDetail,
        action: w.worker.tokenDo,
        keep: w.worker.tokenKeep,
      });
      if (!yes) return undefined;
      return (await run(w.worker.failed.token, () => client.workers.newToken(worker.id)))?.token;
    },
  };
}
