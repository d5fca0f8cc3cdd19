import { type ReactNode, useRef, useState } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Chip } from './chip.tsx';
import { matching } from './matching.ts';
import { Suggest } from './suggest.tsx';

export type TagInputProps = {
  value: readonly string[];
  onChange: (value: string[]) => void;
  /** What is wrong with a tag, if anything. */
  check?: ((tag: string) => string | undefined) | undefined;
  suggestions?: readonly string[] | undefined;
  max?: number | undefined;
  placeholder?: string | undefined;
  ariaLabel?: string | undefined;
};

const none: readonly string[] = [];

/** Several short texts: Enter or a comma makes one, Backspace takes the last away. */
export function TagInput({
  value,
  onChange,
  check,
  suggestions = none,
  max = 50,
  placeholder,
  ariaLabel,
}: TagInputProps): ReactNode {
  const [typed, setTyped] = useState('');
  const input = useRef<HTMLInputElement>(null);
  const full = value.length >= max;
  const wrong = typed.trim() === '' ? undefined : full ? words.tags.full(max) : check?.(typed.trim());
  const add = (text: string): void => {
    const fresh = text
      .split(',')
      .map((part) => part.trim())
      .filter((part, i, all) => part !== '' && !value.includes(part) && all.indexOf(part) === i);
    const good = fresh.filter((part) => check?.(part) === undefined).slice(0, max - value.length);
    if (good.length > 0) onChange([...value, ...good]);
    // What cannot be taken stays in the field, with its reason.
    setTyped(fresh.filter((part) => !good.includes(part)).join(', '));
  };
  const options = suggestions.filter((each) => !value.includes(each)).map((each) => ({ value: each, label: each }));
  return (
    <span className="flex flex-col gap-1">
      <span className="control flex-wrap py-1" data-invalid={wrong === undefined ? undefined : true}>
        {value.map((tag) => (
          <Chip
            key={tag}
            value={tag}
            onRemove={() => {
              onChange(value.filter((each) => each !== tag));
              input.current?.focus();
            }}
          />
        ))}
        <Suggest
          ref={input}
          text={typed}
          onText={(text) => (text.endsWith(',') ? add(text) : setTyped(text))}
          options={matching(options, typed).slice(0, 20)}
          onPick={(option) => add(option.value)}
          onEnter={add}
          onBack={() => onChange(value.slice(0, -1))}
          onBlur={() => {
            if (typed.trim() !== '') add(typed);
          }}
          placeholder={value.length === 0 ? placeholder : undefined}
          aria-label={ariaLabel}
          aria-invalid={wrong === undefined ? undefined : true}
        />
      </span>
      {wrong === undefined ? null : (
        <span className="field-error" role="status">
          {wrong}
        </span>
      )}
    </span>
  );
}
