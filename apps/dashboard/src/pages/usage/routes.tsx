import { ReceiptText } from 'lucide-react';
import type { Area } from '../../shell/area.ts';
import { usageAreaWords as w } from '../../words/usage-area.ts';

export const usageArea: Area = {
  key: 'usage',
  label: w.title,
  icon: ReceiptText,
  to: '/usage',
  letter: 'u',
  routes: [{ path: '/usage', title: w.title, page: () => import('./usage-page.tsx').then((page) => page.UsagePage) }],
};
