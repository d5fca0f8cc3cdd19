import { Minus, Plus } from 'lucide-react';
import {
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
  useEffect,
  useId,
  useMemo,
  useRef,
  useState,
} from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Button } from './button.tsx';
import { duration } from './format.ts';
import { GanttRowBars } from './gantt-row.tsx';
import { type GanttBar, type GanttProps, type GanttRow, rowPx } from './gantt-rows.ts';
import { moved, type Span, ticksOf, wholeOf, xOf, zoomed } from './gantt-scale.ts';
import { GanttTable } from './gantt-table.tsx';
import { IconButton } from './icon-button.tsx';
import { plain } from './plain.ts';
import { useWidth } from './use-width.ts';
import './gantt.css';

export type { GanttBar, GanttMark, GanttProps, GanttRow } from './gantt-rows.ts';

const axisPx = 24;

/** What happened when: rows of bars over time. Zooms, pans, speaks, and can be read as a table. */
export function Gantt({ label, rows, now, onSelect }: GanttProps): ReactNode {
  const [asTable, setAsTable] = useState(false);
  const [shown, setShown] = useState<Span>();
  const [at, setAt] = useState<string>();
  const area = useRef<HTMLDivElement>(null);
  const drag = useRef<{ x: number; span: Span } | undefined>(undefined);
  const id = useId();
  const width = Math.max(1, useWidth(area));
  const whole = useMemo(() => wholeOf(timesOf(rows, now)), [rows, now]);
  const span = shown ?? whole;
  const bars = rows.flatMap((row) => row.bars);
  const focused = bars.some((bar) => bar.key === at) ? at : bars[0]?.key;

  const zoom = (factor: number, around = (span.from + span.to) / 2): void => {
    const next = zoomed(span, whole, factor, around);
    setShown(next.to - next.from >= whole.to - whole.from ? undefined : next);
  };
  const zoomRef = useRef(zoom);
  zoomRef.current = zoom;
  useEffect(() => {
    const element = area.current;
    if (!element) return undefined;
    // A listener that may keep the page from zooming or scrolling cannot be React's own.
    const wheel = (event: WheelEvent): void => {
      if (!event.ctrlKey && !event.metaKey && !element.contains(document.activeElement)) return;
      event.preventDefault();
      const box = element.getBoundingClientRect();
      const share = (event.clientX - box.left) / box.width;
      zoomRef.current(event.deltaY > 0 ? 1.25 : 0.8, span.from + share * (span.to - span.from));
    };
    element.addEventListener('wheel', wheel, { passive: false });
    return () => element.removeEventListener('wheel', wheel);
  }, [span, asTable]);

  const press = (event: KeyboardEvent): void => {
    if (event.key === '+' || event.key === '=') zoom(0.7);
    else if (event.key === '-') zoom(1.4);
    else if (event.key === '0') setShown(undefined);
    else {
      const next = neighbour(rows, focused, event.key);
      if (next === undefined) return;
      setAt(next.key);
      setShown((now) => (now === undefined ? now : revealed(now, whole, next)));
      document.getElementById(`${id}-${next.key}`)?.focus();
    }
    event.preventDefault();
  };
  const pan = (event: PointerEvent): void => {
    const start = drag.current;
    if (!start || event.buttons === 0 || shown === undefined) return;
    const perPx = (start.span.to - start.span.from) / width;
    setShown(moved(start.span, whole, (start.x - event.clientX) * perPx));
  };
  if (rows.length === 0) return <p className="gantt-none">{words.gantt.empty}</p>;
  const ticks = ticksOf(span, whole.from, width);
  const height = rows.length * rowPx;
  return (
    <div className="gantt">
      <div className="gantt-tools">
        <IconButton size="s" label={words.gantt.zoomOut} icon={<Minus aria-hidden />} onClick={() => zoom(1.5)} />
        <IconButton size="s" label={words.gantt.zoomIn} icon={<Plus aria-hidden />} onClick={() => zoom(1 / 1.5)} />
        <Button size="s" variant="quiet" onClick={() => setShown(undefined)}>
          {words.gantt.fit}
        </Button>
        <Button size="s" variant="quiet" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          {asTable ? words.gantt.asBars : words.gantt.asTable}
        </Button>
      </div>
      {asTable ? (
        <GanttTable label={label} rows={rows} now={now} />
      ) : (
        <div className="gantt-body">
          <div className="gantt-labels" aria-hidden style={{ paddingTop: axisPx }}>
            {rows.map((row) => (
              <div key={row.key} className="clip" style={{ height: rowPx }}>
                {plain(row.label, 60)}
              </div>
            ))}
          </div>
          <div
            ref={area}
            className="gantt-area"
            data-pans={shown !== undefined || undefined}
            onKeyDown={press}
            onPointerDown={(event) => {
              drag.current = { x: event.clientX, span };
            }}
            onPointerMove={pan}
            onPointerUp={() => {
              drag.current = undefined;
            }}
          >
            <svg role="group" aria-label={`${label}. ${words.gantt.hint}`} width={width} height={height + axisPx}>
              <Patterns id={id} />
              <g aria-hidden>
                {ticks.map((tick) => {
                  const x = xOf(tick, span, width);
                  return (
                    <g key={tick}>
                      <path d={`M${x} ${axisPx - 4}V${height + axisPx}`} className="gantt-tick" />
                      <text x={x + 4} y={axisPx - 9} className="gantt-time">
                        {tick === whole.from ? '0' : duration(tick - whole.from)}
                      </text>
                    </g>
                  );
                })}
              </g>
              {rows.map((row, i) => (
                <GanttRowBars
                  key={row.key}
                  row={row}
                  y={axisPx + i * rowPx}
                  {...{ id, span, width, now, focused, onSelect, onFocus: setAt }}
                />
              ))}
              {now !== null && now <= span.to && now >= span.from ? (
                <path
                  aria-hidden
                  d={`M${xOf(now, span, width)} ${axisPx - 8}V${height + axisPx}`}
                  className="gantt-now"
                />
              ) : null}
            </svg>
          </div>
        </div>
      )}
    </div>
  );
}

