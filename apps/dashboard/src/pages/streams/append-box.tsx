import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { problemOf } from '../../api/problem.ts';
import { Button } from '../../parts/button.tsx';
import { Field } from '../../parts/field.tsx';
import { TextArea } from '../../parts/input.tsx';
import { Panel } from '../../parts/panel.tsx';
import { useToast } from '../../parts/toast.tsx';
import { streamsWords } from '../../words/streams.ts';

const w = streamsWords.one;

/** One message by hand. */
export function AppendBox({ path, contentType }: { path: string; contentType: string }): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const [text, setText] = useState('');
  const isJson = /^application\/(?:[^;]*\+)?json/.test(contentType);
  const append = useMutation({
    mutationFn: () => client.stream(path, contentType).append(isJson ? (JSON.parse(text) as object) : text),
    onSuccess: () => {
      setText('');
      toast({ title: w.appended });
      void queries.invalidateQueries({ queryKey: ['streams', 'one', path] });
    },
  });
  const wrong = append.error instanceof SyntaxError ? w.notJson : problemOf(append.error)?.detail;
  return (
    <Panel title={w.append}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (text !== '' && !append.isPending) append.mutate();
        }}
      >
        <Field label={w.appendLabel} hint={w.appendHint} error={wrong}>
          <TextArea value={text} onChange={setText} rows={3} mono />
        </Field>
        <span>
          <Button type="submit" busy={append.isPending} disabledReason={text === '' ? w.empty : undefined}>
            {w.append}
          </Button>
        </span>
      </form>
    </Panel>
  );
}
