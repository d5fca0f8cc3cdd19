import type { GalleryTarget, TargetChange } from '@muster/protocol';
import { galleryLimits as limits } from '@muster/protocol/gallery';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { problemOf } from '../../api/problem.ts';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { percent } from '../../parts/format.ts';
import { Input, NumberInput } from '../../parts/input.tsx';
import { ProblemPanel } from '../../parts/problem-panel.tsx';
import { RadioGroup } from '../../parts/radio.tsx';
import { RangeInput } from '../../parts/range-input.tsx';
import { Select } from '../../parts/select.tsx';
import { Switch } from '../../parts/switch.tsx';
import { TagInput } from '../../parts/tag-input.tsx';
import { useToast } from '../../parts/toast.tsx';
import { galleryWords } from '../../words/gallery.ts';
import { targetWords as words } from '../../words/gallery-running.ts';
import { problemsNamed } from './bot-draft.ts';

type Draft = {
  id: string;
  title: string;
  baseUrl: string;
  token: string;
  dialect: 'showcase' | 'gallery-v0';
  rps: number;
  concurrency: number;
  quietList: string[];
  banned: string[];
  captionFooter: string;
  deprovisionOnDelete: boolean;
  phased: boolean;
  share: number;
  phaseOut: { from: number; to: number; minShare: number; stepMax: number };
};

const fresh: Draft = {
  id: '',
  title: '',
  baseUrl: '',
  token: '',
  dialect: 'showcase',
  rps: 10,
  concurrency: 16,
  quietList: [],
  banned: [],
  captionFooter: '',
  deprovisionOnDelete: false,
  phased: false,
  share: 1,
  phaseOut: { from: 50, to: 500, minShare: 0, stepMax: 0.1 },
};

const draftOf = (target: GalleryTarget): Draft => ({
  ...target,
  token: '',
  quietList: [...target.quietList],
  banned: [...target.banned],
  captionFooter: target.captionFooter ?? '',
  phased: target.phaseOut !== null,
  phaseOut: target.phaseOut ?? fresh.phaseOut,
});

/** What both a new and a changed target are told; a token that is not typed stays as it is. */
function bodyOf(draft: Draft, sandbox: boolean): TargetChange {
  const {
    title,
    baseUrl,
    token,
    dialect,
    rps,
    concurrency,
    quietList,
    banned,
    captionFooter,
    deprovisionOnDelete,
    phased,
    share,
    phaseOut,
  } = draft;
  return {
    title: title.trim(),
    rps,
    concurrency,
    quietList,
    banned,
    captionFooter: captionFooter.trim() === '' ? null : captionFooter.trim(),
    deprovisionOnDelete,
    ...(sandbox ? {} : { baseUrl: baseUrl.trim(), dialect, ...(token === '' ? {} : { token }) }),
    ...(phased ? { phaseOut } : { phaseOut: null, share }),
  };
}

/** Names a gallery, or changes what is said of one. */
export function TargetDialog({ target, onClose }: { target?: GalleryTarget; onClose: () => void }): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const toast = useToast();
  const [draft, setDraft] = useState<Draft>(() => (target ? draftOf(target) : fresh));
  const sandbox = target?.kind === 'sandbox';
  const save = useMutation({
    mutationFn: () => {
      const body = bodyOf(draft, sandbox);
      if (target) return client.gallery.targets.change(target.id, body, target.version);
      return client.gallery.targets.create({
        ...body,
        id: draft.id,
        title: draft.title.trim(),
        baseUrl: draft.baseUrl.trim(),
      });
    },
    onSuccess: ({ id }) => {
      void queries.invalidateQueries({ queryKey: ['gallery'] });
      toast({ title: target ? words.saved : words.added(id), tone: 'done' });
      onClose();
    },
  });
  const problem = problemOf(save.error);
  return (
    <Dialog
      open
      onClose={onClose}
      title={target ? words.editTitle(target.id) : words.addTitle}
      {...(target ? {} : { detail: words.addDetail })}
      size="l"
      footer={
        <>
          <Button onClick={onClose}>{galleryWords.cancel}</Button>
          <Button variant="primary" busy={save.isPending} onClick={() => save.mutate()}>
            {target ? words.save : words.addAction}
          </Button>
        </>
      }
    >
      <div className="stack">
        {problem ? <ProblemPanel problem={problem} /> : null}
        <Fields
          draft={draft}
          isNew={target === undefined}
          sandbox={sandbox}
          errors={problemsNamed(problem?.errors)}
          onChange={setDraft}
        />
        <ShareFields draft={draft} onChange={setDraft} />
      </div>
    </Dialog>
  );
}

