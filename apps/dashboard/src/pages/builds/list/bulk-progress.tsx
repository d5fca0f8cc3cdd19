import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { X } from 'lucide-react';
import { type ReactNode, useEffect } from 'react';
import { useClient } from '../../../api/client.ts';
import { problemOf } from '../../../api/problem.ts';
import { Button } from '../../../parts/button.tsx';
import { count } from '../../../parts/format.ts';
import { IconButton } from '../../../parts/icon-button.tsx';
import { Link } from '../../../parts/nav.tsx';
import { Panel } from '../../../parts/panel.tsx';
import { ProblemPanel } from '../../../parts/problem-panel.tsx';
import { Progress } from '../../../parts/progress.tsx';
import { buildsWords as w } from '../../../words/builds.ts';
import { bulkQuery, keys } from '../queries.ts';
import { buildPath } from './columns.tsx';

/** Refusals told by name; the count tells the rest. */
const namedMax = 20;

/** How far a bulk action is. Its id is in the address, and the last one is remembered, so leaving the page ends nothing. */
export function BulkProgress({ jobId, onClose }: { jobId: string | undefined; onClose: () => void }): ReactNode {
  const queries = useQueryClient();
  useEffect(() => {
    if (jobId !== undefined) queries.setQueryData(keys.bulks, jobId);
  }, [jobId, queries]);
  const remembered = jobId ?? queries.getQueryData<string>(keys.bulks);
  if (remembered === undefined) return null;
  const close = (): void => {
    queries.removeQueries({ queryKey: keys.bulks });
    onClose();
  };
  return <OneBulk key={remembered} jobId={remembered} onClose={close} />;
}

function OneBulk({ jobId, onClose }: { jobId: string; onClose: () => void }): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const bulk = useQuery(bulkQuery(client, jobId));
  const stop = useMutation({
    mutationFn: () => client.builds.stopBulk(jobId),
    onSuccess: (answer) => queries.setQueryData(keys.bulk(jobId), answer),
  });
  const problem = problemOf(stop.error ?? bulk.error);
  if (!bulk.data) return problem ? <ProblemPanel problem={problem} onRetry={() => void bulk.refetch()} /> : null;
  const { done, matched, refused, state, stopped = false } = bulk.data;
  const over = state === 'done';
  return (
    <Panel
      title={over ? (stopped ? w.bulk.stopped : w.bulk.done) : w.bulk.running}
      actions={
        <span className="row">
          {over ? null : (
            <Button size="s" busy={stop.isPending} onClick={() => stop.mutate()}>
              {w.bulk.stop}
            </Button>
          )}
          <IconButton label={w.bulk.close} size="s" icon={<X aria-hidden />} onClick={onClose} />
        </span>
      }
    >
      <div className="stack">
        <Progress
          value={matched === 0 ? 1 : done / matched}
          label={w.bulk.progress}
          tone={over ? (refused.length > 0 || stopped ? 'warn' : 'done') : 'live'}
          note={w.bulk.of(count(done), count(matched))}
        />
        {refused.length === 0 ? null : (
          <details>
            <summary>{w.bulk.refused(count(refused.length))}</summary>
            <ul>
              {refused.slice(0, namedMax).map(({ id, reason }) => (
                <li key={id}>
                  <Link to={buildPath(id)} className="mono">
                    {id}
                  </Link>{' '}
                  {w.bulk.reason(reason)}
                </li>
              ))}
            </ul>
          </details>
        )}
        {problem ? <ProblemPanel problem={problem} /> : null}
      </div>
    </Panel>
  );
}
