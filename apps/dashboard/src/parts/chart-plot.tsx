import type { Tone } from '@muster/protocol/tones';
import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { type ChartProps, type Drawn, dashOf } from './chart.tsx';
import { clockTime, dateOf } from './format.ts';
import { useZone } from './time.tsx';
import { useWidth } from './use-width.ts';

export type ChartPlotProps = Pick<ChartProps, 'times' | 'threshold' | 'onRange'> & {
  kind: NonNullable<ChartProps['kind']>;
  format: (value: number) => string;
  height: number;
  series: readonly Drawn[];
  /** Which moment is looked at. */
  onAt: (index: number | null) => void;
};

const dayMs = 86_400_000;

/** Draws into a canvas; colours are read from the page, again when the theme changes. */
export function ChartPlot(props: ChartPlotProps): ReactNode {
  const { times, series, kind, height, onAt } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const width = useWidth(box);
  const zone = useZone();
  const theme = useTheme();
  const latest = useRef(props);
  latest.current = props;
  const shape = `${kind} ${zone} ${theme} ${props.threshold?.value ?? ''} ${series.map(({ key, tone }) => `${key}/${tone}`).join()}`;

  useLayoutEffect(() => {
    const root = box.current;
    if (!root || width === 0) return undefined;
    const made = new UPlot(optionsOf(latest, root, width, zone), dataOf(latest.current), root);
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = undefined;
    };
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- made anew only when its shape changes; size and data are set below
  }, [shape, width === 0]);
  useLayoutEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height });
  }, [width, height]);
  useLayoutEffect(() => {
    plot.current?.setData(dataOf(latest.current));
  }, [times, series]);

  const press = (event: KeyboardEvent): void => {
    const drawn = plot.current;
    if (!drawn || !['ArrowLeft', 'ArrowRight', 'Escape'].includes(event.key)) return;
    event.preventDefault();
    if (event.key === 'Escape') {
      drawn.setCursor({ left: -10, top: -10 });
      onAt(null);
      return;
    }
    const before = drawn.cursor.idx ?? times.length - 1;
    const at = Math.min(Math.max(before + (event.key === 'ArrowLeft' ? -1 : 1), 0), times.length - 1);
    drawn.setCursor({ left: drawn.valToPos(times[at] ?? 0, 'x'), top: 10 });
    onAt(at);
  };
  return (
    <div
      ref={box}
      className="chart-plot"
      style={{ height }}
      tabIndex={0}
      role="group"
      onKeyDown={press}
      onBlur={() => onAt(null)}
    />
  );
}

/** Changes when the page's colours do. */
function useTheme(): number {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const changed = (): void => setTurn((n) => n + 1);
    const seen = new MutationObserver(changed);
    seen.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', changed);
    return () => {
      seen.disconnect();
      dark.removeEventListener('change', changed);
    };
  }, []);
  return turn;
}

function dataOf({ times, series, kind }: ChartPlotProps): UPlot.AlignedData {
  const values = series.map((each) => [...each.values]);
  if (kind === 'line') return [[...times], ...values];
  // Each on top of those before it.
  const sums = times.map(() => 0);
  const stacked = values.map((each) =>
    each.map((value, i) => {
      sums[i] = (sums[i] ?? 0) + (value ?? 0);
      return sums[i] ?? 0;
    }),
  );
  // The highest is drawn first, so that the lower ones cover it.
  return [[...times], ...stacked.toReversed()];
}

