import type { ReactNode } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { duration } from './format.ts';
import { type GanttBar, type GanttMark, type GanttRow, rowPx } from './gantt-rows.ts';
import { type Group, grouped, type Span, xOf } from './gantt-scale.ts';
import { plain } from './plain.ts';
import { tip } from './tips.ts';

type RowProps = {
  row: GanttRow;
  y: number;
  id: string;
  span: Span;
  width: number;
  now: number | null;
  focused: string | undefined;
  onSelect: ((bar: GanttBar) => void) | undefined;
  onFocus: (key: string) => void;
};

const barPx = 16;
/** Beyond this many in a row they are told in groups with their count. */
const marksMax = 2_000;
const charPx = 6.6;

export function GanttRowBars({ row, y, span, width, ...rest }: RowProps): ReactNode {
  const all = row.marks ?? [];
  const crowded = all.length > marksMax;
  const marks = grouped(all, span, width, crowded ? 16 : 2);
  const middle = y + rowPx / 2;
  return (
    <g>
      <path aria-hidden d={`M0 ${y + rowPx - 0.5}H${width}`} className="gantt-line" />
      {(row.leases ?? []).map((lease) => {
        const [x, right] = cutTo(lease.from, lease.to, span, width);
        return right <= x ? null : (
          <rect
            key={`${lease.from}`}
            aria-hidden
            x={x}
            y={middle + barPx / 2 + 1}
            width={right - x}
            height={3}
            rx={1.5}
            className="gantt-lease"
          />
        );
      })}
      {row.bars.map((bar) => (
        <Bar key={bar.key} bar={bar} rowName={row.label} y={middle - barPx / 2} {...{ span, width, ...rest }} />
      ))}
      {marks.map((group) => (
        <Mark key={group.at} group={group} counted={crowded} x={xOf(group.at, span, width)} y={middle - barPx / 2} />
      ))}
    </g>
  );
}

type BarProps = Omit<RowProps, 'row'> & { bar: GanttBar; rowName: string };

function Bar({ bar, rowName, y, id, span, width, now, focused, onSelect, onFocus }: BarProps): ReactNode {
  const end = bar.to ?? now ?? bar.from;
  const [x, right] = cutTo(bar.from, end, span, width);
  if (right < x) return null;
  const size = Math.max(right - x, 3);
  const label = plain(bar.label, 60);
  const fits = size > label.length * charPx + 12;
  const spoken = plain(bar.spoken, 200);
  return (
    <g
      id={`${id}-${bar.key}`}
      role={onSelect ? 'button' : 'img'}
      aria-label={`${plain(rowName, 60)}: ${spoken}`}
      tabIndex={bar.key === focused ? 0 : -1}
      className={`gantt-bar tone-${bar.tone}`}
      data-mark={bar.mark}
      onFocus={() => onFocus(bar.key)}
      onClick={onSelect ? () => onSelect(bar) : undefined}
      onKeyDown={(event) => {
        if (event.key === 'Enter') onSelect?.(bar);
      }}
      {...tip(`${label} · ${duration(end - bar.from)}${bar.to === null ? ` · ${words.gantt.running}` : ''}`, 'name')}
    >
      <rect x={x} y={y} width={size} height={barPx} rx={3} className="gantt-fill" />
      {bar.mark === 'starting' ? (
        <rect x={x} y={y} width={size} height={barPx} rx={3} fill={`url(#${id}-hatch)`} />
      ) : null}
      {bar.to === null && now !== null ? (
        <path d={`M${x + size} ${y}l6 ${barPx / 2}l-6 ${barPx / 2}`} className="gantt-open" />
      ) : null}
      {fits ? (
        <text x={x + 6} y={y + 12} className="gantt-label">
          {label}
        </text>
      ) : null}
    </g>
  );
}

function Mark({
  group,
  counted,
  x,
  y,
}: {
  group: Group<GanttMark>;
  counted: boolean;
  x: number;
  y: number;
}): ReactNode {
  const [first] = group.items;
  if (!first) return null;
  const told =
    group.items.length === 1
      ? plain(first.label, 120)
      : `${words.gantt.marks(String(group.items.length))}\n${group.items
          .slice(0, 6)
          .map(({ label }) => plain(label, 60))
          .join('\n')}`;
  return (
    <g
      className={`gantt-mark tone-${first.tone ?? 'off'}`}
      role="img"
      aria-label={told.replaceAll('\n', ', ')}
      {...tip(told, 'name')}
    >
      <rect x={x - 4} y={y - 7} width={8} height={18} fill="transparent" />
      <path d={first.tone === undefined ? `M${x - 0.5} ${y - 5}h1v5h-1z` : `M${x} ${y - 5}l4 5l-4 5l-4 -5z`} />
      {counted && group.items.length > 1 ? (
        <text x={x} y={y - 8} textAnchor="middle" className="gantt-time">
          {group.items.length}
        </text>
      ) : null}
    </g>
  );
}

/** Left and right edge in the view; right is left of left when it is out of sight. */
function cutTo(from: number, to: number, span: Span, width: number): [number, number] {
  if (to < span.from || from > span.to) return [0, -1];
  return [Math.max(-4, xOf(from, span, width)), Math.min(width + 4, xOf(to, span, width))];
}
