import type { ReactNode } from 'react';

/** One column of a `DataTable`. */
export type Column<Row> = {
  key: string;
  head: string;
  cell: (row: Row) => ReactNode;
  /** A width, or `minmax(8rem, 1fr)` for one that takes what is left. Never `auto`: every row is laid out alone. */
  width?: string | undefined;
  align?: 'end' | undefined;
  sortable?: boolean | undefined;
  /** Holds the link to the row; the first column when none does. */
  main?: boolean | undefined;
  /** Cannot be hidden. */
  fixed?: boolean | undefined;
  /** Hidden until the reader shows it. */
  hidden?: boolean | undefined;
  mono?: boolean | undefined;
  /** Told when the pointer rests on the cell: what does not fit. */
  title?: ((row: Row) => string | undefined) | undefined;
};

export type Sort = { key: string; dir: 'asc' | 'desc' };

/** What the reader made of a table: kept in the browser. */
export type TableLayout = {
  order: readonly string[];
  /** Shown or hidden against the column's own default. */
  shown: Readonly<Record<string, boolean>>;
  density: 'comfortable' | 'compact';
};

export const plainLayout: TableLayout = { order: [], shown: {}, density: 'comfortable' };

export const isShown = <Row>(column: Column<Row>, layout: TableLayout): boolean =>
  column.fixed === true || (layout.shown[column.key] ?? column.hidden !== true);

/** Columns in the reader's order; new ones stand where the page put them, behind their left neighbour. */
export function ordered<Row>(columns: readonly Column<Row>[], layout: TableLayout): Column<Row>[] {
  const rank = new Map(layout.order.map((key, i) => [key, i]));
  let last = -1;
  const placed = columns.map((column, i) => {
    last = rank.get(column.key) ?? last;
    return { column, rank: rank.get(column.key) ?? last + 0.5, i };
  });
  return placed.toSorted((a, b) => a.rank - b.rank || a.i - b.i).map(({ column }) => column);
}

export const visibleColumns = <Row>(columns: readonly Column<Row>[], layout: TableLayout): Column<Row>[] =>
  ordered(columns, layout).filter((column) => isShown(column, layout));
