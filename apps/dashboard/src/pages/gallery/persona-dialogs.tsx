import type { GalleryPersona, Imported } from '@muster/protocol';
import { galleryLimits as limits } from '@muster/protocol/gallery';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { problemOf } from '../../api/problem.ts';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { FileDrop } from '../../parts/file-drop.tsx';
import { Input } from '../../parts/input.tsx';
import { useNav } from '../../parts/nav.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { Select } from '../../parts/select.tsx';
import { Sign } from '../../parts/state.tsx';
import { Text } from '../../parts/text.tsx';
import { useToast } from '../../parts/toast.tsx';
import { botsCount, galleryWords } from '../../words/gallery.ts';
import { personaWords as words } from '../../words/gallery-personas.ts';
import { personasQuery } from './data.ts';

/** A file of personas, looked at before anything is taken. */
export function ImportDialog({ onClose }: { onClose: () => void }): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const [file, setFile] = useState<File>();
  const [bad, setBad] = useState<string>();
  const [document, setDocument] = useState<unknown>();
  const look = useMutation({ mutationFn: (json: unknown) => client.gallery.personas.import(json, true) });
  const take = useMutation({
    mutationFn: () => client.gallery.personas.import(document),
    onSuccess: ({ created, updated }) => {
      void queries.invalidateQueries({ queryKey: ['gallery'] });
      toast({ title: words.imported(created, updated), tone: 'done' });
      onClose();
    },
  });
  const read = async (next: File): Promise<void> => {
    setFile(next);
    setBad(undefined);
    look.reset();
    if (next.size > limits.importBytesMax) return setBad(words.importFile);
    try {
      const json: unknown = JSON.parse(await next.text());
      setDocument(json);
      look.mutate(json);
    } catch (error) {
      setBad(words.importBad(error instanceof Error ? error.message : String(error)));
    }
  };
  const problem = problemOf(look.error ?? take.error);
  const wanted = (look.data?.created ?? 0) + (look.data?.updated ?? 0);
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.importTitle}
      detail={words.importDetail}
      size="l"
      footer={
        <>
          <Button onClick={onClose}>{galleryWords.cancel}</Button>
          <Button
            variant="primary"
            busy={take.isPending || look.isPending}
            disabledReason={wanted === 0 ? words.importNothing : undefined}
            onClick={() => take.mutate()}
          >
            {words.importAction(wanted)}
          </Button>
        </>
      }
    >
      <div className="stack">
        <FileDrop
          label={words.importFile}
          accept=".json,application/json"
          file={file}
          onFile={(next) => void read(next)}
        />
        {bad === undefined ? null : <Sign tone="failed">{bad}</Sign>}
        {problem ? <ProblemPanel problem={problem} /> : null}
        {look.data ? <Outcomes imported={look.data} /> : null}
      </div>
    </Dialog>
  );
}

const toneOf = { created: 'done', updated: 'live', unchanged: 'off', refused: 'failed' } as const;

function Outcomes({ imported }: { imported: Imported }): ReactNode {
  const { created, updated, unchanged, refused, rows } = imported;
  return (
    <div className="flex flex-col gap-2">
      <p className="m-0 font-medium">{words.importCounts(created, updated, unchanged, refused)}</p>
      <ul className="m-0 max-h-72 list-none overflow-y-auto p-0" aria-label={words.importTitle}>
        {rows.map(({ row, id, outcome, detail, pointer }) => (
          <li key={row} className="flex flex-wrap gap-x-3">
            <Sign tone={toneOf[outcome]}>{words.outcomes[outcome]}</Sign>
            <Text value={id ?? String(row + 1)} max={60} mono />
            {detail === null ? null : <Text value={detail} max={400} className="text-soft" />}
            {pointer === null ? null : <span className="mono text-soft">{words.at(pointer)}</span>}
          </li>
        ))}
      </ul>
    </div>
  );
}

type OneProps = { persona: GalleryPersona; onClose: () => void; onDone?: () => void };

export function CloneDialog({ persona, onClose }: OneProps): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const nav = useNav();
  const [id, setId] = useState(`my_${persona.id}`.slice(0, 40));
  const clone = useMutation({
    mutationFn: () => client.gallery.personas.clone(persona.id, { id }),
    onSuccess: (made) => {
      void queries.invalidateQueries({ queryKey: ['gallery', 'personas'] });
      onClose();
      nav.navigate(`/gallery/personas/${made.id}`);
    },
  });
  const problem = problemOf(clone.error);
  const valid = /^[a-z][a-z0-9_-]{1,39}$/.test(id);
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.cloneTitle(persona.id)}
      detail={words.cloneDetail}
      footer={
        <>
          <Button onClick={onClose}>{galleryWords.cancel}</Button>
          <Button
            variant="primary"
            busy={clone.isPending}
            disabledReason={valid ? undefined : words.cloneIdHint}
            onClick={() => clone.mutate()}
          >
            {words.cloneAction}
          </Button>
        </>
      }
    >
      <div className="stack">
        {problem ? <ProblemPanel problem={problem} /> : null}
        <Field label={words.cloneId} hint={words.cloneIdHint}>
          <Input value={id} onChange={setId} mono maxLength={40} />
        </Field>
      </div>
    </Dialog>
  );
}

/** A persona in use goes only when its bots have somewhere to go. */
export function DeleteDialog({ persona, onClose, onDone }: OneProps): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const { data: personas } = useQuery(personasQuery(client));
  const others = (personas ?? []).filter(({ id }) => id !== persona.id);
  const [moveTo, setMoveTo] = useState('');
  const remove = useMutation({
    mutationFn: () => client.gallery.personas.delete(persona.id, persona.bots > 0 ? moveTo : undefined),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['gallery'] });
      toast({ title: words.deleted(persona.id), tone: 'done' });
      onClose();
      onDone?.();
    },
  });
  const problem = problemOf(remove.error);
  const used = persona.bots > 0;
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.deleteTitle(persona.id)}
      detail={used ? words.deleteMove(botsCount(persona.bots)) : words.deleteFree}
      footer={
        <>
          <Button onClick={onClose}>{words.keep}</Button>
          <Button
            variant="danger"
            busy={remove.isPending}
            disabledReason={used && moveTo === '' ? words.moveTo : undefined}
            onClick={() => remove.mutate()}
          >
            {words.deleteAction(persona.id)}
          </Button>
        </>
      }
    >
      <div className="stack">
        {problem ? <ProblemPanel problem={problem} /> : null}
        {used ? (
          <Field label={words.moveTo}>
            <Select
              value={moveTo}
              onChange={setMoveTo}
              options={[
                { value: '', label: galleryWords.none },
                ...others.map(({ id, title }) => ({ value: id, label: `${id}: ${title}` })),
              ]}
            />
          </Field>
        ) : null}
      </div>
    </Dialog>
  );
}
