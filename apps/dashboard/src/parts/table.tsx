import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowUp } from 'lucide-react';
import { type CSSProperties, type ReactNode, useCallback, useEffect, useRef } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Button } from './button.tsx';
import { type Column, plainLayout, type Sort, type TableLayout, visibleColumns } from './columns.ts';
import { count } from './format.ts';
import type { MenuItem } from './menu.tsx';
import { useNav } from './nav.tsx';
import { type CardContent, TableCard } from './table-cards.tsx';
import { TableEnd, type TableMore } from './table-end.tsx';
import { TableHead } from './table-head.tsx';
import { TableRow } from './table-row.tsx';
import { useRowKeys } from './use-row-keys.ts';
import { useSteadyScroll } from './use-steady-scroll.ts';
import { remPx, useWidth } from './use-width.ts';

export type { Column, Sort, TableLayout } from './columns.ts';

export type DataTableProps<Row> = {
  /** What it lists. */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  rowTo?: ((row: Row) => string) | undefined;
  /** What a row is called where it cannot be seen. */
  rowLabel?: ((row: Row) => string) | undefined;
  /** `auto`: all rows stand in the page. `fill`, or pixels: it scrolls by itself and draws only what is seen. */
  height?: 'auto' | 'fill' | number | undefined;
  sort?: Sort | null | undefined;
  onSort?: ((sort: Sort) => void) | undefined;
  selection?: ReadonlySet<string> | undefined;
  onSelection?: ((selection: ReadonlySet<string>) => void) | undefined;
  /** How many match in all, when known. */
  total?: number | null | undefined;
  /** All that match are meant, not only those that are loaded. */
  allMatching?: boolean | undefined;
  onAllMatching?: ((all: boolean) => void) | undefined;
  /** Actions on what is selected. */
  bulk?: ReactNode;
  more?: TableMore | undefined;
  newAbove?: { count: number; show: () => void } | undefined;
  /** The first load. */
  loading?: boolean | undefined;
  /** Instead of rows when there are none. */
  empty?: ReactNode;
  /** What is shown is old (a problem is told elsewhere). */
  stale?: boolean | undefined;
  rowMenu?: ((row: Row) => readonly MenuItem[]) | undefined;
  card?: ((row: Row) => CardContent) | undefined;
  layout?: TableLayout | undefined;
  /** A row whose version changes pulses once. */
  version?: ((row: Row) => unknown) | undefined;
  /** j, k, x and Enter walk, select and open; on where the table fills the page. */
  keyboard?: boolean | undefined;
};

/** Below this width rows become cards. */
const cardsBelowPx = 640;
const nearEndRows = 15;

