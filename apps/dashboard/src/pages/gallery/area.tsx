import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { useNav, usePlace } from '../../parts/nav.tsx';
import { Page, PageHead, type PageHeadProps } from '../../parts/page.tsx';
import { TabLinks } from '../../parts/tabs.tsx';
import { galleryAreaWords as words } from '../../words/gallery-area.ts';
import { FleetBadges } from './badges.tsx';
import { fleetQuery } from './data.ts';
import { useGalleryNews } from './news.ts';
import { PanicBanner, PanicButton } from './panic.tsx';
import { SandboxLink } from './sandbox-link.tsx';

const places = [
  ['fleet', '/gallery'],
  ['bots', '/gallery/bots'],
  ['feed', '/gallery/feed'],
  ['personas', '/gallery/personas'],
  ['budgets', '/gallery/budgets'],
  ['targets', '/gallery/targets'],
  ['minds', '/gallery/minds'],
  ['evaluation', '/gallery/evaluation'],
] as const;
export type GalleryPlace = (typeof places)[number][0];

type AreaProps = Pick<PageHeadProps, 'title' | 'lead' | 'note' | 'actions'> & {
  current: GalleryPlace;
  /** Second line of the head; on the list pages the badges stand there. */
  line?: ReactNode;
  fill?: boolean;
  children: ReactNode;
};

/** The frame of every page of the gallery: its parts, the sandbox, the kill switch, and what must not be overlooked. */
export function GalleryArea({
  current,
  title,
  lead,
  note,
  actions,
  line,
  fill = false,
  children,
}: AreaProps): ReactNode {
  const client = useClient();
  const queries = useQueryClient();
  const { data: fleet } = useQuery(fleetQuery(client));
  useGalleryNews(queries);
  const nav = useNav();
  const { pathname, search } = usePlace();
  // A link may ask for the confirmation, such as that of the palette.
  const asked = new URLSearchParams(search).has('panic');
  const [opened, setOpened] = useState(false);
  // On a narrow screen the chosen part may stand outside of what is seen.
  const tabs = useRef<HTMLDivElement>(null);
  useEffect(() => {
    tabs.current?.querySelector('[aria-current=page]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, []);
  const close = (): void => {
    setOpened(false);
    if (asked) nav.navigate(pathname, { replace: true });
  };
  return (
    <Page fill={fill}>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div ref={tabs} className="min-w-0 grow max-sm:w-full">
          <TabLinks
            label={words.tabsLabel}
            items={places.map(([key, to]) => ({ to, label: words.tabs[key], current: key === current }))}
          />
        </div>
        <div className="flex items-center gap-2">
          <SandboxLink />
          <PanicButton open={opened || asked} onOpen={() => setOpened(true)} onClose={close} />
        </div>
      </div>
      <PageHead
        title={title}
        {...(lead === undefined ? {} : { lead })}
        note={
          <span className="flex flex-wrap items-center gap-2">
            {note}
            {fleet ? <FleetBadges fleet={fleet} /> : null}
          </span>
        }
        {...(actions === undefined ? {} : { actions })}
      >
        {line}
      </PageHead>
      {fleet?.panic ? <PanicBanner panic={fleet.panic} /> : null}
      {children}
    </Page>
  );
}
