import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { ConfirmHost } from '../../parts/confirm.tsx';
import { KeysProvider } from '../../parts/keys.tsx';
import { type Nav, NavProvider } from '../../parts/nav.tsx';
import { Page, PageHead } from '../../parts/page.tsx';
import { Segmented } from '../../parts/segmented.tsx';
import { ToastHost } from '../../parts/toast.tsx';
import { Actions } from './actions.tsx';
import { Big } from './big.tsx';
import { Feedback } from './feedback.tsx';
import { Inputs } from './inputs.tsx';
import { Lists } from './lists.tsx';
import { Marks } from './marks.tsx';
import { Numbers } from './numbers.tsx';

/** Every part of the console with its states on one page: for development, never built into the console. */
export function Specimen(): ReactNode {
  const [search, setSearch] = useState(location.search);
  const [theme, setTheme] = useState(new URLSearchParams(location.search).get('theme') ?? 'light');
  useEffect(() => document.documentElement.setAttribute('data-theme', theme), [theme]);
  const nav = useMemo<Nav>(
    () => ({
      hrefOf: (to) => to,
      navigate: (to) => {
        const url = new URL(to, location.href);
        if (url.pathname === location.pathname) history.replaceState(null, '', to);
        setSearch(url.search);
      },
    }),
    [],
  );
  const only = new URLSearchParams(location.search).get('only');
  const parts: Record<string, ReactNode> = {
    actions: <Actions />,
    marks: <Marks />,
    inputs: <Inputs />,
    feedback: <Feedback />,
    numbers: <Numbers />,
    lists: <Lists />,
    big: <Big />,
  };
  return (
    <NavProvider value={nav} location={{ pathname: location.pathname, search }}>
      <KeysProvider enabled>
        <main>
          <Page>
            <PageHead
              title="Specimen"
              note="every part, every state"
              actions={
                <Segmented
                  label="Theme"
                  value={theme}
                  onChange={setTheme}
                  options={['light', 'dark', 'system'].map((value) => ({ value, label: value }))}
                />
              }
            />
            {Object.entries(parts)
              .filter(([name]) => only === null || only === name)
              .map(([name, part]) => (
                <div key={name}>{part}</div>
              ))}
          </Page>
        </main>
        <ConfirmHost />
        <ToastHost />
      </KeysProvider>
    </NavProvider>
  );
}
