import { Settings } from 'lucide-react';
import type { Area } from '../../shell/area.ts';
import { settingsAreaWords as w } from '../../words/settings-area.ts';

/** Everything below `/settings`. Each page is a chunk of its own. */
export const settingsArea: Area = {
  key: 'settings',
  label: w.title,
  icon: Settings,
  to: '/settings/you',
  letter: ',',
  pages: [
    { to: '/settings/keys', label: w.keys },
    { to: '/settings/people', label: w.people },
    { to: '/settings/projects', label: w.projects },
    { to: '/settings/audit', label: w.audit },
    { to: '/settings/limits', label: w.limits },
    { to: '/settings/config', label: w.config },
  ],
  routes: [
    { path: '/settings', title: w.title, page: () => import('./you-page.tsx').then((page) => page.YouPage) },
    { path: '/settings/you', title: w.you, page: () => import('./you-page.tsx').then((page) => page.YouPage) },
    { path: '/settings/keys', title: w.keys, page: () => import('./keys-page.tsx').then((page) => page.KeysPage) },
    {
      path: '/settings/people',
      title: w.people,
      page: () => import('./people-page.tsx').then((page) => page.PeoplePage),
    },
    {
      path: '/settings/projects',
      title: w.projects,
      page: () => import('./projects-page.tsx').then((page) => page.ProjectsPage),
    },
    { path: '/settings/audit', title: w.audit, page: () => import('./audit-page.tsx').then((page) => page.AuditPage) },
    {
      path: '/settings/limits',
      title: w.limits,
      page: () => import('./limits-page.tsx').then((page) => page.LimitsPage),
    },
    {
      path: '/settings/config',
      title: w.config,
      page: () => import('./config-page.tsx').then((page) => page.ConfigPage),
    },
  ],
};
