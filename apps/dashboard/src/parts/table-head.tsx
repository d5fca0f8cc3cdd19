import { ArrowDown, ArrowUp } from 'lucide-react';
import type { ReactNode } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Checkbox } from './checkbox.tsx';
import type { Column } from './columns.ts';
import type { DataTableProps } from './table.tsx';
import { cellClass } from './table-row.tsx';

type HeadProps<Row> = Pick<
  DataTableProps<Row>,
  | 'columns'
  | 'rows'
  | 'rowKey'
  | 'sort'
  | 'onSort'
  | 'selection'
  | 'onSelection'
  | 'allMatching'
  | 'onAllMatching'
  | 'rowMenu'
>;

/** Names of the columns; those that can be sorted by are buttons. */
export function TableHead<Row>(props: HeadProps<Row>): ReactNode {
  const { columns, rows, rowKey, sort, onSort, selection, onSelection, allMatching = false, rowMenu } = props;
  const picked = selection ? rows.filter((row) => selection.has(rowKey(row))).length : 0;
  const all = allMatching || (rows.length > 0 && picked === rows.length);
  return (
    <thead role="rowgroup" className="dt-head">
      <tr role="row" aria-rowindex={1} className="dt-row">
        {selection ? (
          <th role="columnheader" scope="col" className="dt-pick">
            <Checkbox
              label={words.table.selectLoaded}
              hideLabel
              checked={all}
              indeterminate={picked > 0 && !all}
              onChange={(on) => {
                props.onAllMatching?.(false);
                onSelection?.(new Set(on ? rows.map(rowKey) : []));
              }}
            />
          </th>
        ) : null}
        {columns.map((column) => (
          <HeadCell key={column.key} column={column} sort={sort} onSort={onSort} />
        ))}
        {rowMenu ? (
          <th role="columnheader" scope="col" className="dt-more">
            <span className="visually-hidden">{words.table.actionsHead}</span>
          </th>
        ) : null}
      </tr>
    </thead>
  );
}

function HeadCell<Row>({
  column,
  sort,
  onSort,
}: { column: Column<Row> } & Pick<HeadProps<Row>, 'sort' | 'onSort'>): ReactNode {
  const dir = sort?.key === column.key ? sort.dir : undefined;
  const sortable = column.sortable === true && onSort !== undefined;
  return (
    <th
      role="columnheader"
      scope="col"
      className={cellClass(column)}
      aria-sort={sortable ? (dir === undefined ? 'none' : dir === 'asc' ? 'ascending' : 'descending') : undefined}
    >
      {sortable ? (
        <button
          type="button"
          className="dt-sort"
          onClick={() => onSort({ key: column.key, dir: dir === 'desc' ? 'asc' : 'desc' })}
        >
          <span className="clip">{column.head}</span>
          {dir === 'asc' ? (
            <ArrowUp aria-hidden size={12} />
          ) : (
            <ArrowDown aria-hidden size={12} className={dir === undefined ? 'sort-off' : ''} />
          )}
        </button>
      ) : (
        <span className="clip">{column.head}</span>
      )}
    </th>
  );
}