/** A keyset list: real table semantics, only what is seen is drawn, and nothing moves under the reader. */
export function DataTable<Row>(props: DataTableProps<Row>): ReactNode {
  const {
    label,
    columns,
    rows,
    rowKey,
    rowTo,
    rowLabel,
    height = 'auto',
    layout = plainLayout,
    selection,
    onSelection,
    more,
  } = props;
  const { total, card, rowMenu, version, newAbove, stale = false, loading = false, empty } = props;
  const box = useRef<HTMLDivElement>(null);
  const nav = useNav();
  const asCards = useWidth(box) < cardsBelowPx && card !== undefined;
  const shown = visibleColumns(columns, layout);
  const virtual = height !== 'auto';
  const rowPx = Math.round((asCards ? 4 : layout.density === 'compact' ? 2 : 2.75) * remPx());
  const virtualizer = useVirtualizer({
    count: virtual ? rows.length : 0,
    getScrollElement: () => box.current,
    estimateSize: () => rowPx,
    overscan: 10,
  });
  useEffect(() => virtualizer.measure(), [virtualizer, rowPx]);
  useSteadyScroll(box, rows, rowKey, virtual ? rowPx : 0);
  const items = virtual ? virtualizer.getVirtualItems() : rows.map((_, index) => ({ index, start: undefined }));
  const lastSeen = items.at(-1)?.index ?? -1;
  const wantsMore =
    virtual &&
    more?.has === true &&
    !more.loading &&
    more.problem === undefined &&
    lastSeen >= rows.length - nearEndRows;
  useEffect(() => {
    if (wantsMore) more.load();
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- asked once for each end of the list, however often the page is drawn
  }, [wantsMore, rows.length]);

  const anchor = useRef<number>(undefined);
  const latest = useRef({ rows, selection, onSelection, rowKey });
  latest.current = { rows, selection, onSelection, rowKey };
  const select = useCallback((index: number, on: boolean, range: boolean): void => {
    const { rows, selection, onSelection, rowKey } = latest.current;
    const from = range ? (anchor.current ?? index) : index;
    const next = new Set(selection);
    for (const row of rows.slice(Math.min(from, index), Math.max(from, index) + 1)) {
      if (on) next.add(rowKey(row));
      else next.delete(rowKey(row));
    }
    anchor.current = index;
    onSelection?.(next);
  }, []);
  useRowKeys({
    enabled: props.keyboard ?? height === 'fill',
    box,
    count: rows.length,
    reveal: (index) => virtual && virtualizer.scrollToIndex(index),
    toggle: selection && ((index) => select(index, !isSelected(selection, rows[index], rowKey), false)),
  });

  const styleOf = (start: number | undefined): CSSProperties | undefined =>
    start === undefined
      ? undefined
      : { position: 'absolute', top: 0, left: 0, right: 0, transform: `translateY(${start}px)` };
  const drawn = items.flatMap(({ index, start }) => {
    const row = rows[index];
    if (row === undefined) return [];
    const key = rowKey(row);
    const common = {
      index,
      nav,
      name: rowLabel?.(row),
      to: rowTo?.(row),
      version: version?.(row),
      style: styleOf(start),
      menu: rowMenu?.(row),
    };
    return asCards
      ? [<TableCard key={key} {...common} content={card(row)} total={total ?? -1} />]
      : [
          <TableRow
            key={key}
            {...common}
            row={row}
            columns={shown}
            selected={selection && (props.allMatching || selection.has(key))}
            onSelect={select}
          />,
        ];
  });
  const space = virtual ? { height: virtualizer.getTotalSize() } : undefined;
  const isEmpty = rows.length === 0 && !loading && more?.loading !== true;
  return (
    <div
      className={`dt-frame dt-${virtual ? 'scrolls' : 'flows'} ${height === 'fill' ? 'dt-fill' : ''}`}
      style={typeof height === 'number' ? { height } : undefined}
    >
      {newAbove && newAbove.count > 0 ? (
        <div className="dt-new" role="status">
          <Button size="s" variant="primary" icon={<ArrowUp aria-hidden />} onClick={newAbove.show}>
            {words.table.newAbove(count(newAbove.count), newAbove.count)}
          </Button>
        </div>
      ) : null}
      <div
        ref={box}
        className="dt-box"
        data-stale={stale || undefined}
        {...(virtual ? { role: 'region', 'aria-label': words.table.region(label), tabIndex: 0 } : {})}
      >
        {asCards ? (
          <ul aria-label={label} className="dt-cards" style={space}>
            {drawn}
          </ul>
        ) : (
          <table
            role="table"
            aria-label={label}
            aria-rowcount={total === undefined || total === null ? (more?.has ? -1 : rows.length + 1) : total + 1}
            aria-colcount={shown.length + (selection ? 1 : 0) + (rowMenu ? 1 : 0)}
            aria-busy={loading || undefined}
            className={`dt dt-${layout.density}`}
            style={{ '--columns': templateOf(shown, selection !== undefined, rowMenu !== undefined) } as CSSProperties}
          >
            <TableHead {...props} columns={shown} />
            <tbody role="rowgroup" className="dt-body" style={space}>
              {drawn}
            </tbody>
          </table>
        )}
        {isEmpty ? (
          <div className="dt-empty">{empty}</div>
        ) : (
          <TableEnd more={more} loading={loading} loaded={rows.length} virtual={virtual} />
        )}
      </div>
      {selection && selection.size > 0 ? (
        <div className="dt-bulk" role="region" aria-label={words.table.bulk}>
          <span role="status" className="font-medium">
            {props.allMatching && total
              ? words.table.allSelected(count(total))
              : words.table.selected(count(selection.size))}
          </span>
          {props.onAllMatching && total && total > selection.size && !props.allMatching ? (
            <Button size="s" variant="quiet" onClick={() => props.onAllMatching?.(true)}>
              {words.table.selectAll(count(total))}
            </Button>
          ) : null}
          <span className="dt-bulk-actions">{props.bulk}</span>
          <Button
            size="s"
            variant="quiet"
            onClick={() => {
              props.onAllMatching?.(false);
              onSelection?.(new Set());
            }}
          >
            {words.table.clear}
          </Button>
        </div>
      ) : null}
    </div>
  );
}

const isSelected = <Row,>(
  selection: ReadonlySet<string>,
  row: Row | undefined,
  rowKey: (row: Row) => string,
): boolean => row !== undefined && selection.has(rowKey(row));

function templateOf<Row>(columns: readonly Column<Row>[], pick: boolean, menu: boolean): string {
  const widths = columns.map(({ width = 'minmax(8rem, 1fr)' }) => width);
  return [...(pick ? ['2.25rem'] : []), ...widths, ...(menu ? ['2.5rem'] : [])].join(' ');
}
