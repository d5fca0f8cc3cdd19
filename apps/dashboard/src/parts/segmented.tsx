import { type ReactNode, useId } from 'react';
import type { RadioGroupProps } from './radio.tsx';

/** Two to five short choices in one frame. */
export function Segmented({ label, value, onChange, options }: Omit<RadioGroupProps, 'hideLabel'>): ReactNode {
  const name = useId();
  return (
    <span role="radiogroup" aria-label={label} className="segmented">
      {options.map((option) => (
        <label key={option.value}>
          <input type="radio" name={name} checked={option.value === value} onChange={() => onChange(option.value)} />
          {option.label}
        </label>
      ))}
    </span>
  );
}
