import type { GalleryBot } from '@muster/protocol';
import { MusterError } from '@muster/protocol/errors';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { problemOf } from '../../api/problem.ts';
import { Button } from '../../parts/button.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { Sign } from '../../parts/state.tsx';
import { useToast } from '../../parts/toast.tsx';
import { formWords as words } from '../../words/gallery-form.ts';
import { draftOf, patchOf, problemsNamed, problemsOf } from './bot-draft.ts';
import { BotForm, useInherited } from './bot-form.tsx';
import { takeBot } from './data.ts';

/** Changes a bot while it lives. What was typed stays when somebody was faster. */
export function BotEdit({ bot }: { bot: GalleryBot }): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const { reason: noRight } = useMay('gallery:operate');
  // The version the draft began from: a change by somebody else in between is told, not overwritten.
  const [from, setFrom] = useState(bot);
  const [draft, setDraft] = useState(() => draftOf(bot));
  const patch = patchOf(draftOf(from), draft);
  const changed = Object.keys(patch).length > 0;
  const save = useMutation({
    mutationFn: () => client.gallery.bots.change(bot.id, patch, from.version),
    onSuccess: (saved) => {
      takeBot(queries, saved);
      setFrom(saved);
      setDraft(draftOf(saved));
      toast({ title: words.saved, tone: 'done' });
    },
  });
  const reload = (): void => {
    setFrom(bot);
    setDraft(draftOf(bot));
    save.reset();
  };
  const problem = problemOf(save.error);
  const stale = save.error instanceof MusterError && save.error.reason === 'version_conflict';
  const wrong = problemsOf(draft, useInherited(draft), false);
  const first = Object.values(wrong)[0];
  const why = noRight ?? (changed ? first : words.unchanged);
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (why === undefined) save.mutate();
      }}
    >
      {stale ? (
        <div className="row">
          <Sign tone="warn">{words.conflict}</Sign>
          <Button onClick={reload}>{words.reload}</Button>
        </div>
      ) : problem ? (
        <ProblemPanel problem={problem} />
      ) : null}
      <BotForm
        draft={draft}
        onChange={setDraft}
        problems={{ ...problemsNamed(problem?.errors), ...wrong }}
        isNew={false}
      />
      <div className="sticky bottom-0 flex flex-wrap gap-2 border-t border-hair bg-canvas py-3">
        <Button type="submit" variant="primary" busy={save.isPending} disabledReason={why}>
          {words.save}
        </Button>
        <Button
          variant="quiet"
          disabledReason={changed ? undefined : words.unchanged}
          onClick={() => setDraft(draftOf(from))}
        >
          {words.revert}
        </Button>
      </div>
    </form>
  );
}
