import type { ReactNode } from 'react';
import { type CheckboxProps, Tick } from './checkbox.tsx';

export type SwitchProps = Omit<CheckboxProps, 'indeterminate'>;

/** On or off, at once. */
export function Switch(props: SwitchProps): ReactNode {
  return <Tick {...props} role="switch" />;
}
