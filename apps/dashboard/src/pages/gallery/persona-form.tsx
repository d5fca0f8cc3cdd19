import type { Persona } from '@muster/protocol';
import { galleryLimits as limits, tiers } from '@muster/protocol/gallery';
import { type ReactNode, useState } from 'react';
import { Field } from '../../parts/field.tsx';
import { Input, NumberInput, TextArea } from '../../parts/input.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Select } from '../../parts/select.tsx';
import { TagInput } from '../../parts/tag-input.tsx';
import { formWords } from '../../words/gallery-form.ts';
import { personaWords as words } from '../../words/gallery-personas.ts';
import { zoneProblem } from './bot-draft.ts';
import { linesOf } from './persona-draft.ts';
import { CurveEditor, OddsEditor, RecipesEditor, StyleEditor, ZoneInput } from './trait-fields.tsx';

type FormProps = { draft: Persona; onChange: (draft: Persona) => void };

/** A persona as fields; the same document stands behind the JSON view. */
export function PersonaForm({ draft, onChange }: FormProps): ReactNode {
  const set = (patch: Partial<Persona>): void => onChange({ ...draft, ...patch });
  const { traits, hints } = formWords;
  return (
    <div className="stack">
      <Panel title={words.basics}>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label={words.fields.title}>
            <Input value={draft.title} onChange={(title) => set({ title })} maxLength={100} />
          </Field>
          <Field label={words.fields.weight} hint={words.fields.weightHint}>
            <NumberInput
              value={draft.weight}
              min={0.01}
              max={100}
              step={0.1}
              onChange={(weight) => set({ weight: weight ?? 0 })}
            />
          </Field>
          <Field label={traits.tier}>
            <Select
              value={draft.tier}
              onChange={(next) => set({ tier: tiers.find((tier) => tier === next) ?? draft.tier })}
              options={tiers.map((tier) => ({ value: tier, label: formWords.tiers[tier] }))}
            />
          </Field>
          <Field label={words.fields.usernamePrefix}>
            <Input
              value={draft.usernamePrefix}
              onChange={(usernamePrefix) => set({ usernamePrefix })}
              mono
              maxLength={15}
            />
          </Field>
          <Field label={traits.timezone} error={zoneProblem(draft.timezone)}>
            <ZoneInput value={draft.timezone} onChange={(timezone) => set({ timezone })} />
          </Field>
          <Field label={traits.language} hint={hints.language}>
            <Input value={draft.language} onChange={(language) => set({ language })} maxLength={35} />
          </Field>
          <Field label={traits.vibe}>
            <Input value={draft.vibe} onChange={(vibe) => set({ vibe })} maxLength={limits.vibeCharsMax} />
          </Field>
          <Field label={traits.interests} group>
            <TagInput
              ariaLabel={traits.interests}
              value={draft.interests}
              onChange={(interests) => set({ interests })}
              max={limits.interestsMax}
            />
          </Field>
        </div>
        <div className="pt-4">
          <Field label={traits.personality}>
            <TextArea
              value={draft.personality}
              onChange={(personality) => set({ personality })}
              rows={4}
              maxLength={limits.personalityCharsMax}
            />
          </Field>
        </div>
      </Panel>
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <Panel title={traits.odds}>
          <OddsEditor value={draft.odds} onChange={(odds) => set({ odds })} />
        </Panel>
        <Panel title={traits.style}>
          <StyleEditor value={draft.style} onChange={(style) => set({ style })} />
        </Panel>
      </div>
      <Panel title={traits.curve} note={hints.curve}>
        <CurveEditor value={draft.curve} onChange={(curve) => set({ curve })} />
      </Panel>
      <Panel title={traits.recipes}>
        <RecipesEditor value={draft.recipes} onChange={(recipes) => set({ recipes })} />
      </Panel>
      <Panel title={words.speech} note={words.speechNote}>
        <Speech draft={draft} onChange={onChange} />
      </Panel>
    </div>
  );
}

const frames = ['captionFrames', 'commentFrames', 'replyFrames', 'promptFrames', 'motifs'] as const;

function Speech({ draft, onChange }: FormProps): ReactNode {
  const { fields } = words;
  const [first, last] = draft.nameParts;
  const lexicon = lexiconText(draft.lexicon);
  return (
    <div className="grid gap-4 lg:grid-cols-2">
      {frames.map((name) => (
        <Lines
          key={name}
          label={fields[name]}
          value={draft[name]}
          onChange={(lines) => onChange({ ...draft, [name]: lines })}
        />
      ))}
      <Lines
        label={fields.firstNames}
        value={first}
        onChange={(lines) => onChange({ ...draft, nameParts: [lines, last] })}
      />
      <Lines
        label={fields.lastNames}
        value={last}
        onChange={(lines) => onChange({ ...draft, nameParts: [first, lines] })}
      />
      <Field label={fields.lexicon} hint={fields.lexiconNote}>
        <Typed
          text={lexicon}
          canon={(typed) => lexiconText(lexiconOf(typed))}
          onText={(text) => onChange({ ...draft, lexicon: lexiconOf(text) })}
        />
      </Field>
    </div>
  );
}

const lexiconText = (lexicon: Persona['lexicon']): string =>
  Object.entries(lexicon)
    .map(([name, list]) => `${name}: ${list.join(' | ')}`)
    .join('\n');

const lexiconOf = (text: string): Record<string, string[]> =>
  Object.fromEntries(
    linesOf(text).map((line) => {
      const at = line.indexOf(':');
      const name = at < 0 ? line : line.slice(0, at).trim();
      const list = at < 0 ? '' : line.slice(at + 1);
      return [
        name,
        list
          .split('|')
          .map((word) => word.trim())
          .filter((word) => word !== ''),
      ];
    }),
  );

function Lines({
  label,
  value,
  onChange,
}: {
  label: string;
  value: readonly string[];
  onChange: (lines: string[]) => void;
}): ReactNode {
  return (
    <Field label={label}>
      <Typed
        text={value.join('\n')}
        canon={(typed) => linesOf(typed).join('\n')}
        onText={(text) => onChange(linesOf(text))}
      />
    </Field>
  );
}

/** Keeps what is typed as it is typed (blank lines, spaces), as long as it means what stands in the document. */
function Typed({
  text,
  canon,
  onText,
}: {
  text: string;
  canon: (text: string) => string;
  onText: (text: string) => void;
}): ReactNode {
  const [typed, setTyped] = useState(text);
  return (
    <TextArea
      value={canon(typed) === text ? typed : text}
      mono
      rows={10}
      spellCheck={false}
      onChange={(next) => {
        setTyped(next);
        onText(next);
      }}
    />
  );
}