function Patterns({ id }: { id: string }): ReactNode {
  return (
    <defs>
      <pattern id={`${id}-hatch`} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect width="3" height="6" className="gantt-hatch" />
      </pattern>
    </defs>
  );
}

function timesOf(rows: readonly GanttRow[], now: number | null): number[] {
  const times = rows.flatMap(({ bars, marks = [] }) => [
    ...bars.flatMap(({ from, to }) => (to === null ? [from] : [from, to])),
    ...marks.map(({ at }) => at),
  ]);
  return now === null ? times : [...times, now];
}

/** The bar an arrow key leads to: along the row, or the nearest in time one row up or down. */
function neighbour(rows: readonly GanttRow[], key: string | undefined, arrow: string): GanttBar | undefined {
  const r = rows.findIndex((row) => row.bars.some((bar) => bar.key === key));
  const row = rows[r];
  if (!row) return undefined;
  const i = row.bars.findIndex((bar) => bar.key === key);
  if (arrow === 'ArrowRight') return row.bars[i + 1];
  if (arrow === 'ArrowLeft') return row.bars[i - 1];
  if (arrow === 'Home') return row.bars[0];
  if (arrow === 'End') return row.bars.at(-1);
  if (arrow !== 'ArrowDown' && arrow !== 'ArrowUp') return undefined;
  const step = arrow === 'ArrowDown' ? 1 : -1;
  const from = row.bars[i]?.from ?? 0;
  for (let at = r + step; at >= 0 && at < rows.length; at += step) {
    const near = rows[at]?.bars.toSorted((a, b) => Math.abs(a.from - from) - Math.abs(b.from - from))[0];
    if (near) return near;
  }
  return undefined;
}

function revealed(span: Span, whole: Span, bar: GanttBar): Span {
  if (bar.from >= span.from && bar.from <= span.to) return span;
  return moved(span, whole, bar.from - span.from - (span.to - span.from) / 4);
}
