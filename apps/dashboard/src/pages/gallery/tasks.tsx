import type { GalleryTask } from '@muster/protocol';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { Button } from '../../parts/button.tsx';
import { plain } from '../../parts/plain.ts';
import { Progress } from '../../parts/progress.tsx';
import { Sign } from '../../parts/state.tsx';
import { Time, useClock } from '../../parts/time.tsx';
import { galleryWords } from '../../words/gallery.ts';
import { tasksQuery } from './data.ts';

const words = galleryWords.tasks;

/** Work in the background, whoever asked for it and wherever they are by now: how far it is, and what was refused. */
export function TasksPanel(): ReactNode {
  const { data } = useQuery(tasksQuery(useClient()));
  const queries = useQueryClient();
  const clock = useClock();
  // What was over before this page was opened is no news.
  const [since] = useState(() => clock.now());
  const [dismissed, setDismissed] = useState<ReadonlySet<string>>(new Set());
  const running = data?.filter(({ state }) => state === 'running') ?? [];
  const over = data?.filter(({ finishedAt }) => finishedAt !== null && Date.parse(finishedAt) > since) ?? [];
  const ended = over.length;
  useEffect(() => {
    if (ended > 0) void queries.invalidateQueries({ queryKey: ['gallery', 'bots'] });
  }, [ended, queries]);
  const shown = [...running, ...over].filter(({ id }) => id !== null && !dismissed.has(id));
  if (shown.length === 0) return null;
  return (
    <section aria-label={words.title} className="flex flex-col gap-2">
      {shown.map((task) => (
        <TaskLine key={task.id} task={task} onDismiss={() => setDismissed(new Set([...dismissed, task.id ?? '']))} />
      ))}
    </section>
  );
}

export function TaskLine({ task, onDismiss }: { task: GalleryTask; onDismiss?: () => void }): ReactNode {
  const { kind, state, done, total, changed, refused, error, createdAt, confirmed } = task;
  return (
    <div
      className="flex flex-wrap items-center gap-x-4 gap-y-1 rounded-md border border-hair bg-panel px-4 py-2"
      data-task={state}
    >
      <Sign tone={state === 'failed' ? 'failed' : state === 'running' ? 'live' : 'done'}>{words.kinds[kind]}</Sign>
      {state === 'running' ? (
        <span className="w-48 max-w-full">
          <Progress
            value={total === 0 ? null : done / total}
            label={words.kinds[kind]}
            note={words.progress(done, total)}
          />
        </span>
      ) : null}
      <span className="num text-sm">{words.changed(changed)}</span>
      {refused.map(({ reason, count }) => (
        <span key={reason} className="text-sm text-tone-warn">
          {words.refused(count, reason)}
        </span>
      ))}
      {error === null ? null : <span className="text-sm text-tone-failed">{words.failed(plain(error, 300))}</span>}
      {confirmed === false ? <span className="text-sm text-soft">{words.unconfirmed}</span> : null}
      <span className="grow" />
      <Time at={createdAt} className="text-sm text-soft" />
      {state === 'running' || onDismiss === undefined ? null : (
        <Button size="s" variant="quiet" onClick={onDismiss}>
          {words.dismiss}
        </Button>
      )}
    </div>
  );
}
