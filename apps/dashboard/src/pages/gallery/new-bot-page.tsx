import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { problemOf } from '../../api/problem.ts';
import { Button } from '../../parts/button.tsx';
import { useNav } from '../../parts/nav.tsx';
import { BackLink } from '../../parts/page.tsx';
import { plain } from '../../parts/plain.ts';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { oneOf, searchOf, text } from '../../parts/search.ts';
import { Segmented } from '../../parts/segmented.tsx';
import { Switch } from '../../parts/switch.tsx';
import { useToast } from '../../parts/toast.tsx';
import { useSearch } from '../../parts/use-search.ts';
import { botsWords } from '../../words/gallery-bots.ts';
import { formWords as words } from '../../words/gallery-form.ts';
import { GalleryArea } from './area.tsx';
import { bodyOf, emptyDraft, problemsNamed, problemsOf } from './bot-draft.ts';
import { BotForm, useInherited } from './bot-form.tsx';
import { takeBot } from './data.ts';
import { SeedForm } from './seed-form.tsx';

const search = searchOf({ mode: oneOf(['one', 'seed']), persona: text(60) });

export function NewBotPage(): ReactNode {
  const { values, set } = useSearch(search);
  const mode = values.mode ?? 'one';
  return (
    <GalleryArea
      current="bots"
      title={words.newTitle}
      lead={<BackLink to="/gallery/bots">{botsWords.bot.back}</BackLink>}
    >
      <div className="flex max-w-full overflow-x-auto">
        <Segmented
          label={words.modes.label}
          value={mode}
          onChange={(next) => set({ mode: next === 'seed' ? 'seed' : 'one' }, { replace: true })}
          options={[
            { value: 'one', label: words.modes.one },
            { value: 'seed', label: words.modes.seed },
          ]}
        />
      </div>
      {mode === 'seed' ? <SeedForm persona={values.persona} /> : <OneBot persona={values.persona} />}
    </GalleryArea>
  );
}

function OneBot({ persona }: { persona: string | undefined }): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const nav = useNav();
  const toast = useToast();
  const { reason: noRight } = useMay('gallery:operate');
  const [draft, setDraft] = useState({ ...emptyDraft, personaId: persona ?? null });
  const [start, setStart] = useState(false);
  const [touched, setTouched] = useState(false);
  // One key for one form: pressed twice, or sent again after a lost answer, it is still one bot.
  const [once] = useState(() => crypto.randomUUID());
  const wrong = problemsOf(draft, useInherited(draft), true);
  const create = useMutation({
    mutationFn: () => client.gallery.bots.create(bodyOf(draft, start), `${once}-${draft.username}`),
    onSuccess: (bot) => {
      takeBot(queries, bot);
      toast({ title: words.created(plain(bot.name, 60)), tone: 'done' });
      nav.navigate(`/gallery/bots/${bot.id}`);
    },
  });
  const problem = problemOf(create.error);
  // What nobody typed yet is not wrong yet.
  const untouched = (name: string): boolean =>
    (name === 'name' && draft.name === '') || (name === 'username' && draft.username === '');
  const shown = touched ? wrong : Object.fromEntries(Object.entries(wrong).filter(([name]) => !untouched(name)));
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        setTouched(true);
        if (noRight === undefined && Object.keys(wrong).length === 0) create.mutate();
      }}
    >
      {problem ? <ProblemPanel problem={problem} /> : null}
      <BotForm draft={draft} onChange={setDraft} problems={{ ...problemsNamed(problem?.errors), ...shown }} isNew />
      <div className="sticky bottom-0 flex flex-wrap items-center gap-4 border-t border-hair bg-canvas py-3">
        <Button type="submit" variant="primary" busy={create.isPending} disabledReason={noRight}>
          {words.create}
        </Button>
        <Switch checked={start} onChange={setStart} label={words.start} />
      </div>
    </form>
  );
}
