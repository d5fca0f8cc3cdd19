import { ChevronLeft } from 'lucide-react';
import { type ReactNode, useEffect, useRef } from 'react';
import { Link } from './nav.tsx';

export type PageProps = {
  /** Without the limit of 1,440 px: logs and wide tables. */
  wide?: boolean | undefined;
  /** Fills the height, so that one list in it scrolls by itself. */
  fill?: boolean | undefined;
  children: ReactNode;
};

export function Page({ wide = false, fill = false, children }: PageProps): ReactNode {
  return <div className={`page ${wide ? 'page-wide' : ''} ${fill ? 'page-fill' : ''}`}>{children}</div>;
}

export type PageHeadProps = {
  title: ReactNode;
  /** Above the title: the way back. */
  lead?: ReactNode;
  /** Beside the title: an id, a state. */
  note?: ReactNode;
  actions?: ReactNode;
  tabs?: ReactNode;
  /** A second line: facts in one row. */
  children?: ReactNode;
};

/** The head of a page. Its title takes the focus when the page opens, so that it is read out. */
export function PageHead({ title, lead, note, actions, tabs, children }: PageHeadProps): ReactNode {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const active = document.activeElement;
    if (active === null || active === document.body || active.closest('nav') !== null) {
      heading.current?.focus({ preventScroll: true });
    }
  }, []);
  return (
    <header className="page-head">
      {lead}
      <div className="page-title">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {note === undefined ? null : <div className="page-note">{note}</div>}
        {actions === undefined ? null : <div className="page-actions">{actions}</div>}
      </div>
      {children === undefined ? null : <div className="page-line">{children}</div>}
      {tabs}
    </header>
  );
}

export function BackLink({ to, children }: { to: string; children: ReactNode }): ReactNode {
  return (
    <Link to={to} className="back-link">
      <ChevronLeft aria-hidden size={14} />
      {children}
    </Link>
  );
}
