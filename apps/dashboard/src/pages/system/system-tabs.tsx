import type { ReactNode } from 'react';
import { usePlace } from '../../parts/nav.tsx';
import { TabLinks } from '../../parts/tabs.tsx';
import { systemWords as w } from '../../words/system.ts';

export function SystemTabs(): ReactNode {
  const { pathname } = usePlace();
  const jobs = pathname.endsWith('/jobs');
  return (
    <TabLinks
      label={w.title}
      items={[
        { to: '/system', label: w.overview, current: !jobs },
        { to: '/system/jobs', label: w.jobs, current: jobs },
      ]}
    />
  );
}
