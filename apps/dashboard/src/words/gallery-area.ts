/** Of the menu and the palette: the few words of the gallery that every page loads. */
export const galleryAreaWords = {
  area: 'Gallery',
  bot: 'Gallery bot',
  persona: 'Persona',
  newBot: 'New gallery bot',
  newFleet: 'Draw many gallery bots',
  budgets: 'Gallery budgets',
  panic: 'Stop all gallery activity',
  panicWords: 'panic kill switch emergency stop',
  tabs: {
    fleet: 'Fleet',
    bots: 'Bots',
    feed: 'Feed',
    personas: 'Personas',
    budgets: 'Budgets',
    targets: 'Targets',
    minds: 'Minds',
    evaluation: 'Evaluation',
  },
  tabsLabel: 'Parts of the gallery',
} as const;
