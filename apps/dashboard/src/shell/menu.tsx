import { Ellipsis } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useMe } from '../api/me.ts';
import { useOverview } from '../live/overview.ts';
import { count } from '../parts/format.ts';
import { Link, usePlace } from '../parts/nav.tsx';
import { shellWords as words } from '../words/shell.ts';
import type { Area, MenuCount } from './area.ts';
import { mayEnter } from './may-enter.ts';

/** The areas this person may enter. */
function useAreas(areas: readonly Area[]): readonly Area[] {
  const me = useMe();
  return areas.filter(({ needs }) => mayEnter(me, needs));
}

const isIn = ({ to, routes }: Area, pathname: string): boolean =>
  to === '/'
    ? routes.some(({ path }) => path === pathname)
    : pathname === to || pathname.startsWith(`${to}/`) || routes.some(({ path }) => path === pathname);

export function SideMenu({ areas }: { areas: readonly Area[] }): ReactNode {
  return (
    <nav className="side" aria-label={words.menu}>
      <Link to="/" className="brand">
        <Mark />
        <span>{words.product}</span>
      </Link>
      <ul>
        {useAreas(areas).map((area) => (
          <li key={area.key}>
            <Entry area={area} />
          </li>
        ))}
      </ul>
    </nav>
  );
}

export const Mark = (): ReactNode => (
  <svg aria-hidden viewBox="0 0 24 24" width="20" height="20" className="brand-mark">
    <rect x="3" y="3" width="7.5" height="7.5" rx="1.5" />
    <rect x="13.5" y="3" width="7.5" height="7.5" rx="1.5" />
    <rect x="3" y="13.5" width="7.5" height="7.5" rx="1.5" />
    <circle cx="17.25" cy="17.25" r="3.75" />
  </svg>
);

function Entry({ area, onFollow }: { area: Area; onFollow?: () => void }): ReactNode {
  const { pathname } = usePlace();
  const Icon = area.icon;
  return (
    <Link to={area.to} className="entry" aria-current={isIn(area, pathname) ? 'page' : undefined} onClick={onFollow}>
      <Icon aria-hidden size={16} />
      <span className="entry-label">{area.label}</span>
      {area.count ? <Counted read={area.count} /> : null}
    </Link>
  );
}

/** What runs there now, and whether it needs a person: said in words for voices. */
function Counted({ read }: { read: NonNullable<Area['count']> }): ReactNode {
  const { data } = useOverview();
  if (!data) return null;
  const found: MenuCount = read(data);
  if (!found.alarm && (found.count === undefined || found.count === 0)) return null;
  const shown = found.count === undefined || found.count === 0 ? '' : count(found.count);
  return (
    <span className={found.alarm ? 'entry-count entry-alarm' : 'entry-count'}>
      <span aria-hidden>
        {shown}
        {found.alarm ? '!' : ''}
      </span>
      <span className="visually-hidden">
        {[...(shown === '' ? [] : [words.running(shown)]), ...(found.alarm ? [words.needsPerson] : [])].join(', ')}
      </span>
    </span>
  );
}

/** Below 768 px the areas are at the bottom, where a thumb is. */
export function BottomBar({ areas }: { areas: readonly Area[] }): ReactNode {
  const open = useAreas(areas);
  const { pathname } = usePlace();
  const [more, setMore] = useState(false);
  const rest = open.filter(({ main }) => main !== true);
  return (
    <nav className="bottom" aria-label={words.menu}>
      {more ? (
        <ul className="bottom-more">
          {rest.map((area) => (
            <li key={area.key}>
              <Entry area={area} onFollow={() => setMore(false)} />
            </li>
          ))}
        </ul>
      ) : null}
      <ul className="bottom-main">
        {open
          .filter(({ main }) => main === true)
          .map((area) => (
            <li key={area.key}>
              <Entry area={area} onFollow={() => setMore(false)} />
            </li>
          ))}
        {rest.length > 0 ? (
          <li>
            <button
              type="button"
              className="entry"
              aria-expanded={more}
              aria-current={!more && rest.some((area) => isIn(area, pathname)) ? 'page' : undefined}
              onClick={() => setMore(!more)}
            >
              <Ellipsis aria-hidden size={16} />
              <span className="entry-label">{words.more}</span>
            </button>
          </li>
        ) : null}
      </ul>
    </nav>
  );
}
