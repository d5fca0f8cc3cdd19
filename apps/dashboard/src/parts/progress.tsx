import type { Tone } from '@muster/protocol/tones';
import type { ReactNode } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { count, percent } from './format.ts';

export type ProgressProps = {
  /** 0 to 1; `null` while nobody knows. */
  value: number | null;
  label: string;
  tone?: Tone | undefined;
  /** Behind the bar; the share when absent. */
  note?: ReactNode;
};

export function Progress({ value, label, tone = 'live', note }: ProgressProps): ReactNode {
  const share = value === null ? null : Math.min(1, Math.max(0, value));
  return (
    <span className={`progress tone-${tone}`}>
      <span
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={share === null ? undefined : Math.round(share * 100)}
        className={share === null ? 'progress-bar progress-open' : 'progress-bar'}
      >
        {share === null ? null : <span style={{ width: `${share * 100}%` }} />}
      </span>
      <span className="num text-sm text-soft">
        {note ?? (share === null ? words.progress.unknown : percent(share))}
      </span>
    </span>
  );
}

export type MeterProps = {
  used: number;
  /** `null`: no limit. */
  limit: number | null;
  /** Promised, not used yet; drawn hatched behind what is used. */
  reserved?: number | undefined;
  label: string;
  format?: ((value: number) => string) | undefined;
};

/** How much of a limit is used; near it warns, at it fails. */
export function Meter({ used, limit, reserved = 0, label, format = count }: MeterProps): ReactNode {
  const share = limit === null || limit <= 0 ? null : used / limit;
  const tone: Tone = share === null ? 'off' : share >= 1 ? 'failed' : share >= 0.8 ? 'warn' : 'live';
  const held = share === null || limit === null ? 0 : Math.min(1, (used + reserved) / limit);
  return (
    <span className={`progress tone-${tone}`}>
      <span
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={limit ?? used}
        aria-valuenow={used}
        aria-valuetext={limit === null ? format(used) : words.meter.of(format(used), format(limit))}
        className="progress-bar"
      >
        {held > 0 ? <span className="meter-held" style={{ width: `${held * 100}%` }} /> : null}
        <span style={{ width: `${Math.min(1, share ?? 0) * 100}%` }} />
      </span>
      <span className="num text-sm">
        {format(used)}{' '}
        <span className="text-soft">{limit === null ? words.meter.noLimit : words.meter.ofLimit(format(limit))}</span>
      </span>
    </span>
  );
}
