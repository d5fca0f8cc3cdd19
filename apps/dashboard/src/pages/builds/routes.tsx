import { Hammer } from 'lucide-react';
import type { Area } from '../../shell/area.ts';
import { buildsAreaWords as w } from '../../words/builds-area.ts';

/** Everything below `/builds`. Each page is a chunk of its own. */
export const buildsArea: Area = {
  key: 'builds',
  label: w.title,
  icon: Hammer,
  to: '/builds',
  letter: 'b',
  needs: 'builds:read',
  main: true,
  count: ({ builds, needsPerson }) => ({
    count: builds?.running,
    alarm: needsPerson.some(({ area }) => area === 'builds'),
  }),
  pages: [
    { to: '/builds/queue', label: w.queue },
    { to: '/builds/workers', label: w.workers },
    { to: '/builds/new', label: w.submit },
  ],
  routes: [
    { path: '/builds', title: w.title, page: () => import('./list/list-page.tsx').then((page) => page.ListPage) },
    {
      path: '/builds/queue',
      title: w.queue,
      page: () => import('./queue/queue-page.tsx').then((page) => page.QueuePage),
    },
    {
      path: '/builds/new',
      title: w.submit,
      page: () => import('./submit/submit-page.tsx').then((page) => page.SubmitPage),
    },
    {
      path: '/builds/workers',
      title: w.workers,
      page: () => import('./workers/workers-page.tsx').then((page) => page.WorkersPage),
    },
    {
      path: '/builds/workers/:id',
      title: w.worker,
      page: () => import('./workers/worker-page.tsx').then((page) => page.WorkerPage),
    },
    { path: '/builds/:id', title: w.run, page: () => import('./run/run-page.tsx').then((page) => page.RunPage) },
  ],
};