type FieldsProps = {
  draft: Draft;
  isNew: boolean;
  sandbox: boolean;
  errors: Readonly<Partial<Record<string, string>>>;
  onChange: (draft: Draft) => void;
};

function Fields({ draft, isNew, sandbox, errors, onChange }: FieldsProps): ReactNode {
  const set = (patch: Partial<Draft>): void => onChange({ ...draft, ...patch });
  const { fields } = words;
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      {isNew ? (
        <Field label={fields.id} hint={fields.idHint} error={errors['id']}>
          <Input value={draft.id} onChange={(id) => set({ id })} mono maxLength={40} />
        </Field>
      ) : null}
      <Field label={fields.title} error={errors['title']}>
        <Input value={draft.title} onChange={(title) => set({ title })} maxLength={100} />
      </Field>
      {sandbox ? null : (
        <>
          <Field label={fields.baseUrl} hint={fields.baseUrlHint} error={errors['baseUrl']}>
            <Input
              value={draft.baseUrl}
              onChange={(baseUrl) => set({ baseUrl })}
              type="url"
              mono
              placeholder="https://"
            />
          </Field>
          <Field label={fields.token} hint={fields.tokenHint} error={errors['token']} optional>
            <Input value={draft.token} onChange={(token) => set({ token })} type="password" autoComplete="off" />
          </Field>
          <Field label={fields.dialect}>
            <Select
              value={draft.dialect}
              onChange={(next) => set({ dialect: next === 'gallery-v0' ? next : 'showcase' })}
              options={(['showcase', 'gallery-v0'] as const).map((value) => ({ value, label: value }))}
            />
          </Field>
        </>
      )}
      <Field label={fields.rps} error={errors['rps']}>
        <NumberInput value={draft.rps} onChange={(rps) => set({ rps: rps ?? 1 })} min={0.1} max={10_000} />
      </Field>
      <Field label={fields.concurrency} error={errors['concurrency']}>
        <NumberInput value={draft.concurrency} onChange={(n) => set({ concurrency: n ?? 1 })} min={1} max={256} />
      </Field>
      <Field label={fields.quiet} hint={fields.quietHint} group>
        <TagInput
          ariaLabel={fields.quiet}
          value={draft.quietList}
          onChange={(quietList) => set({ quietList })}
          max={limits.quietListMax}
        />
      </Field>
      <Field label={fields.banned} group>
        <TagInput
          ariaLabel={fields.banned}
          value={draft.banned}
          onChange={(banned) => set({ banned })}
          max={limits.bannedMax}
        />
      </Field>
      <Field label={fields.footer} optional>
        <Input value={draft.captionFooter} onChange={(captionFooter) => set({ captionFooter })} maxLength={200} />
      </Field>
      {sandbox ? null : (
        <Switch
          checked={draft.deprovisionOnDelete}
          onChange={(on) => set({ deprovisionOnDelete: on })}
          label={fields.deprovision}
        />
      )}
    </div>
  );
}

function ShareFields({ draft, onChange }: Pick<FieldsProps, 'draft' | 'onChange'>): ReactNode {
  const { share } = words;
  const { phaseOut } = draft;
  const phase = (patch: Partial<Draft['phaseOut']>): void =>
    onChange({ ...draft, phaseOut: { ...phaseOut, ...patch } });
  return (
    <div className="stack">
      <RadioGroup
        label={share.mode}
        value={draft.phased ? 'phased' : 'fixed'}
        onChange={(mode) => onChange({ ...draft, phased: mode === 'phased' })}
        options={[
          { value: 'fixed', label: share.fixed },
          { value: 'phased', label: share.phased },
        ]}
      />
      {draft.phased ? (
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label={share.from}>
            <NumberInput value={phaseOut.from} onChange={(from) => phase({ from: from ?? 0 })} min={0} />
          </Field>
          <Field label={share.to}>
            <NumberInput value={phaseOut.to} onChange={(to) => phase({ to: to ?? 1 })} min={1} />
          </Field>
          <Field label={share.least}>
            <RangeInput
              ariaLabel={share.least}
              value={phaseOut.minShare}
              onChange={(minShare) => phase({ minShare })}
              min={0}
              max={1}
              step={0.05}
              format={percent}
            />
          </Field>
          <Field label={share.step}>
            <RangeInput
              ariaLabel={share.step}
              value={phaseOut.stepMax}
              onChange={(stepMax) => phase({ stepMax })}
              min={0.05}
              max={1}
              step={0.05}
              format={percent}
            />
          </Field>
        </div>
      ) : (
        <Field label={share.value}>
          <RangeInput
            ariaLabel={share.value}
            value={draft.share}
            onChange={(value) => onChange({ ...draft, share: value })}
            min={0}
            max={1}
            step={0.05}
            format={percent}
          />
        </Field>
      )}
    </div>
  );
}
