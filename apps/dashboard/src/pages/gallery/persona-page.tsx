import type { GalleryPersona, Persona } from '@muster/protocol';
import { MusterError } from '@muster/protocol/errors';
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useMemo, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useMay } from '../../api/me.ts';
import { problemOf } from '../../api/problem.ts';
import { Badge } from '../../parts/badge.tsx';
import { Button } from '../../parts/button.tsx';
import { Diff } from '../../parts/diff.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { TextArea } from '../../parts/input.tsx';
import { Menu } from '../../parts/menu.tsx';
import { Link, useNav } from '../../parts/nav.tsx';
import { BackLink } from '../../parts/page.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { saveFile } from '../../parts/save-file.ts';
import { oneOf, searchOf } from '../../parts/search.ts';
import { Segmented } from '../../parts/segmented.tsx';
import { Sign } from '../../parts/state.tsx';
import { Text } from '../../parts/text.tsx';
import { useToast } from '../../parts/toast.tsx';
import { useSearch } from '../../parts/use-search.ts';
import { usePathParam } from '../../shell/path-param.ts';
import { botsCount } from '../../words/gallery.ts';
import { formWords } from '../../words/gallery-form.ts';
import { personaWords as words } from '../../words/gallery-personas.ts';
import { useAct } from './act.ts';
import { GalleryArea } from './area.tsx';
import { personaQuery, useSettled } from './data.ts';
import { Loaded } from './loaded.tsx';
import { CloneDialog, DeleteDialog } from './persona-dialogs.tsx';
import { changesOf, isPersonaShaped, personaOf } from './persona-draft.ts';
import { PersonaForm } from './persona-form.tsx';
import { PersonaPreview } from './persona-preview.tsx';

const modes = ['form', 'json', 'diff'] as const;
const search = searchOf({ view: oneOf(modes) });

/** One persona: what it is, how it speaks, and three bots of it as they would be. */
export function PersonaPage(): ReactNode {
  const id = usePathParam('id');
  const query = useQuery(personaQuery(useClient(), id));
  const gone = query.error instanceof MusterError && query.error.code === 'notFound';
  if (query.data && !gone) return <Shown key={query.data.id} persona={query.data} />;
  return (
    <GalleryArea current="personas" title={id} lead={<BackLink to="/gallery/personas">{words.back}</BackLink>}>
      {gone ? <EmptyState title={words.gone} detail={words.goneDetail} /> : <Loaded query={query}>{() => null}</Loaded>}
    </GalleryArea>
  );
}

function Shown({ persona }: { persona: GalleryPersona }): ReactNode {
  const client = useClient();
  const nav = useNav();
  const operate = useMay('gallery:operate');
  const [dialog, setDialog] = useState<'clone' | 'delete'>();
  const take = useAct(
    () => client.gallery.personas.export([persona.id]),
    (exported) => saveFile(`${persona.id}.json`, JSON.stringify(exported, null, 2)),
  );
  return (
    <GalleryArea
      current="personas"
      lead={<BackLink to="/gallery/personas">{words.back}</BackLink>}
      title={persona.id}
      note={persona.builtIn ? <Badge hint={words.builtInNote}>{words.builtIn}</Badge> : null}
      actions={
        <>
          <Button
            variant={persona.builtIn ? 'primary' : 'secondary'}
            disabledReason={operate.reason}
            onClick={() => setDialog('clone')}
          >
            {words.clone}
          </Button>
          <Menu
            label={persona.id}
            items={[
              { key: 'export', label: words.exportOne, onSelect: () => take.mutate(undefined) },
              { key: 'bots', label: words.bots, to: `/gallery/bots?persona=${persona.id}` },
              { key: 'seed', label: words.seed, to: `/gallery/bots/new?mode=seed&persona=${persona.id}` },
              {
                key: 'delete',
                label: words.delete,
                danger: true,
                disabledReason: operate.reason ?? (persona.builtIn ? words.builtInStays : undefined),
                onSelect: () => setDialog('delete'),
              },
            ]}
          />
        </>
      }
      line={
        <>
          <Text value={persona.title} max={100} />
          <span className="text-soft">{words.version(persona.version)}</span>
          <Link to={`/gallery/bots?persona=${persona.id}`}>{words.botsOf(botsCount(persona.bots))}</Link>
        </>
      }
    >
      <Editor persona={persona} />
      {dialog === 'clone' ? <CloneDialog persona={persona} onClose={() => setDialog(undefined)} /> : null}
      {dialog === 'delete' ? (
        <DeleteDialog
          persona={persona}
          onClose={() => setDialog(undefined)}
          onDone={() => nav.navigate('/gallery/personas')}
        />
      ) : null}
    </GalleryArea>
  );
}

