import { Images } from 'lucide-react';
import type { Area } from '../../shell/area.ts';
import { galleryAreaWords as words } from '../../words/gallery-area.ts';

/** Bots that live on an image gallery. Each page is loaded when somebody goes there. */
export const galleryArea: Area = {
  key: 'gallery',
  label: words.area,
  icon: Images,
  to: '/gallery',
  letter: 'a',
  needs: 'gallery:read',
  main: true,
  count: ({ gallery, needsPerson }) => ({
    count: gallery?.running,
    alarm: needsPerson.some(({ area }) => area === 'gallery'),
  }),
  pages: [
    { to: '/gallery/bots', label: words.tabs.bots },
    { to: '/gallery/bots/new', label: words.newBot },
    { to: '/gallery/bots/new?mode=seed', label: words.newFleet },
    { to: '/gallery/feed', label: words.tabs.feed },
    { to: '/gallery/personas', label: words.tabs.personas },
    { to: '/gallery/budgets', label: words.budgets },
    { to: '/gallery/targets', label: words.tabs.targets },
    { to: '/gallery/minds', label: words.tabs.minds },
    { to: '/gallery/evaluation', label: words.tabs.evaluation },
    { to: '/gallery?panic=1', label: words.panic, words: words.panicWords },
  ],
  routes: [
    { path: '/gallery', title: words.area, page: () => import('./fleet-page.tsx').then((page) => page.FleetPage) },
    {
      path: '/gallery/bots',
      title: words.tabs.bots,
      fill: true,
      page: () => import('./bots-page.tsx').then((page) => page.BotsPage),
    },
    {
      path: '/gallery/bots/new',
      title: words.newBot,
      page: () => import('./new-bot-page.tsx').then((page) => page.NewBotPage),
    },
    { path: '/gallery/bots/:id', title: words.bot, page: () => import('./bot-page.tsx').then((page) => page.BotPage) },
    {
      path: '/gallery/feed',
      title: words.tabs.feed,
      page: () => import('./feed-page.tsx').then((page) => page.FeedPage),
    },
    {
      path: '/gallery/personas',
      title: words.tabs.personas,
      page: () => import('./personas-page.tsx').then((page) => page.PersonasPage),
    },
    {
      path: '/gallery/personas/:id',
      title: words.persona,
      page: () => import('./persona-page.tsx').then((page) => page.PersonaPage),
    },
    {
      path: '/gallery/budgets',
      title: words.tabs.budgets,
      page: () => import('./budgets-page.tsx').then((page) => page.BudgetsPage),
    },
    {
      path: '/gallery/targets',
      title: words.tabs.targets,
      page: () => import('./targets-page.tsx').then((page) => page.TargetsPage),
    },
    {
      path: '/gallery/minds',
      title: words.tabs.minds,
      page: () => import('./minds-page.tsx').then((page) => page.MindsPage),
    },
    {
      path: '/gallery/evaluation',
      title: words.tabs.evaluation,
      page: () => import('./evaluation-page.tsx').then((page) => page.EvaluationPage),
    },
  ],
};
