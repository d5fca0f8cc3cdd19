import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useId, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { problemOf } from '../../api/problem.ts';
import { Button } from '../../parts/button.tsx';
import { Drawer } from '../../parts/drawer.tsx';
import { Field } from '../../parts/field.tsx';
import { Input } from '../../parts/input.tsx';
import { useNav } from '../../parts/nav.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { RadioGroup } from '../../parts/radio.tsx';
import { useToast } from '../../parts/toast.tsx';
import { streamsWords as w } from '../../words/streams.ts';
import { streamPath } from './stream-path.ts';

/** Makes a stream and goes to it. */
export function NewStream({ open, onClose }: { open: boolean; onClose: () => void }): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const { navigate } = useNav();
  const form = useId();
  const [path, setPath] = useState('');
  const [kind, setKind] = useState('application/json');
  const make = useMutation({
    mutationFn: async () => {
      const wanted = path.trim();
      await client.stream(wanted, kind).create();
      return wanted;
    },
    onSuccess: (made) => {
      void queries.invalidateQueries({ queryKey: ['streams'] });
      toast({ title: w.made(made) });
      onClose();
      setPath('');
      navigate(streamPath(made));
    },
  });
  const missing = path.trim() === '' ? w.needsPath : undefined;
  const problem = problemOf(make.error);
  return (
    <Drawer
      open={open}
      onClose={onClose}
      title={w.add}
      note={w.addNote}
      footer={
        <>
          <Button onClick={onClose}>{w.keep}</Button>
          <Button variant="primary" type="submit" form={form} busy={make.isPending} disabledReason={missing}>
            {w.make}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (missing === undefined && !make.isPending) make.mutate();
        }}
      >
        <Field label={w.path} hint={w.pathHint}>
          <Input value={path} onChange={setPath} mono maxLength={1024} />
        </Field>
        <Field label={w.kind} group>
          <RadioGroup
            label={w.kind}
            value={kind}
            onChange={setKind}
            options={Object.entries(w.kinds).map(([value, label]) => ({ value, label }))}
          />
        </Field>
        {problem ? <ProblemPanel problem={problem} /> : null}
      </form>
    </Drawer>
  );
}
