import type { Tone } from '@muster/protocol/tones';
import type { ReactNode } from 'react';
import { tip } from './tips.ts';

export type PillProps = {
  tone: Tone | 'plain';
  label: ReactNode;
  /** Softer, behind the label: a number that moves. */
  detail?: ReactNode;
  icon?: ReactNode;
  hint?: string | undefined;
  onPress?: (() => void) | undefined;
};

/** A small standing sign: the connection, a mode. */
export function Pill({ tone, label, detail, icon, hint, onPress }: PillProps): ReactNode {
  const inside = (
    <>
      {icon === undefined ? <span aria-hidden className="pill-dot" /> : icon}
      <span>{label}</span>
      {detail === undefined ? null : <span className="pill-detail">{detail}</span>}
    </>
  );
  const more = hint === undefined ? {} : tip(hint);
  return onPress ? (
    <button type="button" className={`pill tone-${tone}`} onClick={onPress} {...more}>
      {inside}
    </button>
  ) : (
    <span className={`pill tone-${tone}`} {...more}>
      {inside}
    </span>
  );
}