function Editor({ persona }: { persona: GalleryPersona }): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const operate = useMay('gallery:operate');
  const { values, set } = useSearch(search);
  const view = values.view ?? 'form';
  const [from, setFrom] = useState(persona);
  const saved = useMemo(() => personaOf(from), [from]);
  const [draft, setDraft] = useState<Persona>(saved);
  const [typed, setTyped] = useState<string>();
  const changes = changesOf(saved, draft);
  const changed = Object.keys(changes).length > 0;
  const settled = useSettled(draft, 500);
  const text = useMemo(() => JSON.stringify(settled), [settled]);
  // The server says what is wrong: the same check that an import goes through, and nothing is written.
  const check = useQuery({
    queryKey: ['gallery', 'persona-check', text],
    queryFn: () => client.gallery.personas.import([settled], true),
    enabled: operate.may && !persona.builtIn,
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const row = check.data?.rows[0];
  const refused = row?.outcome === 'refused' ? row : undefined;
  const save = useMutation({
    mutationFn: () => client.gallery.personas.change(persona.id, changes, from.version),
    onSuccess: (next) => {
      queries.setQueryData(personaQuery(client, next.id).queryKey, next);
      void queries.invalidateQueries({ queryKey: ['gallery', 'personas'] });
      setFrom(next);
      setDraft(personaOf(next));
      setTyped(undefined);
      toast({ title: words.saved(next.version), tone: 'done' });
    },
  });
  const problem = problemOf(save.error);
  const stale = save.error instanceof MusterError && save.error.reason === 'version_conflict';
  const badJson = typed === undefined ? undefined : jsonProblem(typed);
  const reload = (): void => {
    setFrom(persona);
    setDraft(personaOf(persona));
    setTyped(undefined);
    save.reset();
  };
  const type = (next: string): void => {
    setTyped(next);
    if (jsonProblem(next) === undefined) setDraft({ ...(JSON.parse(next) as Persona), id: persona.id });
  };
  const why = persona.builtIn
    ? words.builtInNote
    : (operate.reason ?? badJson ?? (changed ? (refused ? words.wrong : undefined) : words.unchanged));
  return (
    <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,1fr)_24rem]">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (why === undefined) save.mutate();
        }}
      >
        <div className="flex max-w-full overflow-x-auto">
          <Segmented
            label={words.modes.label}
            value={view}
            onChange={(next) => set({ view: modes.find((each) => each === next) }, { replace: true })}
            options={modes.map((mode) => ({ value: mode, label: words.modes[mode] }))}
          />
        </div>
        {stale ? (
          <div className="row">
            <Sign tone="warn">{formWords.conflict}</Sign>
            <Button onClick={reload}>{formWords.reload}</Button>
          </div>
        ) : problem ? (
          <ProblemPanel problem={problem} />
        ) : null}
        {view === 'form' ? <PersonaForm draft={draft} onChange={setDraft} /> : null}
        {view === 'json' ? (
          <>
            {badJson === undefined ? null : <Sign tone="failed">{badJson}</Sign>}
            <TextArea
              value={typed ?? JSON.stringify(draft, null, 2)}
              onChange={type}
              mono
              rows={32}
              spellCheck={false}
              aria-label={words.modes.json}
            />
          </>
        ) : null}
        {view === 'diff' ? (
          changed ? (
            <Diff before={saved} after={draft} label={words.modes.diff} />
          ) : (
            <p className="m-0 text-soft">{words.unchanged}</p>
          )
        ) : null}
        <div className="sticky bottom-0 flex flex-wrap items-center gap-x-4 gap-y-2 border-t border-hair bg-canvas py-3">
          <Button type="submit" variant="primary" busy={save.isPending} disabledReason={why}>
            {words.save}
          </Button>
          <Button
            variant="quiet"
            disabledReason={changed ? undefined : words.unchanged}
            onClick={() => {
              setDraft(saved);
              setTyped(undefined);
            }}
          >
            {words.revert}
          </Button>
          <span role="status" className="min-w-0 text-sm">
            {persona.builtIn || !operate.may ? null : check.isPending ? (
              <span className="text-soft">{words.checking}</span>
            ) : refused ? (
              <>
                <Sign tone="failed">{words.wrong}</Sign> <Text value={refused.detail ?? ''} max={300} />{' '}
                {refused.pointer === null ? null : <span className="mono text-soft">{words.at(refused.pointer)}</span>}
              </>
            ) : (
              <Sign tone="done">{words.fine}</Sign>
            )}
          </span>
        </div>
      </form>
      <PersonaPreview persona={settled} />
    </div>
  );
}

function jsonProblem(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isPersonaShaped(value) ? undefined : words.jsonBad(words.modes.form);
  } catch (error) {
    return words.jsonBad(error instanceof Error ? error.message : String(error));
  }
}
