import type { Build } from '@muster/protocol';
import { RotateCcw, X } from 'lucide-react';
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { Button } from '../../../parts/button.tsx';
import { Tags } from '../../../parts/chip.tsx';
import { useCopy } from '../../../parts/copy-button.tsx';
import { CopyId } from '../../../parts/copy-id.tsx';
import { Elapsed } from '../../../parts/duration.tsx';
import { useKeys } from '../../../parts/keys.tsx';
import { Menu } from '../../../parts/menu.tsx';
import { Link, useNav } from '../../../parts/nav.tsx';
import { BackLink, PageHead } from '../../../parts/page.tsx';
import { plain } from '../../../parts/plain.ts';
import { Progress } from '../../../parts/progress.tsx';
import { State } from '../../../parts/state.tsx';
import { Text } from '../../../parts/text.tsx';
import { usePaletteItems } from '../../../shell/palette-items.ts';
import { buildsWords as w } from '../../../words/builds.ts';
import { workerPath } from '../list/columns.tsx';
import { readSnippets } from '../snippets.ts';
import { useBuildActs } from '../use-build-acts.ts';
import { spanOf } from '../why.tsx';
import { useWorkerActs } from '../workers/use-worker-acts.ts';
import { PriorityDialog, TagsDialog } from './change-dialogs.tsx';
import type { RunTab } from './run-page.tsx';

/** What it is, where it stands, and what can be done. */
export function RunHead({ build, onTab }: { build: Build; onTab: (tab: RunTab) => void }): ReactNode {
  const nav = useNav();
  const acts = useBuildActs();
  const copy = useCopy();
  const [dialog, setDialog] = useState<'priority' | 'tags'>();
  const why = { cancel: acts.reason('cancel', build), retry: acts.reason('retry', build) };
  const run = (act: 'cancel' | 'retry'): void => {
    if (why[act] === undefined && acts.busy === undefined) void acts[act](build);
  };
  useKeys([
    { keys: 'c', label: w.acts.cancel, run: () => run('cancel') },
    { keys: 'r', label: w.acts.retry, run: () => run('retry') },
    { keys: 'y', label: w.acts.copyId, run: () => copy.copy(build.id) },
    { keys: 't', label: w.run.timeline, run: () => onTab('timeline') },
    { keys: 'l', label: w.run.log, run: () => onTab('log') },
    { keys: 'e', label: w.run.events, run: () => onTab('events') },
  ]);
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  usePaletteItems(
    w.run.title,
    useMemo(
      () =>
        (['cancel', 'retry'] as const).map((act) => ({
          id: `build-${act}`,
          label: w.acts[act],
          keys: act === 'cancel' ? 'c' : 'r',
          ...(why[act] === undefined ? {} : { disabledReason: why[act] }),
          run: () => latest.current(act),
        })),
      // oxlint-disable-next-line react/exhaustive-deps -- the sentences, not the object that holds them
      [why.cancel, why.retry],
    ),
  );
  const span = spanOf(build);
  const curl = readSnippets(build.id)[0]?.text ?? '';
  return (
    <>
      <PageHead
        lead={<BackLink to="/builds">{w.title}</BackLink>}
        title={build.name === null ? w.unnamed : plain(build.name, 120)}
        actions={
          <>
            <Button
              icon={<RotateCcw aria-hidden />}
              busy={acts.busy === 'retry'}
              disabledReason={why.retry}
              keys="r"
              onClick={() => run('retry')}
            >
              {w.acts.retry}
            </Button>
            <Button
              variant="danger"
              icon={<X aria-hidden />}
              busy={acts.busy === 'cancel'}
              disabledReason={why.cancel}
              keys="c"
              onClick={() => run('cancel')}
            >
              {w.acts.cancel}
            </Button>
            <More build={build} acts={acts} onDialog={setDialog} onCopyCurl={() => copy.copy(curl)} />
          </>
        }
      >
        <span className="row flex-wrap">
          <State kind="build" state={build.state} note={build.phase} size="m" />
          <CopyId id={build.id} />
          {build.term > 0 ? (
            <span className={build.term > 1 ? 'text-tone-warn' : 'text-soft'}>
              {w.run.attemptOf(build.term, build.attemptsMax)}
            </span>
          ) : null}
          {build.workerId === null ? null : (
            <Link to={workerPath(build.workerId)}>
              <Text value={build.workerName ?? build.workerId} max={60} />
            </Link>
          )}
          <span>{build.platform}</span>
          {span ? <Elapsed since={span.from} until={span.until} /> : null}
          {build.progress !== null && build.state === 'running' ? (
            <Progress value={build.progress / 100} label={w.why.progress} />
          ) : null}
          <Tags
            tags={build.tags}
            onPick={(key, value) => nav.navigate(`/builds?tag=${encodeURIComponent(`${key}=${value}`)}`)}
          />
          <span className="text-soft">
            {w.run.by} <Text value={build.submittedBy} max={60} />
          </span>
        </span>
      </PageHead>
      {dialog === 'priority' ? (
        <PriorityDialog
          build={build}
          onClose={() => setDialog(undefined)}
          onSet={(priority) => void acts.setPriority(build, priority)}
        />
      ) : null}
      {dialog === 'tags' ? (
        <TagsDialog
          build={build}
          onClose={() => setDialog(undefined)}
          onSet={(tags) => void acts.setTags(build, tags)}
        />
      ) : null}
    </>
  );
}

type MoreProps = {
  build: Build;
  acts: ReturnType<typeof useBuildActs>;
  onDialog: (which: 'priority' | 'tags') => void;
  onCopyCurl: () => void;
};

/** What is done less often. */
function More({ build, acts, onDialog, onCopyCurl }: MoreProps): ReactNode {
  const workers = useWorkerActs();
  const { workerId } = build;
  return (
    <Menu
      label={w.acts.menu(build.name ?? build.id)}
      items={[
        {
          key: 'priority',
          label: w.acts.priority,
          hint: String(build.priority),
          disabledReason: acts.reason('priority', build),
          onSelect: () => onDialog('priority'),
        },
        {
          key: 'tags',
          label: w.acts.tags,
          disabledReason: acts.reason('tags', build),
          onSelect: () => onDialog('tags'),
        },
        { key: 'curl', label: w.acts.copyCurl, onSelect: onCopyCurl },
        { key: 'rule', rule: true },
        {
          key: 'evict',
          label: w.worker.evict,
          danger: true,
          disabledReason: workerId === null ? w.worker.refused.notHeld : workers.evictReason,
          onSelect: () => {
            if (workerId !== null) void workers.evict({ id: workerId, name: build.workerName ?? workerId }, build.id);
          },
        },
      ]}
    />
  );
}
