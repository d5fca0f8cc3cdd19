import type { Build } from '@muster/protocol';
import type { ReactNode } from 'react';
import { CopyId } from '../../../parts/copy-id.tsx';
import { type Fact, Facts } from '../../../parts/facts.tsx';
import { Panel } from '../../../parts/panel.tsx';
import { Snippet } from '../../../parts/snippet.tsx';
import { buildsWords as w } from '../../../words/builds.ts';
import { workerPath } from '../list/columns.tsx';
import { againSnippets, readSnippets, stopSnippets, tailSnippets } from '../snippets.ts';

/** The same with other tools, and the ids of what belongs to it. */
export function ApiTab({ build }: { build: Build }): ReactNode {
  const { id, projectId, workerId, retryOf } = build;
  const related: Fact[] = [
    { label: w.run.title, value: <CopyId id={id} /> },
    { label: w.api.project, value: <CopyId id={projectId} /> },
    ...(workerId === null
      ? []
      : [{ label: w.columns.worker, value: <CopyId id={workerId} to={workerPath(workerId)} /> }]),
    ...(retryOf === null ? [] : [{ label: w.run.retryOf, value: <CopyId id={retryOf} to={`/builds/${retryOf}`} /> }]),
    { label: w.run.log, value: <CopyId id={build.streams.log} /> },
    { label: w.run.events, value: <CopyId id={build.streams.events} /> },
  ];
  const parts = [
    [w.api.read, readSnippets(id)],
    [w.api.tail, tailSnippets(id)],
    [w.api.again, againSnippets(id)],
    [w.api.stop, stopSnippets(id)],
  ] as const;
  return (
    <div className="stack">
      {parts.map(([title, items]) => (
        <Panel key={title} title={title}>
          <Snippet items={items} label={title} />
        </Panel>
      ))}
      <Panel title={w.api.related}>
        <Facts items={related} />
      </Panel>
    </div>
  );
}
