import type { Tone } from '@muster/protocol/tones';
import type { ReactNode } from 'react';
import { Link } from './nav.tsx';
import { Sparkline } from './sparkline.tsx';
import { ToneIcon } from './tone-icon.tsx';

export type StatTileProps = {
  label: string;
  value: ReactNode;
  unit?: string | undefined;
  /** The list behind the number. */
  to?: string | undefined;
  note?: ReactNode;
  delta?: { text: string; tone?: Tone | undefined } | undefined;
  spark?: readonly (number | null)[] | undefined;
  /** Told for the spark: `running builds of the last hour`. */
  sparkLabel?: string | undefined;
  tone?: Tone | undefined;
};

/** One number, what it means, and where it comes from. */
export function StatTile(props: StatTileProps): ReactNode {
  const { label, value, unit, to, note, delta, spark, sparkLabel, tone } = props;
  return (
    <div className={`stat ${tone === undefined ? '' : `tone-${tone}`}`}>
      <div className="stat-label">
        {tone === undefined ? null : <ToneIcon tone={tone} size={12} />}
        {to === undefined ? (
          label
        ) : (
          <Link to={to} className="stat-link">
            {label}
          </Link>
        )}
      </div>
      <div className="stat-value">
        {value}
        {unit === undefined ? null : <span className="stat-unit">{unit}</span>}
        {delta === undefined ? null : <span className={`stat-delta tone-${delta.tone ?? 'plain'}`}>{delta.text}</span>}
      </div>
      {spark === undefined ? null : (
        <Sparkline points={spark} label={sparkLabel ?? label} tone={tone ?? 'live'} width={160} height={28} />
      )}
      {note === undefined ? null : <div className="stat-note">{note}</div>}
    </div>
  );
}

export function StatGrid({ children }: { children: ReactNode }): ReactNode {
  return <div className="stat-grid">{children}</div>;
}
