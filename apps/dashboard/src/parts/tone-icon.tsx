import type { Look, Tone } from '@muster/protocol/tones';
import type { ReactNode } from 'react';

/* Six shapes, told apart without colour: hourglass, half disc, check, triangle, cross, square. */

const shapes: Readonly<Record<Tone, ReactNode>> = {
  waiting: (
    <path
      d="M4 2.25h8M4 13.75h8M5 2.25v2.4c0 1.5 3 2.35 3 3.35S5 9.85 5 11.35v2.4M11 2.25v2.4C11 6.15 8 7 8 8s3 1.85 3 3.35v2.4"
      fill="none"
    />
  ),
  live: (
    <>
      <circle cx="8" cy="8" r="5.75" fill="none" />
      <path d="M8 2.25a5.75 5.75 0 0 1 0 11.5z" fill="currentColor" stroke="none" />
    </>
  ),
  done: <path d="m2.75 8.5 3.5 3.5 7-7.75" fill="none" strokeWidth="2" />,
  warn: <path d="M8 2.25 14.25 13H1.75z" fill="currentColor" />,
  failed: <path d="m3.5 3.5 9 9m0-9-9 9" fill="none" strokeWidth="2" />,
  off: <rect x="3" y="3" width="10" height="10" rx="1" fill="none" />,
};

const starting = (
  <>
    <circle cx="8" cy="8" r="5.75" fill="none" />
    <path d="M8 13.75V9.5M10.5 12.9V5.6M8 6.5V2.25M12.9 10.9V5.1" fill="none" />
  </>
);
const lost = (
  <>
    <circle cx="8" cy="8" r="6.25" fill="none" strokeDasharray="2.4 2.2" strokeWidth="1.25" />
    <path d="m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8" fill="none" />
  </>
);

export type ToneIconProps = {
  tone: Tone;
  mark?: Look['mark'] | undefined;
  /** Only where no word stands beside it. */
  label?: string | undefined;
  size?: number | undefined;
  className?: string | undefined;
};

export function ToneIcon({ tone, mark, label, size = 14, className = '' }: ToneIconProps): ReactNode {
  const name = label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label };
  return (
    <svg
      {...name}
      viewBox="0 0 16 16"
      width={size}
      height={size}
      className={`tone-icon tone-${tone} ${className}`}
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      {mark === 'starting' ? starting : mark === 'lost' ? lost : shapes[tone]}
    </svg>
  );
}
