import { type CSSProperties, memo, type ReactNode } from 'react';
import { partsWords as words } from '../words/parts.ts';
import { Menu, type MenuItem } from './menu.tsx';
import { Link, type Nav } from './nav.tsx';
import { followRow, usePulse } from './table-row.tsx';

/** A row where there is no room for columns: two lines. */
export type CardContent = {
  /** The state. */
  lead: ReactNode;
  title: ReactNode;
  /** The reason, or where it runs. */
  sub?: ReactNode;
  /** Its age or length. */
  end?: ReactNode;
};

export type TableCardProps = {
  content: CardContent;
  index: number;
  total: number;
  name: string | undefined;
  to: string | undefined;
  nav: Nav;
  version: unknown;
  style: CSSProperties | undefined;
  menu: readonly MenuItem[] | undefined;
};

function CardOf({ content, index, total, name, to, nav, version, style, menu }: TableCardProps): ReactNode {
  const pulse = usePulse(version);
  const { lead, title, sub, end } = content;
  return (
    <li
      aria-posinset={index + 1}
      aria-setsize={total}
      data-index={index}
      data-changed={pulse}
      className="dt-card"
      style={style}
      onClick={(event) => followRow(event, to, nav)}
    >
      <div className="card-line">
        <span className="card-title">
          {to === undefined ? (
            <span className="clip">{title}</span>
          ) : (
            <Link to={to} className="row-link clip">
              {title}
            </Link>
          )}
        </span>
        <span className="card-end">{end}</span>
      </div>
      <div className="card-line">
        <span className="card-lead">{lead}</span>
        <span className="clip card-sub">{sub}</span>
      </div>
      {menu === undefined ? null : (
        <div className="card-more">
          <Menu label={words.table.actions(name ?? String(index + 1))} items={menu} />
        </div>
      )}
    </li>
  );
}

export const TableCard = memo(CardOf);
