import type { BuildFilter } from '@muster/client';
import type { BuildSummary, BulkAnswer } from '@muster/protocol';
import { buildLimits } from '@muster/protocol/builds';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../../api/client.ts';
import { problemOf } from '../../../api/problem.ts';
import { Button } from '../../../parts/button.tsx';
import { Dialog } from '../../../parts/dialog.tsx';
import { Field } from '../../../parts/field.tsx';
import { count } from '../../../parts/format.ts';
import { NumberInput } from '../../../parts/input.tsx';
import { ProblemPanel } from '../../../parts/problem-panel.tsx';
import { TagInput } from '../../../parts/tag-input.tsx';
import { buildsWords as w } from '../../../words/builds.ts';
import { type BuildAct, whyNot } from '../acts.ts';
import { tagsOf, wrongPair } from '../pairs.ts';

type Target = { ids: readonly string[] } | { filter: BuildFilter };
type Action = 'cancel' | 'retry' | 'setPriority' | 'addTags';
const actOf: Readonly<Partial<Record<Action, BuildAct>>> = {
  cancel: 'cancel',
  retry: 'retry',
  setPriority: 'priority',
};

export type BulkActionsProps = {
  target: Target;
  /** The selected rows as far as they are known, for the numbers on the buttons. */
  rows: readonly BuildSummary[] | undefined;
  disabledReason: string | undefined;
  onStarted: (jobId: string) => void;
};

/** What can be done to many: each says first how many that would be, and which would be left out and why. */
export function BulkActions({ target, rows, disabledReason, onStarted }: BulkActionsProps): ReactNode {
  const [action, setAction] = useState<Action>();
  const button = (each: Action): ReactNode => {
    const act = actOf[each];
    const able = rows && act ? rows.filter(({ state }) => whyNot(act, state) === undefined).length : rows?.length;
    const none = able === 0 && rows && rows.length > 0 ? w.bulk.none[each] : undefined;
    return (
      <Button
        key={each}
        size="s"
        variant={each === 'cancel' ? 'danger' : 'secondary'}
        disabledReason={disabledReason ?? none}
        onClick={() => setAction(each)}
      >
        {able === undefined ? w.bulk.all[each] : w.bulk.some[each](able)}
      </Button>
    );
  };
  return (
    <>
      {(['cancel', 'retry', 'setPriority', 'addTags'] as const).map(button)}
      {action === undefined ? null : (
        <BulkDialog
          key={action}
          action={action}
          target={target}
          onClose={() => setAction(undefined)}
          onStarted={(jobId) => {
            setAction(undefined);
            onStarted(jobId);
          }}
        />
      )}
    </>
  );
}

type BulkDialogProps = { action: Action; target: Target; onClose: () => void; onStarted: (jobId: string) => void };

function BulkDialog({ action, target, onClose, onStarted }: BulkDialogProps): ReactNode {
  const client = useClient();
  const [priority, setPriority] = useState<number | null>(0);
  const [tags, setTags] = useState<string[]>([]);
  const more = {
    ...(action === 'setPriority' ? { priority: priority ?? 0 } : {}),
    ...(action === 'addTags' ? { tags: tagsOf(tags) } : {}),
  };
  const needs = action === 'addTags' && tags.length === 0 ? w.bulk.needsTags : undefined;
  const preview = useMutation({
    mutationFn: () => client.builds.bulk({ action, ...bodyOf(target), ...dryTags(action), dryRun: true }),
  });
  const start = useMutation({
    mutationFn: () => client.builds.bulk({ action, ...bodyOf(target), ...more }),
    onSuccess: ({ jobId }) => (jobId === null ? onClose() : onStarted(jobId)),
  });
  const [asked, setAsked] = useState(false);
  if (!asked) {
    setAsked(true);
    preview.mutate();
  }
  const answer = preview.data;
  const able = answer ? ableOf(answer) : undefined;
  const problem = problemOf(start.error ?? preview.error);
  return (
    <Dialog
      open
      onClose={onClose}
      title={able === undefined ? w.bulk.counting[action] : w.bulk.title[action](count(able))}
      footer={
        <>
          <Button onClick={onClose}>{w.bulk.keep}</Button>
          <Button
            variant={action === 'cancel' ? 'danger' : 'primary'}
            busy={start.isPending || preview.isPending}
            disabledReason={able === 0 ? w.bulk.none[action] : needs}
            onClick={() => start.mutate()}
          >
            {w.bulk.doIt[action](count(able ?? 0))}
          </Button>
        </>
      }
    >
      <div className="stack">
        {action === 'setPriority' ? (
          <Field label={w.priority} hint={w.priorityHint}>
            <NumberInput
              value={priority}
              onChange={setPriority}
              min={buildLimits.priorityMin}
              max={buildLimits.priorityMax}
            />
          </Field>
        ) : null}
        {action === 'addTags' ? (
          <Field label={w.tags} hint={w.tagsHint}>
            <TagInput value={tags} onChange={setTags} check={wrongPair} max={buildLimits.tagsMax} />
          </Field>
        ) : null}
        {answer ? <Excluded answer={answer} /> : null}
        <p className="text-soft">{w.bulk.job}</p>
        {problem ? <ProblemPanel problem={problem} /> : null}
      </div>
    </Dialog>
  );
}

/** Who would be left out, by reason. */
function Excluded({ answer }: { answer: BulkAnswer }): ReactNode {
  const reasons = Object.entries(answer.excluded ?? {});
  if (reasons.length === 0) return <p>{w.bulk.nobodyOut}</p>;
  return (
    <div>
      <p>{w.bulk.leftOut}</p>
      <ul>
        {reasons.map(([reason, number]) => (
          <li key={reason}>
            <span className="num">{count(number)}</span> {w.bulk.reason(reason)}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** A dry run of tags needs some; which does not matter to the count. */
const dryTags = (action: Action): object =>
  action === 'addTags' ? { tags: { tag: '' } } : action === 'setPriority' ? { priority: 0 } : {};

/** Unknown ids were never matched, so they are not among those left over. */
function ableOf({ matched, excluded = {} }: BulkAnswer): number {
  const out = Object.entries(excluded).reduce((sum, [reason, n]) => (reason === 'no_such_build' ? sum : sum + n), 0);
  return matched - out;
}

const bodyOf = (target: Target): object => ('ids' in target ? { ids: target.ids } : { filter: target.filter });
