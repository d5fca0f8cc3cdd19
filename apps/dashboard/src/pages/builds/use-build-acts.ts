import type { BuildState } from '@muster/protocol';
import { MusterError } from '@muster/protocol/errors';
import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { problemOf } from '../../api/problem.ts';
import { useConfirm } from '../../parts/confirm.tsx';
import { useNav } from '../../parts/nav.tsx';
import { useToast } from '../../parts/toast.tsx';
import { buildsWords as w } from '../../words/builds.ts';
import { type BuildAct, whyNot } from './acts.ts';
import { keys } from './queries.ts';

type Target = { id: string; name: string | null; state: BuildState; priority: number; tags: Record<string, string> };

export type BuildActs = {
  /** Which call is under way. */
  busy: BuildAct | 'tags' | undefined;
  /** The sentence for a button that may not be pressed; `undefined` when it may. */
  reason: (act: BuildAct | 'tags', build: Target) => string | undefined;
  cancel: (build: Target) => Promise<void>;
  retry: (build: Target) => Promise<void>;
  setPriority: (build: Target, priority: number) => Promise<void>;
  setTags: (build: Target, tags: Record<string, string>) => Promise<void>;
};

/** What a person does to one build. Reversible things happen at once and can be undone; the others ask first (D11). */
export function useBuildActs(): BuildActs {
  const client = useClient();
  const queries = useQueryClient();
  const nav = useNav();
  const confirm = useConfirm();
  const toast = useToast();
  const operate = useMay('builds:operate');
  const [busy, setBusy] = useState<BuildActs['busy']>();

  const run = async (act: NonNullable<BuildActs['busy']>, { id }: Target, call: () => Promise<void>): Promise<void> => {
    setBusy(act);
    try {
      await call();
    } catch (error) {
      const problem = problemOf(error);
      const found =
        error instanceof MusterError && error.code === 'conflict' ? await stateNow(queries, client, id) : undefined;
      toast({
        title: w.acts.failed[act],
        detail: found === undefined ? (problem?.detail ?? '') : `${problem?.detail ?? ''} ${w.acts.found(found)}`,
        tone: 'failed',
      });
    } finally {
      setBusy(undefined);
      void queries.invalidateQueries({ queryKey: keys.one(id) });
      void queries.invalidateQueries({ queryKey: keys.list });
    }
  };
  const change = (act: 'priority' | 'tags', build: Target, to: object, back: object, title: string): Promise<void> =>
    run(act, build, async () => {
      await client.builds.change(build.id, to);
      toast({
        title,
        undo: () => run(act, build, async () => void (await client.builds.change(build.id, back))),
      });
    });

  return {
    busy,
    reason: (act, { state }) => operate.reason ?? (act === 'tags' ? undefined : whyNot(act, state)),
    cancel: async (build) => {
      const name = build.name ?? build.id;
      const yes = await confirm({
        title: w.acts.cancelTitle(name),
        detail: build.state === 'queued' ? w.acts.cancelQueued : w.acts.cancelRunning,
        action: w.acts.cancel,
        keep: w.acts.keep,
        danger: true,
      });
      if (yes) await run('cancel', build, async () => void (await client.builds.cancel(build.id)));
    },
    retry: (build) =>
      run('retry', build, async () => {
        const again = await client.builds.retry(build.id);
        toast({ title: w.acts.retried, detail: again.id, tone: 'done' });
        nav.navigate(`/builds/${again.id}`);
      }),
    setPriority: (build, priority) =>
      change('priority', build, { priority }, { priority: build.priority }, w.acts.prioritySet(priority)),
    setTags: (build, tags) => change('tags', build, { tags }, { tags: build.tags }, w.acts.tagsSet),
  };
}

/** What the server refused for: the row as it is now. */
async function stateNow(
  queries: QueryClient,
  client: ReturnType<typeof useClient>,
  id: string,
): Promise<BuildState | undefined> {
  try {
    const build = await client.builds.get(id);
    queries.setQueryData(keys.one(id), build);
    return build.state;
  } catch {
    return undefined;
  }
}
