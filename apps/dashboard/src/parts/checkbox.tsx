import { type ChangeEvent, type ReactNode, useEffect, useId, useRef } from 'react';
import { tip } from './tips.ts';

export type CheckboxProps = {
  checked: boolean;
  indeterminate?: boolean | undefined;
  onChange: (checked: boolean, event: ChangeEvent<HTMLInputElement>) => void;
  label: string;
  /** The name is only spoken. */
  hideLabel?: boolean | undefined;
  hint?: string | undefined;
  disabledReason?: string | undefined;
};

export function Checkbox(props: CheckboxProps): ReactNode {
  return <Tick {...props} />;
}

/** The browser's own box, in one of its two looks. */
export function Tick(props: CheckboxProps & { role?: 'switch' }): ReactNode {
  const { checked, indeterminate = false, onChange, label, hideLabel = false, hint, disabledReason, role } = props;
  const box = useRef<HTMLInputElement>(null);
  const id = useId();
  useEffect(() => {
    if (box.current) box.current.indeterminate = indeterminate;
  }, [indeterminate]);
  const told = disabledReason ?? hint;
  return (
    <label className="check" {...(disabledReason === undefined ? {} : tip(disabledReason, 'name'))}>
      <input
        ref={box}
        type="checkbox"
        role={role}
        checked={checked}
        onChange={(event) => {
          if (disabledReason === undefined) onChange(event.target.checked, event);
        }}
        aria-label={hideLabel ? label : undefined}
        aria-disabled={disabledReason === undefined ? undefined : true}
        aria-describedby={told === undefined ? undefined : id}
      />
      {hideLabel ? null : (
        <span className="min-w-0">
          {label}
          {hint === undefined ? null : (
            <span id={disabledReason === undefined ? id : undefined} className="block text-sm text-soft">
              {hint}
            </span>
          )}
        </span>
      )}
      {disabledReason === undefined ? null : (
        <span id={id} className="visually-hidden">
          {disabledReason}
        </span>
      )}
    </label>
  );
}
