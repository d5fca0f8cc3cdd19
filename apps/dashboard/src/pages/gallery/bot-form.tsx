import type { TraitName, Traits } from '@muster/protocol';
import { galleryLimits as limits } from '@muster/protocol/gallery';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useClient } from '../../api/client.ts';
import { Checkbox } from '../../parts/checkbox.tsx';
import { Field } from '../../parts/field.tsx';
import { duration } from '../../parts/format.ts';
import { Input } from '../../parts/input.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Select } from '../../parts/select.tsx';
import { Text } from '../../parts/text.tsx';
import { galleryWords } from '../../words/gallery.ts';
import { formWords as words } from '../../words/gallery-form.ts';
import { type BotDraft, inheritedBy, type Problems } from './bot-draft.ts';
import { WeekGrid } from './bot-life.tsx';
import { fleetQuery, mindsQuery, personasQuery, targetsQuery } from './data.ts';
import { MixBar, mixOf } from './mix-bar.tsx';
import { groupTraits, type TraitEditorProps, traitEditors } from './trait-fields.tsx';

export type BotFormProps = {
  draft: BotDraft;
  onChange: (draft: BotDraft) => void;
  problems: Problems;
  isNew: boolean;
};

/** What a bot inherits, as it is being written. */
export function useInherited(draft: BotDraft): Traits {
  const client = useClient();
  const { data: personas } = useQuery(personasQuery(client));
  const { data: fleet } = useQuery(fleetQuery(client));
  return inheritedBy(
    draft,
    personas?.find(({ id }) => id === draft.personaId),
    fleet?.mind.name ?? 'improv',
  );
}

/** Everything a bot can be told; what it does not say itself stands there as inherited. */
export function BotForm({ draft, onChange, problems, isNew }: BotFormProps): ReactNode {
  const inherited = useInherited(draft);
  const { data: minds } = useQuery(mindsQuery(useClient()));
  const trait = (name: TraitName): ReactNode => (
    <TraitRow
      key={name}
      name={name}
      own={draft.traits}
      inherited={inherited}
      minds={(minds ?? []).map((mind) => mind.name)}
      problem={problems[name]}
      onChange={(traits) => onChange({ ...draft, traits })}
    />
  );
  return (
    <div className="stack">
      <Basics draft={draft} onChange={onChange} problems={problems} isNew={isNew} />
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <Panel title={words.acting}>
          <div className="stack">{(['odds', 'recipes'] as const).map(trait)}</div>
        </Panel>
        <Panel title={words.rhythm}>
          <div className="stack">
            {(['tier', 'minIntervalMs', 'maxIntervalMs', 'timezone', 'curve'] as const).map(trait)}
          </div>
        </Panel>
        <Panel title={words.character}>
          <div className="stack">{(['personality', 'vibe', 'interests', 'style', 'language'] as const).map(trait)}</div>
        </Panel>
        <Panel title={words.making}>
          <div className="stack">{(['mind', 'decide', 'imageSource'] as const).map(trait)}</div>
        </Panel>
      </div>
    </div>
  );
}

function Basics({ draft, onChange, problems, isNew }: BotFormProps): ReactNode {
  const client = useClient();
  const { data: personas } = useQuery(personasQuery(client));
  const { data: targets } = useQuery(targetsQuery(client));
  const set = (patch: Partial<BotDraft>): void => onChange({ ...draft, ...patch });
  return (
    <Panel title={words.basics}>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={words.name} error={problems['name']}>
          <Input value={draft.name} onChange={(name) => set({ name })} maxLength={limits.nameCharsMax} />
        </Field>
        {isNew ? (
          <Field label={words.username} hint={words.usernameHint} error={problems['username']}>
            <Input
              value={draft.username}
              onChange={(username) => set({ username })}
              mono
              spellCheck={false}
              autoCapitalize="none"
            />
          </Field>
        ) : null}
        <Field label={words.persona} hint={words.personaHint} error={problems['personaId']}>
          <Select
            value={draft.personaId ?? ''}
            onChange={(id) => set({ personaId: id === '' ? null : id })}
            options={[
              { value: '', label: galleryWords.custom },
              ...(personas ?? []).map(({ id, title }) => ({ value: id, label: `${id}: ${title}` })),
            ]}
          />
        </Field>
        {isNew ? (
          <Field label={words.target} error={problems['targetId']}>
            <Select
              value={draft.targetId}
              onChange={(targetId) => set({ targetId })}
              options={(targets ?? []).map(({ id, title }) => ({ value: id, label: `${id}: ${title}` }))}
            />
          </Field>
        ) : null}
        <Field label={words.disclosure} hint={words.hints.disclosure} optional error={problems['disclosureLabel']}>
          <Input
            value={draft.disclosureLabel}
            onChange={(disclosureLabel) => set({ disclosureLabel })}
            maxLength={limits.disclosureLabelCharsMax}
            placeholder={galleryWords.automated}
          />
        </Field>
      </div>
    </Panel>
  );
}