function optionsOf(latest: { current: ChartPlotProps }, root: Element, width: number, zone: string): UPlot.Options {
  const { kind, height, series, threshold } = latest.current;
  const style = getComputedStyle(root);
  const css = (name: string): string => style.getPropertyValue(name).trim();
  const toneOf = (tone: Tone): string => css(`--tone-${tone}`);
  const font = `11px ${style.fontFamily}`;
  const axis = { stroke: css('--soft'), font, ticks: { show: false }, grid: { stroke: css('--hair'), width: 1 } };
  const drawn = series.map((each, i): UPlot.Series => {
    const colour = toneOf(each.tone);
    const dash = dashOf(i, kind);
    return {
      label: each.label,
      stroke: colour,
      width: kind === 'bars' ? 0 : 1.5,
      ...(dash ? { dash } : {}),
      ...(kind === 'line' ? {} : { fill: kind === 'bars' ? colour : mixed(colour, css('--canvas'), 0.3) }),
      ...(kind === 'bars' && UPlot.paths.bars ? { paths: UPlot.paths.bars({ size: [0.7, 32] }) } : {}),
      points: { show: false },
    };
  });
  return {
    width,
    height,
    ms: 1,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: latest.current.onRange !== undefined, y: false, setScale: false },
      points: { show: kind === 'line', size: 7 },
    },
    scales: {
      x: {
        time: true,
        ...(kind === 'bars'
          ? {
              range: (_: UPlot, low: number, high: number): UPlot.Range.MinMax =>
                aired(latest.current.times, low, high),
            }
          : {}),
      },
      y: { range: (_, low, high) => [Math.min(0, low), niceTop(Math.max(high, threshold?.value ?? 0))] },
    },
    series: [{}, ...(kind === 'line' ? drawn : drawn.toReversed())],
    axes: [
      {
        ...axis,
        space: 80,
        size: 22,
        gap: 4,
        grid: { show: false },
        values: (_, splits) => splits.map((at, i) => timeOf(at, splits[i - 1], zone)),
      },
      {
        ...axis,
        // Asked once before there is anything to show, whatever the library's types say.
        size: (_, values: readonly string[] | null) =>
          12 + 6.6 * Math.max(2, ...(values ?? []).map((value) => value.length)),
        space: 36,
        values: (_, splits) => splits.map((value) => latest.current.format(value)),
      },
    ],
    hooks: {
      setCursor: [
        (plot) => {
          const { idx, left = -1 } = plot.cursor;
          latest.current.onAt(left < 0 || idx === null || idx === undefined ? null : idx);
        },
      ],
      setSelect: [
        (plot) => {
          if (plot.select.width < 4) return;
          const from = plot.posToVal(plot.select.left, 'x');
          const to = plot.posToVal(plot.select.left + plot.select.width, 'x');
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          latest.current.onRange?.(Math.round(from), Math.round(to));
        },
      ],
      draw: [(plot) => drawThreshold(plot, latest.current.threshold, toneOf('failed'), font)],
    },
  };
}

function drawThreshold(plot: UPlot, threshold: ChartProps['threshold'], colour: string, font: string): void {
  if (!threshold) return;
  const { ctx, bbox } = plot;
  const y = plot.valToPos(threshold.value, 'y', true);
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.font = font.replace('11px', `${11 * devicePixelRatio}px`);
  ctx.textAlign = 'right';
  ctx.textBaseline = 'bottom';
  ctx.fillText(threshold.label, bbox.left + bbox.width - 4, y - 4 * devicePixelRatio);
  ctx.restore();
}

/** Room for half a bar at both ends. */
function aired(times: readonly number[], low: number, high: number): [number, number] {
  const half = ((times[1] ?? high) - (times[0] ?? low)) / 2 || 1;
  return [low - half, high + half];
}

/** A round number a little above the highest. */
function niceTop(high: number): number {
  if (!(high > 0)) return 1;
  const step = 10 ** Math.floor(Math.log10(high));
  const rounded = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((each) => each * step >= high * 1.02);
  return (rounded ?? 10) * step;
}

/** The clock, and the date where a day begins. */
function timeOf(at: number, before: number | undefined, zone: string): string {
  if (before !== undefined && at - before >= dayMs) return dateOf(at, zone).slice(0, 6);
  if (before !== undefined && dateOf(at, zone) !== dateOf(before, zone)) return dateOf(at, zone).slice(0, 6);
  const time = clockTime(at, zone);
  return time.endsWith(':00') ? time.slice(0, 5) : time;
}

/** `color-mix` for a canvas, which knows none: two six-digit colours. */
function mixed(a: string, b: string, share: number): string {
  const part = (text: string, i: number): number => Number.parseInt(text.slice(1 + i * 2, 3 + i * 2), 16);
  return `rgb(${[0, 1, 2].map((i) => Math.round(part(a, i) * share + part(b, i) * (1 - share))).join(' ')})`;
}
