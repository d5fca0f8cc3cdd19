import type { Tone } from '@muster/protocol/tones';

export type GanttBar = {
  key: string;
  from: number;
  /** `null`: still going on. */
  to: number | null;
  tone: Tone;
  /** Hatched while it starts, dashed when nobody knows how it ended. */
  mark?: 'starting' | 'lost' | undefined;
  label: string;
  /** The whole of it in words. */
  spoken: string;
};
export type GanttMark = { at: number; label: string; tone?: Tone | undefined };
export type GanttRow = {
  key: string;
  label: string;
  bars: readonly GanttBar[];
  leases?: readonly { from: number; to: number }[] | undefined;
  marks?: readonly GanttMark[] | undefined;
};

export type GanttProps = {
  label: string;
  rows: readonly GanttRow[];
  /** The server's time while it goes on. */
  now: number | null;
  onSelect?: ((bar: GanttBar) => void) | undefined;
};

/** Height of a row. */
export const rowPx = 30;
