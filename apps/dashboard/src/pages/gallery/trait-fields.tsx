import type { Curve, Odds, Recipes, Style, TraitName, Traits } from '@muster/protocol';
import { actKinds, galleryLimits as limits, sceneFamilies, tiers } from '@muster/protocol/gallery';
import { type ReactNode, useId } from 'react';
import { Field } from '../../parts/field.tsx';
import { Input, NumberInput, TextArea } from '../../parts/input.tsx';
import { RangeInput } from '../../parts/range-input.tsx';
import { Select } from '../../parts/select.tsx';
import { TagInput } from '../../parts/tag-input.tsx';
import { galleryWords } from '../../words/gallery.ts';
import { formWords as words } from '../../words/gallery-form.ts';
import { WeekGrid } from './bot-life.tsx';
import { MixBar, mixOf } from './mix-bar.tsx';

/* Editors of single traits, the same for bots and personas. */

type Of<T> = { value: T; onChange: (value: T) => void };

const oddsMost = 100;

/** Weights with what they come to beside them, as they are moved. */
export function OddsEditor({ value, onChange }: Of<Odds>): ReactNode {
  const mix = mixOf(value);
  return (
    <div className="flex flex-col gap-3">
      {actKinds.map((kind) => (
        <div key={kind} className="grid grid-cols-[5.5rem_minmax(0,1fr)_4rem] items-center gap-3">
          <span>{galleryWords.acts[kind]}</span>
          <RangeInput
            ariaLabel={`${words.traits.odds}: ${galleryWords.acts[kind]}`}
            value={value[kind]}
            min={0}
            max={Math.max(oddsMost, value[kind])}
            step={1}
            onChange={(weight) => onChange({ ...value, [kind]: weight })}
          />
          <output className="num text-right" data-mix={kind}>{`${mix[kind]} %`}</output>
        </div>
      ))}
      <MixBar label={words.mix} mix={mix} />
    </div>
  );
}

const speeds = [0, 0.25, 0.5, 1, 1.5, 2, 3, 4, 5];
const nextSpeed = (speed: number): number => speeds.find((each) => each > speed + 0.01) ?? 0;

export function CurveEditor({ value, onChange }: Of<Curve>): ReactNode {
  return (
    <WeekGrid
      curve={value}
      onChange={(day, hour) =>
        onChange(
          value.map((hours, d) =>
            d === day ? hours.map((speed, h) => (h === hour ? nextSpeed(speed) : speed)) : hours,
          ),
        )
      }
    />
  );
}

export function RecipesEditor({ value, onChange }: Of<Recipes>): ReactNode {
  return (
    <div className="grid grid-cols-[repeat(auto-fill,minmax(9rem,1fr))] gap-3">
      {sceneFamilies.map((family) => (
        <Field key={family} label={words.families[family]}>
          <NumberInput
            value={value[family] ?? 0}
            min={0}
            max={100}
            step={0.1}
            onChange={(weight) => {
              const { [family]: _, ...rest } = value;
              onChange(weight === null || weight === 0 ? rest : { ...rest, [family]: weight });
            }}
          />
        </Field>
      ))}
    </div>
  );
}

const registers = ['plain', 'dry', 'warm', 'loud', 'exact', 'slow', 'terse', 'curious'] as const;
const punctuations = ['full', 'light', 'dashes', 'exclaiming'] as const;
const wordsMost = 60;

