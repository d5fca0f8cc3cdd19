import type { ReactNode } from 'react';
import { useMay } from '../../api/me.ts';
import { usePlace } from '../../parts/nav.tsx';
import { TabLinks } from '../../parts/tabs.tsx';
import { settingsAreaWords as w } from '../../words/settings-area.ts';

/** The pages of the settings that this person may open. */
export function SettingsTabs(): ReactNode {
  const { pathname } = usePlace();
  const { may: admin } = useMay('accounts:admin');
  const { may: reads } = useMay('accounts:read');
  const { may: installation } = useMay('installation');
  const pages = [
    { to: '/settings/you', label: w.you, shown: true },
    { to: '/settings/keys', label: w.keys, shown: admin },
    { to: '/settings/people', label: w.people, shown: reads },
    { to: '/settings/projects', label: w.projects, shown: true },
    { to: '/settings/audit', label: w.audit, shown: admin },
    { to: '/settings/limits', label: w.limits, shown: true },
    { to: '/settings/config', label: w.config, shown: installation },
  ];
  return (
    <TabLinks
      label={w.title}
      items={pages.filter(({ shown }) => shown).map(({ to, label }) => ({ to, label, current: pathname.endsWith(to) }))}
    />
  );
}
