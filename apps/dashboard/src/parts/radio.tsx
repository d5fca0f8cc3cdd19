import { type ReactNode, useId } from 'react';
import type { Option } from './option.ts';

export type RadioGroupProps = {
  label: string;
  hideLabel?: boolean | undefined;
  value: string;
  onChange: (value: string) => void;
  options: readonly Option[];
};

export function RadioGroup({ label, hideLabel = false, value, onChange, options }: RadioGroupProps): ReactNode {
  const name = useId();
  return (
    <fieldset className="flex min-w-0 flex-col gap-1">
      <legend className={hideLabel ? 'visually-hidden' : 'field-label mb-1'}>{label}</legend>
      {options.map((option) => (
        <label key={option.value} className="check">
          <input
            type="radio"
            name={name}
            checked={option.value === value}
            disabled={option.disabled}
            onChange={() => onChange(option.value)}
          />
          <span className="min-w-0">
            {option.label}
            {option.hint === undefined ? null : <span className="block text-sm text-soft">{option.hint}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
