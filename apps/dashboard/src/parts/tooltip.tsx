import type { ReactNode } from 'react';
import { tip } from './tips.ts';

/** Says more about what it wraps. On one element, spread `tip(text)` on it instead. */
export function Tooltip({ text, children }: { text: string; children: ReactNode }): ReactNode {
  return (
    <span className="inline-flex min-w-0" {...tip(text)}>
      {children}
    </span>
  );
}
