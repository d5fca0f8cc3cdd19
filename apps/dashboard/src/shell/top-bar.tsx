import { CircleHelp, Monitor, Moon, Search, Sun } from 'lucide-react';
import type { ReactNode } from 'react';
import { useMe } from '../api/me.ts';
import { serverPage } from '../api/place.ts';
import { Button } from '../parts/button.tsx';
import { Kbd } from '../parts/kbd.tsx';
import { Menu } from '../parts/menu.tsx';
import { Link } from '../parts/nav.tsx';
import { useZone } from '../parts/time.tsx';
import { shellWords as words } from '../words/shell.ts';
import { LivePill } from './live-pill.tsx';
import { Mark } from './menu.tsx';
import { setLetterKeys, setTheme, type Theme, themes, useLetterKeys, useTheme } from './preferences.ts';
import { ProjectSwitch } from './project-switch.tsx';
import { signOut } from './sign-out.ts';
import { useZoneSwitch } from './zone.tsx';

const themeIcons: Readonly<Record<Theme, ReactNode>> = {
  system: <Monitor aria-hidden />,
  light: <Sun aria-hidden />,
  dark: <Moon aria-hidden />,
};

export function TopBar({ onSearch, onKeys }: { onSearch: () => void; onKeys: () => void }): ReactNode {
  return (
    <header className="top">
      <Link to="/" className="brand brand-small" aria-label={words.product}>
        <Mark />
      </Link>
      <ProjectSwitch />
      <button
        type="button"
        className="search"
        aria-label={words.search}
        onClick={onSearch}
        aria-keyshortcuts="Control+K Meta+K"
      >
        <Search aria-hidden size={16} />
        <span className="search-words">{words.search}</span>
        <span className="search-keys">
          <Kbd keys="mod+k" />
        </span>
      </button>
      <LivePill />
      <ZoneMenu />
      <ThemeMenu />
      <HelpMenu onKeys={onKeys} />
      <AccountMenu />
    </header>
  );
}

function ZoneMenu(): ReactNode {
  const zone = useZone();
  const change = useZoneSwitch();
  const shown = zone === 'utc' ? words.zoneShort.utc : words.zoneShort.local;
  return (
    <span className="wide-only">
      <Button
        variant="quiet"
        size="s"
        aria-label={`${words.zone}: ${shown}`}
        onClick={() => change(zone === 'utc' ? 'local' : 'utc')}
      >
        {shown}
      </Button>
    </span>
  );
}

function ThemeMenu(): ReactNode {
  const now = useTheme();
  return (
    <span className="wide-only">
      <Menu
        label={words.theme}
        icon={themeIcons[now]}
        items={themes.map((theme) => ({
          key: theme,
          label: words.themes[theme],
          icon: themeIcons[theme],
          checked: theme === now,
          onSelect: () => setTheme(theme),
        }))}
      />
    </span>
  );
}

const HelpMenu = ({ onKeys }: { onKeys: () => void }): ReactNode => (
  <span className="wide-only">
    <Menu
      label={words.help}
      icon={<CircleHelp aria-hidden />}
      items={[
        { key: 'docs', label: words.helpDocs, href: serverPage('/docs') },
        { key: 'keys', label: words.helpKeys, keys: '?', onSelect: onKeys },
      ]}
    />
  </span>
);

/** What the others hold is here too, for screens that have no room for them. */
function AccountMenu(): ReactNode {
  const { name, email } = useMe();
  const letters = useLetterKeys();
  const theme = useTheme();
  const zone = useZone();
  const changeZone = useZoneSwitch();
  return (
    <Menu
      label={`${words.account}: ${name}`}
      icon={<Initials name={name} />}
      items={[
        { key: 'who', heading: email },
        { key: 'letters', label: words.letterKeys, checked: letters, onSelect: () => setLetterKeys(!letters) },
        { key: 'themes', heading: words.theme },
        ...themes.map((each) => ({
          key: each,
          label: words.themes[each],
          checked: each === theme,
          onSelect: () => setTheme(each),
        })),
        { key: 'zones', heading: words.zone },
        ...(['local', 'utc'] as const).map((each) => ({
          key: each,
          label: words.zones[each],
          checked: (zone === 'utc') === (each === 'utc'),
          onSelect: () => changeZone(each),
        })),
        { key: 'docs', label: words.helpDocs, href: serverPage('/docs') },
        { key: 'rule', rule: true },
        { key: 'out', label: words.signOut, onSelect: () => void signOut() },
      ]}
    />
  );
}

function Initials({ name }: { name: string }): ReactNode {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => word?.slice(0, 1) ?? '');
  return (
    <span aria-hidden className="initials">
      {letters.join('').toUpperCase()}
    </span>
  );
}
