import { type CSSProperties, type MouseEvent, memo, type ReactNode, useState } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Checkbox } from './checkbox.tsx';
import type { Column } from './columns.ts';
import { Menu, type MenuItem } from './menu.tsx';
import { isPlainClick, Link, type Nav } from './nav.tsx';
import { type Tip, tip } from './tips.ts';

/** What a press on a row must not take over. */
const own = 'a, button, input, label, select, textarea, summary, [role=button], [role=menuitem]';

/** A press on a row, but on nothing in it that has a use of its own and not at the end of marking text. */
export function followRow(event: MouseEvent, to: string | undefined, nav: Nav): void {
  if (to === undefined || !(event.target instanceof Element) || event.target.closest(own) !== null) return;
  if (globalThis.getSelection()?.isCollapsed === false) return;
  if (event.type === 'auxclick' ? event.button === 1 : event.metaKey || event.ctrlKey)
    globalThis.open(nav.hrefOf(to), '_blank', 'noopener');
  else if (isPlainClick(event)) nav.navigate(to);
}

/** Changes from `a` to `b` and back with each new version, which starts the pulse anew; nothing at first sight. */
export function usePulse(version: unknown): 'a' | 'b' | undefined {
  const [seen, setSeen] = useState({ version, turn: 0 });
  if (seen.version !== version) setSeen({ version, turn: seen.turn + 1 });
  return seen.turn === 0 ? undefined : seen.turn % 2 === 1 ? 'a' : 'b';
}

export type TableRowProps<Row> = {
  row: Row;
  index: number;
  columns: readonly Column<Row>[];
  name: string | undefined;
  to: string | undefined;
  nav: Nav;
  version: unknown;
  style: CSSProperties | undefined;
  /** `undefined`: rows cannot be selected. */
  selected: boolean | undefined;
  onSelect: (index: number, selected: boolean, range: boolean) => void;
  menu: readonly MenuItem[] | undefined;
};

function RowOf<Row>(props: TableRowProps<Row>): ReactNode {
  const { row, index, columns, name, to, nav, version, style, selected, onSelect, menu } = props;
  const pulse = usePulse(version);
  const main = columns.find((column) => column.main)?.key ?? columns[0]?.key;
  return (
    <tr
      role="row"
      aria-rowindex={index + 2}
      aria-selected={selected}
      data-index={index}
      data-changed={pulse}
      data-link={to === undefined ? undefined : ''}
      className="dt-row"
      style={style}
      onClick={(event) => followRow(event, to, nav)}
      onAuxClick={(event) => followRow(event, to, nav)}
      onPointerEnter={to === undefined ? undefined : () => nav.preload?.(to)}
    >
      {selected === undefined ? null : (
        <td role="cell" className="dt-pick">
          <Checkbox
            label={words.table.select(name ?? String(index + 1))}
            hideLabel
            checked={selected}
            onChange={(checked, { nativeEvent }) =>
              onSelect(index, checked, 'shiftKey' in nativeEvent && nativeEvent.shiftKey === true)
            }
          />
        </td>
      )}
      {columns.map((column) => (
        <td key={column.key} role="cell" className={cellClass(column)} {...tipOf(column, row)}>
          {column.key === main && to !== undefined ? (
            <Link to={to} className="row-link clip">
              {column.cell(row)}
            </Link>
          ) : (
            column.cell(row)
          )}
        </td>
      ))}
      {menu === undefined ? null : (
        <td role="cell" className="dt-more">
          <Menu label={words.table.actions(name ?? String(index + 1))} items={menu} size="s" />
        </td>
      )}
    </tr>
  );
}

function tipOf<Row>(column: Column<Row>, row: Row): Partial<Tip> {
  const text = column.title?.(row);
  return text === undefined || text === '' ? {} : tip(text, 'name');
}

export const cellClass = <Row,>(column: Column<Row>): string =>
  `dt-cell${column.align === 'end' ? ' dt-end' : ''}${column.mono ? ' num' : ''}`;

export const TableRow = memo(RowOf) as typeof RowOf;
