import { X } from 'lucide-react';
import type { InputHTMLAttributes, ReactNode, Ref, TextareaHTMLAttributes } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { useFieldControl } from './field.tsx';
import { IconButton } from './icon-button.tsx';

type Size = { size?: 's' | 'm' | undefined };

export type InputProps = Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange' | 'size'> &
  Size & {
    value: string;
    onChange: (text: string) => void;
    mono?: boolean | undefined;
    icon?: ReactNode;
    suffix?: ReactNode;
    clearable?: boolean | undefined;
    ref?: Ref<HTMLInputElement> | undefined;
  };

export function Input(props: InputProps): ReactNode {
  const { value, onChange, mono = false, icon, suffix, clearable = false, size = 'm', className = '', ...rest } = props;
  const field = useFieldControl();
  return (
    <span className={`control control-${size} ${className}`}>
      {icon}
      <input
        type="text"
        autoComplete="off"
        spellCheck={false}
        {...field}
        {...rest}
        className={mono ? 'mono' : undefined}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
      {clearable && value !== '' ? (
        <IconButton label={words.input.clear} icon={<X aria-hidden />} size="s" onClick={() => onChange('')} />
      ) : null}
      {suffix === undefined ? null : <span className="text-soft">{suffix}</span>}
    </span>
  );
}

export type TextAreaProps = Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, 'onChange'> & {
  value: string;
  onChange: (text: string) => void;
  mono?: boolean | undefined;
  ref?: Ref<HTMLTextAreaElement> | undefined;
};

export function TextArea({ value, onChange, mono = false, className = '', ...rest }: TextAreaProps): ReactNode {
  const field = useFieldControl();
  return (
    <span className={`control ${className}`}>
      <textarea
        rows={4}
        spellCheck={!mono}
        {...field}
        {...rest}
        className={mono ? 'mono' : undefined}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </span>
  );
}

export type NumberInputProps = Size & {
  value: number | null;
  onChange: (value: number | null) => void;
  min?: number | undefined;
  max?: number | undefined;
  step?: number | undefined;
  suffix?: ReactNode;
  placeholder?: string | undefined;
  ariaLabel?: string | undefined;
};

/** A number, or nothing. Bounds are told by the field's error, not by refusing keys. */
export function NumberInput({ value, onChange, suffix, size = 'm', ariaLabel, ...rest }: NumberInputProps): ReactNode {
  const field = useFieldControl();
  return (
    <span className={`control control-${size}`}>
      <input
        type="number"
        inputMode="decimal"
        {...field}
        {...rest}
        aria-label={ariaLabel}
        className="mono"
        value={value ?? ''}
        onChange={({ target }) =>
          onChange(target.value === '' || Number.isNaN(target.valueAsNumber) ? null : target.valueAsNumber)
        }
      />
      {suffix === undefined ? null : <span className="text-soft">{suffix}</span>}
    </span>
  );
}
