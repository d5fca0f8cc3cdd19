import { Activity } from 'lucide-react';
import type { Area } from '../../shell/area.ts';
import { systemAreaWords as w } from '../../words/system-area.ts';

/** How the server is. For those who look after the installation. */
export const systemArea: Area = {
  key: 'system',
  label: w.title,
  icon: Activity,
  to: '/system',
  letter: 'y',
  needs: 'installation',
  count: ({ needsPerson }) => ({ count: undefined, alarm: needsPerson.some(({ area }) => area === 'system') }),
  pages: [{ to: '/system/jobs', label: w.jobs }],
  routes: [
    { path: '/system', title: w.title, page: () => import('./system-page.tsx').then((page) => page.SystemPage) },
    { path: '/system/jobs', title: w.jobs, page: () => import('./jobs-page.tsx').then((page) => page.JobsPage) },
  ],
};
