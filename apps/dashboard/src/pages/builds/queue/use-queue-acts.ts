import type { BuildQueue, PauseQueue } from '@muster/protocol';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useClient } from '../../../api/client.ts';
import { problemOf } from '../../../api/problem.ts';
import { useToast } from '../../../parts/toast.tsx';
import { buildsWords as w } from '../../../words/builds.ts';
import { keys } from '../queries.ts';

/** Pause and resume are each other's undo. */
export function useQueueActs(): {
  busy: string | undefined;
  pause: (queue: BuildQueue, input: PauseQueue) => Promise<void>;
  resume: (queue: BuildQueue) => Promise<void>;
} {
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const [busy, setBusy] = useState<string>();
  const run = async (name: string, failed: string, call: () => Promise<unknown>, told?: () => void): Promise<void> => {
    setBusy(name);
    try {
      await call();
      told?.();
    } catch (error) {
      toast({ title: failed, detail: problemOf(error)?.detail, tone: 'failed' });
    } finally {
      setBusy(undefined);
      await queries.invalidateQueries({ queryKey: keys.queues });
    }
  };
  const doPause = (name: string, input: PauseQueue, told?: () => void): Promise<void> =>
    run(name, w.queue.pauseFailed, () => client.queues.pause(name, input), told);
  const doResume = (name: string, told?: () => void): Promise<void> =>
    run(name, w.queue.resumeFailed, () => client.queues.resume(name), told);
  return {
    busy,
    pause: ({ name }, input) =>
      doPause(name, input, () => toast({ title: w.queue.didPause(name), undo: () => doResume(name) })),
    resume: ({ name, paused }) =>
      doResume(name, () =>
        toast({
          title: w.queue.didResume(name),
          undo: () =>
            doPause(name, {
              reason: paused?.reason ?? w.queue.undoReason,
              ...(paused?.resumesAt ? { resumesAt: paused.resumesAt } : {}),
            }),
        }),
      ),
  };
}
