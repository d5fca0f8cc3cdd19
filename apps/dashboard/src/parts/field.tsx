import { CircleAlert } from 'lucide-react';
import { createContext, type ReactNode, use, useId } from 'react';
import { partsWords as words } from '../words/parts.ts';

type FieldControl = { id: string; describedBy: string | undefined; invalid: boolean };
const FieldContext = createContext<FieldControl | undefined>(undefined);

/** What a control inside a `Field` puts on its element. */
export function useFieldControl(): { id?: string; 'aria-describedby'?: string; 'aria-invalid'?: true } {
  const field = use(FieldContext);
  if (!field) return {};
  return {
    id: field.id,
    ...(field.describedBy === undefined ? {} : { 'aria-describedby': field.describedBy }),
    ...(field.invalid ? { 'aria-invalid': true as const } : {}),
  };
}

export type FieldProps = {
  label: string;
  hint?: ReactNode;
  /** What is wrong and what to do; tied to the control. */
  error?: string | undefined;
  optional?: boolean | undefined;
  /** Several controls under one name. */
  group?: boolean | undefined;
  children: ReactNode;
};

/** A name, one control, and what is to be said about it. */
export function Field({ label, hint, error, optional = false, group = false, children }: FieldProps): ReactNode {
  const id = useId();
  const hintId = hint === undefined ? undefined : `${id}-hint`;
  const errorId = error === undefined ? undefined : `${id}-error`;
  const describedBy = [errorId, hintId].filter((each) => each !== undefined).join(' ') || undefined;
  const title = (
    <>
      {label}
      {optional ? <span className="font-normal text-soft"> {words.field.optional}</span> : null}
    </>
  );
  return (
    <div
      className="field"
      {...(group ? { role: 'group', 'aria-labelledby': `${id}-label`, 'aria-describedby': describedBy } : {})}
    >
      {group ? (
        <span id={`${id}-label`} className="field-label">
          {title}
        </span>
      ) : (
        <label htmlFor={id} className="field-label">
          {title}
        </label>
      )}
      <FieldContext value={group ? undefined : { id, describedBy, invalid: error !== undefined }}>
        {children}
      </FieldContext>
      {error === undefined ? null : (
        <span id={errorId} className="field-error" role="alert">
          <CircleAlert aria-hidden size={14} />
          {error}
        </span>
      )}
      {hint === undefined ? null : (
        <span id={hintId} className="field-hint">
          {hint}
        </span>
      )}
    </div>
  );
}
