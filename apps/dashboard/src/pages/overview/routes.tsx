import { LayoutDashboard } from 'lucide-react';
import type { Area } from '../../shell/area.ts';
import { overviewWords as words } from '../../words/overview.ts';

export const overviewArea: Area = {
  key: 'overview',
  label: words.title,
  icon: LayoutDashboard,
  to: '/',
  letter: 'o',
  main: true,
  pages: [{ to: '/activity', label: words.activity, words: 'feed events' }],
  routes: [
    { path: '/', title: words.title, page: () => import('./overview-page.tsx').then((m) => m.OverviewPage) },
    { path: '/activity', title: words.activity, page: () => import('./activity-page.tsx').then((m) => m.ActivityPage) },
    {
      path: '/r/:id',
      title: words.title,
      page: () => import('../../shell/resolve-page.tsx').then((m) => m.ResolvePage),
    },
  ],
};
