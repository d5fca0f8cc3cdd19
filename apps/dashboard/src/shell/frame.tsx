import { type ReactNode, useEffect, useRef } from 'react';
import { usePlace } from '../parts/nav.tsx';
import { shellWords as words } from '../words/shell.ts';
import type { Area } from './area.ts';
import { Banner } from './banner.tsx';
import { scrollAt } from './history.ts';
import { BottomBar, SideMenu } from './menu.tsx';
import { TopBar } from './top-bar.tsx';

/** The frame around every page: areas, bar, one line of news, content. */
export function Frame({ areas, step, onSearch, onKeys, children }: FrameProps): ReactNode {
  const main = useRef<HTMLElement>(null);
  const { pathname } = usePlace();
  const at = useRef(step);
  useEffect(() => {
    at.current = step;
  });
  // A page begins at its top; one that is come back to, where it was left.
  useEffect(() => {
    if (main.current) main.current.scrollTop = scrollAt(at.current);
    // oxlint-disable-next-line react/exhaustive-effect-dependencies, react/exhaustive-deps -- when the page changes, not its search
  }, [pathname]);
  return (
    <div className="frame">
      <button type="button" className="skip btn btn-primary" onClick={() => main.current?.focus()}>
        {words.skip}
      </button>
      <SideMenu areas={areas} />
      <TopBar onSearch={onSearch} onKeys={onKeys} />
      <div className="frame-body">
        <Banner />
        <main ref={main} tabIndex={-1}>
          {children}
        </main>
      </div>
      <BottomBar areas={areas} />
    </div>
  );
}

export type FrameProps = {
  areas: readonly Area[];
  /** Where in the history the reader is. */
  step: string;
  onSearch: () => void;
  onKeys: () => void;
  children: ReactNode;
};