type TraitRowProps = {
  name: TraitName;
  own: Partial<Traits>;
  inherited: Traits;
  minds: readonly string[];
  problem: string | undefined;
  onChange: (own: Partial<Traits>) => void;
};

/** One trait: inherited until it is made the bot's own. */
function TraitRow({ name, own, inherited, minds, problem, onChange }: TraitRowProps): ReactNode {
  const isOwn = own[name] !== undefined;
  const toggle = (on: boolean): void => {
    const { [name]: _, ...rest } = own;
    onChange(on ? { ...rest, [name]: inherited[name] } : rest);
  };
  const hints: Readonly<Partial<Record<TraitName, string>>> = words.hints;
  return (
    <div className="flex items-start gap-4" data-trait={name}>
      <div className="min-w-0 grow">
        {isOwn ? (
          <Field label={words.traits[name]} hint={hints[name]} error={problem} group={groupTraits.includes(name)}>
            <Editor
              name={name}
              value={{ ...inherited, ...own }}
              minds={minds}
              onChange={(value) => onChange({ ...own, ...value })}
            />
          </Field>
        ) : (
          <>
            <span className="field-label">{words.traits[name]}</span>
            <div className="text-soft">
              <Inherited name={name} value={inherited} />
            </div>
          </>
        )}
      </div>
      <Checkbox checked={isOwn} onChange={toggle} label={words.own} hideLabel={false} />
    </div>
  );
}

type EditorProps<Name extends TraitName> = {
  name: Name;
  value: Traits;
  minds: readonly string[];
  onChange: (value: Partial<Traits>) => void;
};

function Editor<Name extends TraitName>({ name, value, minds, onChange }: EditorProps<Name>): ReactNode {
  // The table gives each name its own editor; the compiler cannot follow a name that is a variable.
  const Control = traitEditors[name] as unknown as (props: TraitEditorProps<Name>) => ReactNode;
  return <Control value={value[name]} minds={minds} onChange={(next) => onChange({ [name]: next })} />;
}

function Inherited({ name, value }: { name: TraitName; value: Traits }): ReactNode {
  switch (name) {
    case 'odds':
      return <MixBar label={words.mix} mix={mixOf(value.odds)} />;
    case 'curve':
      return <WeekGrid curve={value.curve} />;
    case 'minIntervalMs':
    case 'maxIntervalMs':
      return duration(value[name]);
    case 'interests':
      return <Text value={value.interests.join(', ') || galleryWords.none} />;
    case 'recipes':
      return (
        <Text
          value={Object.entries(value.recipes)
            .map(([family, weight]) => `${family} ${weight}`)
            .join(', ')}
        />
      );
    case 'style':
      return (
        <Text
          value={`${value.style.lengthWords.join('-')} words, ${value.style.register}, ${value.style.punctuation}`}
        />
      );
    case 'personality':
    case 'vibe':
    case 'tier':
    case 'timezone':
    case 'language':
    case 'mind':
    case 'decide':
    case 'imageSource':
    default:
      return <Text value={value[name] === '' ? galleryWords.none : value[name]} max={300} />;
  }
}