export function StyleEditor({ value, onChange }: Of<Style>): ReactNode {
  const { lengthWords, register, punctuation } = value;
  const share = (key: 'emoji' | 'questions' | 'praise'): ReactNode => (
    <Field label={words.style[key]}>
      <RangeInput
        ariaLabel={words.style[key]}
        value={value[key]}
        min={0}
        max={1}
        step={0.05}
        format={(n) => n.toFixed(2)}
        onChange={(next) => onChange({ ...value, [key]: next })}
      />
    </Field>
  );
  return (
    <div className="grid grid-cols-[repeat(auto-fit,minmax(12rem,1fr))] gap-3">
      <Field label={words.style.lengthMin}>
        <NumberInput
          value={lengthWords[0]}
          min={1}
          max={wordsMost}
          onChange={(n) => onChange({ ...value, lengthWords: [n ?? 1, lengthWords[1]] })}
        />
      </Field>
      <Field label={words.style.lengthMax}>
        <NumberInput
          value={lengthWords[1]}
          min={1}
          max={wordsMost}
          onChange={(n) => onChange({ ...value, lengthWords: [lengthWords[0], n ?? 1] })}
        />
      </Field>
      <Field label={words.style.register}>
        <Select
          value={register}
          onChange={(next) => onChange({ ...value, register: registers.find((each) => each === next) ?? register })}
          options={registers.map((each) => ({ value: each, label: words.registers[each] }))}
        />
      </Field>
      <Field label={words.style.punctuation}>
        <Select
          value={punctuation}
          onChange={(next) =>
            onChange({ ...value, punctuation: punctuations.find((each) => each === next) ?? punctuation })
          }
          options={punctuations.map((each) => ({ value: each, label: words.punctuation[each] }))}
        />
      </Field>
      {share('emoji')}
      {share('questions')}
      {share('praise')}
    </div>
  );
}

const secondMs = 1_000;

function IntervalEditor({ value, onChange }: Of<number>): ReactNode {
  return (
    <NumberInput
      value={value / secondMs}
      min={limits.intervalMsMin / secondMs}
      max={limits.intervalMsMax / secondMs}
      suffix={words.ms}
      onChange={(seconds) => onChange(Math.round((seconds ?? 0) * secondMs))}
    />
  );
}

/** Zones the browser knows, offered while one is typed. */
export function ZoneInput({ value, onChange }: Of<string>): ReactNode {
  const id = useId();
  return (
    <>
      <Input value={value} onChange={onChange} list={id} autoComplete="off" spellCheck={false} />
      <datalist id={id}>
        {Intl.supportedValuesOf('timeZone').map((zone) => (
          <option key={zone} value={zone}>
            {zone}
          </option>
        ))}
      </datalist>
    </>
  );
}

export type TraitEditorProps<Name extends TraitName> = Of<Traits[Name]> & { minds: readonly string[] };

/** The right control of each trait. */
export const traitEditors: { [Name in TraitName]: (props: TraitEditorProps<Name>) => ReactNode } = {
  personality: ({ value, onChange }) => (
    <TextArea value={value} onChange={onChange} rows={4} maxLength={limits.personalityCharsMax} />
  ),
  vibe: ({ value, onChange }) => <Input value={value} onChange={onChange} maxLength={limits.vibeCharsMax} />,
  interests: ({ value, onChange }) => (
    <TagInput
      ariaLabel={words.traits.interests}
      value={value}
      onChange={onChange}
      max={limits.interestsMax}
      check={(tag) => (tag.length > limits.interestCharsMax ? words.checks.long(limits.interestCharsMax) : undefined)}
    />
  ),
  style: StyleEditor,
  tier: ({ value, onChange }) => (
    <Select
      value={value}
      onChange={(next) => onChange(tiers.find((tier) => tier === next) ?? value)}
      options={tiers.map((tier) => ({ value: tier, label: words.tiers[tier] }))}
    />
  ),
  minIntervalMs: IntervalEditor,
  maxIntervalMs: IntervalEditor,
  timezone: ZoneInput,
  curve: CurveEditor,
  language: ({ value, onChange }) => <Input value={value} onChange={onChange} maxLength={35} />,
  odds: OddsEditor,
  recipes: RecipesEditor,
  mind: ({ value, onChange, minds }) => (
    <Select
      value={value}
      onChange={onChange}
      options={[...new Set([value, ...minds])].map((name) => ({ value: name, label: name }))}
    />
  ),
  decide: ({ value, onChange }) => (
    <Select
      value={value}
      onChange={(next) => onChange(next === 'mind' ? 'mind' : 'odds')}
      options={[
        { value: 'odds', label: words.decide.odds },
        { value: 'mind', label: words.decide.mind },
      ]}
    />
  ),
  imageSource: ({ value, onChange }) => (
    <Select
      value={value}
      onChange={(next) => onChange((['scene', 'target', 'model'] as const).find((each) => each === next) ?? value)}
      options={(['scene', 'target', 'model'] as const).map((each) => ({ value: each, label: words.sources[each] }))}
    />
  ),
};

/** Traits whose editor is more than one control, named as a group. */
export const groupTraits: readonly TraitName[] = ['style', 'curve', 'odds', 'recipes', 'interests'];
