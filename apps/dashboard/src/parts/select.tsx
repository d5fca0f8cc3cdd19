import { ChevronDown } from 'lucide-react';
import type { ReactNode } from 'react';
import { useFieldControl } from './field.tsx';
import type { Option } from './option.ts';

export type SelectProps = {
  value: string;
  onChange: (value: string) => void;
  options: readonly Option[];
  size?: 's' | 'm' | undefined;
  /** Without a `Field` around it. */
  ariaLabel?: string | undefined;
  className?: string | undefined;
};

/** One of a few. The browser's own list: it works with every finger, voice and keyboard. */
export function Select({ value, onChange, options, size = 'm', ariaLabel, className = '' }: SelectProps): ReactNode {
  const field = useFieldControl();
  return (
    <span className={`control control-${size} ${className}`}>
      <select {...field} aria-label={ariaLabel} value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value} disabled={option.disabled}>
            {option.label}
          </option>
        ))}
      </select>
      <ChevronDown aria-hidden className="select-mark" />
    </span>
  );
}
