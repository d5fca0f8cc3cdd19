import { buildsArea } from './pages/builds/routes.tsx';
import { galleryArea } from './pages/gallery/routes.tsx';
import { overviewArea } from './pages/overview/routes.tsx';
import { settingsArea } from './pages/settings/routes.tsx';
import { streamsArea } from './pages/streams/routes.tsx';
import { systemArea } from './pages/system/routes.tsx';
import { usageArea } from './pages/usage/routes.tsx';
import type { Area } from './shell/area.ts';

/** In the order of the menu. */
export const areas: readonly Area[] = [
  overviewArea,
  buildsArea,
  galleryArea,
  streamsArea,
  usageArea,
  systemArea,
  settingsArea,
];
