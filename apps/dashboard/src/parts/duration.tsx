import type { ReactNode } from 'react';
import { duration, msOf, spokenDuration } from './format.ts';
import { useNow } from './time.tsx';

type Moment = string | number | null | undefined;

/** A length of time: `4 m 12 s`. */
export function Duration({ ms, className = '' }: { ms: number | null | undefined; className?: string }): ReactNode {
  return <span className={`num ${className}`}>{duration(ms)}</span>;
}

/** Time since a moment, ticking until `until` is known. */
export function Elapsed({
  since,
  until,
  className = '',
}: {
  since: Moment;
  until?: Moment;
  className?: string;
}): ReactNode {
  const from = msOf(since);
  const to = msOf(until);
  if (from === null) return <Duration ms={null} className={className} />;
  return to === null ? (
    <Ticking from={from} sign={1} className={className} />
  ) : (
    <Duration ms={to - from} className={className} />
  );
}

/** Time left until a moment, ticking; nothing below zero. */
export function Countdown({ until, className = '' }: { until: Moment; className?: string }): ReactNode {
  const to = msOf(until);
  return to === null ? (
    <Duration ms={null} className={className} />
  ) : (
    <Ticking from={to} sign={-1} className={className} />
  );
}

function Ticking({ from, sign, className }: { from: number; sign: 1 | -1; className: string }): ReactNode {
  const ms = Math.max(0, sign * (useNow(1_000) - from));
  // Whole seconds: tenths that jump once a second would look precise and are not.
  const steady = ms < 1_000 ? 0 : Math.floor(ms / 1_000) * 1_000;
  return (
    <span className={`num ${className}`} aria-label={spokenDuration(steady)} role="timer">
      {steady === 0 ? '0 s' : duration(steady)}
    </span>
  );
}
