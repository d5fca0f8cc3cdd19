import type { Tone } from '@muster/protocol/tones';
import type { ReactNode } from 'react';
import { tip } from './tips.ts';

export type BadgeProps = {
  tone?: Tone | 'plain' | undefined;
  hint?: string | undefined;
  children: ReactNode;
};

/** A word in a small frame: `demo`, `beta`, a role, a number. */
export function Badge({ tone = 'plain', hint, children }: BadgeProps): ReactNode {
  return (
    <span className={`badge tone-${tone}`} {...(hint === undefined ? {} : tip(hint))}>
      {children}
    </span>
  );
}
