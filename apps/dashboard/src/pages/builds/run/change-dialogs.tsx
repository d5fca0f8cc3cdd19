import type { Build } from '@muster/protocol';
import { buildLimits } from '@muster/protocol/builds';
import { type ReactNode, useId, useState } from 'react';
import { Button } from '../../../parts/button.tsx';
import { Dialog } from '../../../parts/dialog.tsx';
import { Field } from '../../../parts/field.tsx';
import { NumberInput } from '../../../parts/input.tsx';
import { TagInput } from '../../../parts/tag-input.tsx';
import { buildsWords as w } from '../../../words/builds.ts';
import { pairsOf, tagsOf, wrongPair } from '../pairs.ts';

type ChangeProps = { title: string; onClose: () => void; onSubmit: () => void; children: ReactNode };

function ChangeDialog({ title, onClose, onSubmit, children }: ChangeProps): ReactNode {
  const form = useId();
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      size="s"
      footer={
        <>
          <Button onClick={onClose}>{w.acts.leave}</Button>
          <Button variant="primary" type="submit" form={form}>
            {w.acts.set}
          </Button>
        </>
      }
    >
      <form
        id={form}
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
          onClose();
        }}
      >
        {children}
      </form>
    </Dialog>
  );
}

export function PriorityDialog(props: {
  build: Build;
  onClose: () => void;
  onSet: (priority: number) => void;
}): ReactNode {
  const { build, onClose, onSet } = props;
  const [priority, setPriority] = useState<number | null>(build.priority);
  return (
    <ChangeDialog title={w.acts.priority} onClose={onClose} onSubmit={() => onSet(priority ?? 0)}>
      <Field label={w.priority} hint={w.priorityHint}>
        <NumberInput
          value={priority}
          onChange={setPriority}
          min={buildLimits.priorityMin}
          max={buildLimits.priorityMax}
        />
      </Field>
    </ChangeDialog>
  );
}

export function TagsDialog(props: {
  build: Build;
  onClose: () => void;
  onSet: (tags: Record<string, string>) => void;
}): ReactNode {
  const { build, onClose, onSet } = props;
  const [tags, setTags] = useState(() => pairsOf(build.tags));
  return (
    <ChangeDialog title={w.acts.tags} onClose={onClose} onSubmit={() => onSet(tagsOf(tags))}>
      <Field label={w.tags} hint={w.tagsHint}>
        <TagInput value={tags} onChange={setTags} check={wrongPair} max={buildLimits.tagsMax} />
      </Field>
    </ChangeDialog>
  );
}
