import type { Tone } from '@muster/protocol/tones';
import type { ReactNode } from 'react';

export type SparklineProps = {
  /** Oldest first; `null` where nothing is known. */
  points: readonly (number | null)[];
  /** What it shows, in words with its last value. */
  label: string;
  tone?: Tone | undefined;
  width?: number | undefined;
  height?: number | undefined;
};

/** The shape of a number over time; the number itself stands beside it. */
export function Sparkline({ points, label, tone = 'live', width = 96, height = 24 }: SparklineProps): ReactNode {
  const { line, area, last } = pathsOf(points, width, height);
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      className={`spark tone-${tone}`}
      style={{ height }}
    >
      <path d={area} className="spark-area" />
      <path d={line} className="spark-line" vectorEffect="non-scaling-stroke" />
      {last ? <path d={`M${last.x} ${last.y}h0`} className="spark-dot" vectorEffect="non-scaling-stroke" /> : null}
    </svg>
  );
}

type Point = { x: number; y: number };

function pathsOf(
  points: readonly (number | null)[],
  width: number,
  height: number,
): { line: string; area: string; last: Point | undefined } {
  const known = points.filter((each) => each !== null);
  const top = Math.max(0, ...known);
  const low = Math.min(0, ...known);
  const span = top - low || 1;
  const step = points.length > 1 ? width / (points.length - 1) : 0;
  const pad = 2;
  const at = (value: number, i: number): Point => ({
    x: round(i * step),
    y: round(height - pad - ((value - low) / span) * (height - 2 * pad)),
  });
  const base = round(height - pad + ((low < 0 ? low : 0) / span) * (height - 2 * pad));
  let line = '';
  let area = '';
  let run: Point[] = [];
  let last: Point | undefined;
  const close = (): void => {
    const [first] = run;
    const end = run.at(-1);
    if (first && end) {
      const shape = run.map(({ x, y }) => `${x} ${y}`).join('L');
      line += `M${shape}${run.length === 1 ? 'h0' : ''}`;
      area += `M${first.x} ${base}L${shape}L${end.x} ${base}Z`;
      last = end;
    }
    run = [];
  };
  for (const [i, value] of points.entries()) {
    if (value === null) close();
    else run.push(at(value, i));
  }
  close();
  return { line, area, last };
}

const round = (value: number): number => Math.round(value * 100) / 100;
