import type { ReactNode } from 'react';
import { useFieldControl } from './field.tsx';

export type RangeInputProps = {
  value: number;
  onChange: (value: number) => void;
  min: number;
  max: number;
  step?: number | undefined;
  format?: ((value: number) => string) | undefined;
  ariaLabel?: string | undefined;
};

/** A number that is felt more than known: drag it, or use the arrow keys. */
export function RangeInput({
  value,
  onChange,
  min,
  max,
  step,
  format = String,
  ariaLabel,
}: RangeInputProps): ReactNode {
  const field = useFieldControl();
  return (
    <span className="flex items-center gap-3">
      <input
        {...field}
        type="range"
        className="range"
        aria-label={ariaLabel}
        aria-valuetext={format(value)}
        {...{ min, max, step, value }}
        onChange={({ target }) => onChange(target.valueAsNumber)}
      />
      <output className="num w-16 flex-none text-right">{format(value)}</output>
    </span>
  );
}
