import { ListOrdered } from 'lucide-react';
import type { Area } from '../../shell/area.ts';
import { streamsAreaWords as w } from '../../words/streams-area.ts';

export const streamsArea: Area = {
  key: 'streams',
  label: w.title,
  icon: ListOrdered,
  to: '/streams',
  letter: 's',
  needs: 'streams:read',
  routes: [
    { path: '/streams', title: w.title, page: () => import('./list-page.tsx').then((page) => page.StreamsPage) },
    { path: '/streams/*', title: w.one, page: () => import('./stream-page.tsx').then((page) => page.StreamPage) },
  ],
};
